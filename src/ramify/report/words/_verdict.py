"""The answer first: did sharing pay off, in plain sentences."""

from collections.abc import Mapping

from ramify._core import counted
from ramify.records import Baseline, RunRecord
from ramify.report.words._comparison import Outcome, by_task, means, outcome, skill, with_outcome
from ramify.report.words._model_label import is_tree, ours, shared_how
from ramify.report.words._regrouping_words import regrouped
from ramify.report.words._words import (
    METRICS,
    NETWORKS,
    cited,
    enumerated,
    interval,
    number,
    portion,
)

_AGAINST = {
    Outcome.BETTER: "{It} beat{s} {other}",
    Outcome.WORSE: "{Other} does better than {it}",
    Outcome.UNCLEAR: "{It} and {other} cannot be told apart",
    Outcome.ONCE: "{It} and {other} cannot be told apart by one training of each",
    Outcome.UNTESTED: "How surely {it} differ{s} from {other} is unknown",
    Outcome.ABSENT: "{It} cannot be compared with {other}",
}
_MOST_HELPERS = 5
_HEADLINES = {
    "no_auxiliary": {
        Outcome.BETTER: "The auxiliary tasks helped",
        Outcome.WORSE: "The auxiliary tasks did harm",
        Outcome.UNCLEAR: "Whether the auxiliary tasks helped cannot be told from these test rows",
        Outcome.ONCE: "Whether the auxiliary tasks help cannot be told from one training of each network",
        Outcome.UNTESTED: "Whether the auxiliary tasks helped is uncertain",
        Outcome.ABSENT: "Whether the auxiliary tasks helped cannot be said",
    },
    "single_task": {
        Outcome.BETTER: "Sharing helped",
        Outcome.WORSE: "Sharing did not help",
        Outcome.UNCLEAR: "Whether sharing helped cannot be told from these test rows",
        Outcome.ONCE: "Whether sharing helps cannot be told from one training of each network",
        Outcome.UNTESTED: "Whether sharing helped is uncertain",
        Outcome.ABSENT: "Whether sharing helped cannot be said",
    },
    "shared": _AGAINST,
    "branched": _AGAINST,
    "random_tree": {
        Outcome.BETTER: "Which tasks share matters",
        Outcome.WORSE: "{Other} does better",
        Outcome.UNCLEAR: "{It} and {other} cannot be told apart",
        Outcome.ONCE: "Whether it matters which tasks share cannot be told from one training of each",
        Outcome.UNTESTED: "Whether it matters which tasks share is uncertain",
        Outcome.ABSENT: "Whether it matters which tasks share cannot be said",
    },
}


def verdict(record: RunRecord) -> str:
    """Say in plain sentences whether sharing paid off, and for whom it did not.

    A claim is made only if the record calls a difference clear: then at most one table in twenty
    shows it by chance. A baseline that was not trained is not mentioned.

    Args:
        record: What the run did and found.

    Returns:
        One paragraph without line breaks, in which names that do not read as one word stand in
        quotation marks. It is plain text: escape it before it goes into HTML.
    """
    return " ".join(sentences(record))


def sentences(record: RunRecord) -> list[str]:
    """The sentences of the verdict, the answer first."""
    if len(record.tasks) == 1 and not record.auxiliary:
        return [_one_task(record)]
    known = [name for name in _HEADLINES if name in record.baselines]
    known = [n for n in known if n == "no_auxiliary" or not _is_same(record, n)]
    found = [_against(record, name, brief=i > 0) for i, name in enumerate(known)]
    found = found or [_alone(record)]
    found += [regrouped(record.regroupings)]
    found += [shared_how(record) if len(record.tasks) > 1 else ""]
    found += [_helped(record), _losses(record), _absent(record)]
    return [sentence for sentence in found if sentence]


def _one_task(record: RunRecord) -> str:
    task = record.tasks[0]
    found = by_task(record.scores.test).get(task.name)
    start = f"There is one task, {cited(task.name)}, so there is nothing to share"
    if found is None or found.value is None:
        return f"{start}; it has no test score."
    return f"{start}; its test {METRICS.get(task.metric, task.metric)} is {number(found.value)}."


def _is_same(record: RunRecord, name: str) -> bool:
    # A tree of one shared group *is* the shared network; comparing it with itself says nothing.
    baseline = record.baselines[name]
    has_its_stages = is_tree(record) and baseline.stages == record.tree.stages
    return has_its_stages and abs(baseline.mean_difference.value or 0.0) < 1e-9


def _is_twin(record: RunRecord, name: str) -> bool:
    # Stitched networks have the stages of separate ones, experts those of a shared one: no twins.
    # With other tasks beside them the same stages are not the same training.
    is_alike = is_tree(record) and not record.auxiliary
    return is_alike and record.baselines[name].stages == record.tree.stages


