"""What a paired difference allows one to say, and what one cannot."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean

from ramify.records import Baseline, ComparisonRecord, Difference, Gain, RunRecord, TaskScore
from ramify.report.words._words import SKILLS


class Outcome(Enum):
    """How the tree stands against a baseline."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "unclear"
    ONCE = "once"
    UNTESTED = "untested"
    ABSENT = "absent"


def outcome(difference: Difference) -> Outcome:
    """Better or worse only if the record calls the difference clear.

    Example:
        >>> from ramify.records import Difference
        >>> outcome(Difference(task="", value=0.01, low=-0.002, high=0.022, clear=False)).value
        'unclear'
    """
    if difference.clear is None and difference.low is not None:
        return Outcome.ONCE
    return _side(difference.value, difference.low, bool(difference.clear))


def outcome_of(gain: Gain) -> Outcome:
    """The same for a mean over seeds."""
    return _side(gain.value, gain.low, is_clear(gain))


def is_clear(gain: Gain) -> bool:
    """Whether a mean over seeds is no chance; files of old tell it by the interval alone."""
    if gain.clear is not None:
        return gain.clear
    return gain.low is not None and gain.high is not None and gain.low * gain.high > 0


def _side(value: float | None, low: float | None, clear: bool) -> Outcome:
    if value is None:
        return Outcome.ABSENT
    if low is None:
        return Outcome.UNTESTED
    if not clear:
        return Outcome.UNCLEAR
    return Outcome.BETTER if value > 0 else Outcome.WORSE


def with_outcome(differences: Sequence[Difference], wanted: Outcome) -> list[Difference]:
    """The differences of one outcome, the largest loss first."""
    found = [each for each in differences if outcome(each) is wanted]
    return sorted(found, key=lambda each: each.value or 0.0)


@dataclass(frozen=True)
class Means:
    """Mean test score of the tree and of a baseline over the tasks that both have a score for."""

    tree: float
    baseline: float


def means(record: RunRecord, baseline: Baseline) -> Means | None:
    """The two means behind the mean difference, or None if the record cannot tell them.

    A regression task enters the mean difference as R², of which the record holds no value per
    task; then, and whenever the two means do not make up the difference, none is given.
    """
    ours, theirs = by_task(record.scores.test), by_task(baseline.scores.test)
    both = [name for name in ours if name in theirs]
    value = baseline.mean_difference.value
    if value is None or not both or any(ours[name].metric == "rmse" for name in both):
        return None
    found = Means(
        tree=fmean(ours[name].value or 0.0 for name in both),
        baseline=fmean(theirs[name].value or 0.0 for name in both),
    )
    return found if abs(found.tree - found.baseline - value) < 5e-4 else None


def by_task(scores: Sequence[TaskScore]) -> dict[str, TaskScore]:
    """The scores that are not absent, by task."""
    return {score.task: score for score in scores if score.value is not None}


def skill(record: RunRecord | ComparisonRecord, brief: bool = False) -> str:
    """What the mean over tasks is a mean of, such as ``mean ROC-AUC``.

    Args:
        record: What the run did and found.
        brief: Whether to leave out which metrics a mean over mixed tasks is made of.
    """
    different = list(dict.fromkeys(SKILLS.get(t.metric, t.metric) for t in record.tasks))
    if len(different) == 1:
        return f"mean {different[0]}"
    return "mean skill" if brief else f"mean skill ({', '.join(different)})"
