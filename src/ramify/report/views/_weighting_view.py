"""Ways of sharing by weightings: the scores of a comparison that has both."""

from dataclasses import dataclass

from ramify.records import ComparisonRecord, MethodResult
from ramify.report.words import is_network, outcome_of

BETWEEN = " + "


@dataclass(frozen=True)
class WeightingCell:
    """One way of sharing with one weighting.

    Attributes:
        method: Its results; None where it did not take part or did not finish.
        outcome: How it stands against one network per task.
        highest: Whether no other weighting has a higher mean with this way of sharing.
    """

    method: MethodResult | None
    outcome: str
    highest: bool


@dataclass(frozen=True)
class WeightingTable:
    """A row per way of sharing, a column per weighting."""

    weightings: list[str]
    rows: list[tuple[str, list[WeightingCell]]]


def weighting_table(record: ComparisonRecord) -> WeightingTable | None:
    """The table; None where no way of sharing has several weightings."""
    by_pair = {_pair(method): method for method in record.methods if is_network(method)}
    sharings = dict.fromkeys(sharing for sharing, _ in by_pair)
    several = [s for s in sharings if sum(one == s for one, _ in by_pair) > 1]
    if not several:
        return None
    found = {weighting for sharing, weighting in by_pair if sharing in several}
    usual = [w for (s, w), m in by_pair.items() if s in several and BETWEEN not in m.name]
    weightings = sorted(found, key=lambda name: (name not in usual, name))
    return WeightingTable(
        weightings,
        [(s, _cells([by_pair.get((s, w)) for w in weightings], record.alone)) for s in several],
    )


def _pair(method: MethodResult) -> tuple[str, str]:
    sharing, _, weighting = method.name.partition(BETWEEN)
    return sharing, weighting or str(method.settings.get("weighting", "equal"))


def _cells(methods: list[MethodResult | None], alone: str) -> list[WeightingCell]:
    best = max((m.test for m in methods if m is not None and m.test is not None), default=None)
    return [
        WeightingCell(
            each,
            _outcome(each, alone),
            each is not None and each.test is not None and each.test == best,
        )
        for each in methods
    ]


def _outcome(method: MethodResult | None, alone: str) -> str:
    gain = None if method is None else method.gains.get(alone)
    return "untested" if gain is None else outcome_of(gain).value