def _against(record: RunRecord, name: str, brief: bool) -> str:
    baseline = record.baselines[name]
    if _is_twin(record, name):
        return _twin(record, name)
    found = outcome(baseline.mean_difference)
    network = NETWORKS[name]
    # What shares nothing, or is no network, says nothing of what sharing gives to networks.
    tells = record.sharing.shares and record.sharing.structure != "other"
    headlines = _HEADLINES[name] if tells else _AGAINST
    headline = ours(record).told(headlines[found], network)
    if found is Outcome.ABSENT:
        return f"{headline}: no task has a test score in both networks."
    named = "" if network in headline.lower() else network
    what = skill(record, brief)
    body = f"{_difference(record, baseline, what, named)}{_surely(baseline, found)}"
    alike = record.sharing.structure != "forest"  # nodes and parameters have no common measure
    size = portion(record.parameters, baseline.parameters, "parameters") if alike else ""
    return f"{headline}: {body}, with {size}." if size else f"{headline}: {body}."


def _twin(record: RunRecord, name: str) -> str:
    pair = means(record, record.baselines[name])
    start = f"The network that was kept is itself {NETWORKS[name]}"
    if pair is None:
        return f"{start}."
    return (
        f"{start}: trained a second time for comparison, it scores {number(pair.baseline)} instead "
        f"of {number(pair.tree)}, which is what training alone can change."
    )


def _difference(record: RunRecord, baseline: Baseline, what: str, network: str) -> str:
    it = ours(record)
    possessive = f"{it.name}'" if it.plural else f"{it.name}'s"
    what = what if network else f"{possessive} {what} is"
    pair = means(record, baseline)
    if pair is not None:
        tail = f" for {network}" if network else ""
        return f"{what} {number(pair.tree)} against {number(pair.baseline)}{tail}"
    value = baseline.mean_difference.value or 0.0
    side = "higher" if value >= 0 else "lower"
    tail = f" than for {network}" if network else ""
    return f"{what.removesuffix(' is')} is {number(abs(value))} {side}{tail}"


def _surely(baseline: Baseline, found: Outcome) -> str:
    if found is Outcome.UNTESTED:
        return " (no interval could be computed)"
    ends = interval(baseline.mean_difference.low, baseline.mean_difference.high)
    remark = ", which contains 0" if found is Outcome.UNCLEAR else ""
    if found is Outcome.ONCE:
        remark = " over the test rows for these two"
    return f" (paired 95 % interval {ends}{remark})"


def _alone(record: RunRecord) -> str:
    scores = by_task(record.scores.test)
    if not scores:
        return "No task has a test score."
    start = "Without another network to compare with, this run cannot say whether sharing helped"
    if record.baselines or any(score.metric == "rmse" for score in scores.values()):
        return "" if record.baselines else f"{start}."
    mean = sum(score.value or 0.0 for score in scores.values()) / len(scores)
    return f"{start}; {skill(record)} over {counted(len(scores), 'task')} is {number(mean)}."


def _helped(record: RunRecord) -> str:
    if not record.auxiliary:
        return ""
    n_stages = len(record.tree.stages)
    told = [
        _shared_by(each.task, each.shares, n_stages) for each in record.auxiliary[:_MOST_HELPERS]
    ]
    more = len(record.auxiliary) - len(told)
    rest = f"; {more:,} more" if more > 0 else ""
    return f"Learned beside them, and no part of the model: {'; '.join(told)}{rest}."


def _shared_by(name: str, shares: Mapping[str, int], n_stages: int) -> str:
    if not shares:
        return f"{cited(name)}, which shares nothing with them"
    most = max(shares.values())
    others = enumerated([other for other, n in shares.items() if n == most])
    depth = (
        f"all {counted(n_stages, 'stage')}" if most == n_stages else f"{most} of {n_stages} stages"
    )
    return f"{cited(name)}, which shares {depth} with {others}"


def _losses(record: RunRecord) -> str:
    baseline = record.baselines.get("single_task")
    tested = [] if baseline is None else [d for d in baseline.differences if d.clear is not None]
    if not tested or (baseline is not None and _is_same(record, "single_task")):
        return ""
    lost = [each.task for each in with_outcome(tested, Outcome.WORSE)]
    if not lost:
        return "No task clearly lost against a network of its own."
    return f"Against a network of its own {counted(len(lost), 'task')} clearly lost: {enumerated(lost)}."


def _absent(record: RunRecord) -> str:
    scores = by_task(record.scores.test)
    without = [task.name for task in record.tasks if task.name not in scores]
    if not without or not scores:
        return ""
    verb = "has" if len(without) == 1 else "have"
    return f"{counted(len(without), 'task')} {verb} no test score: {enumerated(without)}."
