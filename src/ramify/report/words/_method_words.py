"""The methods of a comparison in words, and what to take, in a sentence."""

from ramify._core import counted
from ramify.records import ComparisonRecord, Gain, MethodResult
from ramify.report.words._comparison import Outcome, outcome_of, skill
from ramify.report.words._words import cited, enumerated, interval, number, signed


def is_network(method: MethodResult) -> bool:
    """Whether a method is a network, as opposed to linear models or forests."""
    return method.structure in ("tree", "network")


def method_of(record: ComparisonRecord, name: str) -> MethodResult | None:
    """A method by its name."""
    return next((each for each in record.methods if each.name == name), None)


def recommendation(record: ComparisonRecord) -> str:
    """What to take, in a sentence: chosen by validation rows, reported on test rows.

    Args:
        record: What the comparison did and found.

    Returns:
        One sentence. It is plain text: escape it before it goes into HTML.
    """
    advice = record.recommendation
    chosen = None if advice is None else method_of(record, advice.method)
    if advice is None or chosen is None:
        return "No method finished every seed with a validation score, so there is no advice."
    name = f"{cited(chosen.name)}{_in_brackets(chosen.label)}"
    return f"Take {name}: {_reason(record)}; {_on_test(record, chosen)}."


def remarks(record: ComparisonRecord) -> list[str]:
    """What else there is to say, a sentence each."""
    found = [_sharing(record), _strangers(record), _lost(record), _failed(record)]
    return [sentence for sentence in found if sentence]


def _reason(record: ComparisonRecord) -> str:
    advice = record.recommendation
    if advice is None:
        return ""
    if len(advice.tied) == 1:
        clear = " by more than one standard error" if len(record.seeds) > 1 else " of the one seed"
        return f"it is the best on the validation rows{clear}"
    if advice.method == advice.best:
        return (
            f"it is the best on the validation rows and the smallest of the {len(advice.tied)} "
            "within one standard error"
        )
    return (
        f"it is the smallest of the {len(advice.tied)} methods within one standard error of the "
        f"best, {cited(advice.best)}, on the validation rows"
    )


def _on_test(record: ComparisonRecord, chosen: MethodResult) -> str:
    if chosen.test is None:
        return "the test rows cannot tell"
    start = f"on the test rows its {skill(record, brief=True)} is {number(chosen.test)}"
    other = record.references["shared"] if chosen.name == record.alone else record.alone
    gain = chosen.gains.get(other)
    if gain is None or gain.value is None:
        return start
    return f"{start}, {_gain(gain)} against {record.label_of(other)}"


def _gain(gain: Gain) -> str:
    ends = interval(gain.low, gain.high)
    remark = f" (95 % interval {ends})" if ends else ""
    return f"{signed(gain.value or 0.0)}{remark}"


def _sharing(record: ComparisonRecord) -> str:
    sharing = [each for each in record.methods if each.shares and record.alone in each.gains]
    if not sharing:
        return ""
    sides = {side: [m.name for m in sharing if _side(record, m) is side] for side in Outcome}
    ahead, behind = sides[Outcome.BETTER], sides[Outcome.WORSE]
    unclear = sides[Outcome.UNCLEAR] + sides[Outcome.UNTESTED]
    parts = [
        f"{enumerated(names)} {'is' if len(names) == 1 else 'are'} {what}"
        for names, what in (
            (ahead, "clearly ahead of it"),
            (behind, "clearly behind it"),
            (unclear, "not clearly different from it"),
        )
        if names
    ]
    return f"Against {record.label_of(record.alone)}: {'; '.join(parts)}." if parts else ""


def _side(record: ComparisonRecord, method: MethodResult) -> Outcome:
    return outcome_of(method.gains[record.alone])


def _strangers(record: ComparisonRecord) -> str:
    """How the methods that are no networks stand, which no interval is given for."""
    networks = [m for m in record.methods if is_network(m) and m.test is not None]
    others = [m for m in record.methods if not is_network(m) and m.test is not None]
    if not networks or not others:
        return ""
    best = max(networks, key=lambda m: m.test or 0.0)
    ahead = [m for m in others if (m.test or 0.0) > (best.test or 0.0)]
    pairs = ", ".join(f"{cited(m.name)} {number(m.test or 0.0)}" for m in ahead or others)
    top = f"the highest network, {cited(best.name)}, has {number(best.test or 0.0)}"
    if ahead:
        return f"A method that is no network has the highest mean on the test rows: {pairs}; {top}."
    return f"No method that is no network reaches the highest network on the test rows: {pairs}; {top}."


def _lost(record: ComparisonRecord) -> str:
    tested = [each for each in record.losses if each.gain.low is not None]
    clear = [each for each in record.losses if each.clear]
    if len(record.seeds) < 2 or not any(m.shares for m in record.methods):
        return ""
    if not clear:
        small = f"; {len(tested):,} such pairs are lower, but may be so by chance" if tested else ""
        return f"No pair of method and task clearly lost by sharing{small}."
    names = list(dict.fromkeys(each.task for each in clear))
    pairs = sum(len(m.tasks) for m in record.methods if m.shares)
    chance = round(pairs * 0.025)
    remark = f"; about {chance:,} of {pairs:,} would be expected by chance" if chance else ""
    noun = counted(len(clear), "pair")
    return f"{noun} of method and task clearly lost by sharing{remark}: {enumerated(names)}."


def _failed(record: ComparisonRecord) -> str:
    if not record.failures:
        return ""
    names = list(dict.fromkeys(each.method for each in record.failures))
    noun = counted(len(record.failures), "run")
    return f"{noun} did not finish, of {enumerated(names)}; the others stand as they are."


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
