"""All methods in one table: how well they do, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify.records import ComparisonRecord, Difference, Gain, MethodResult
from ramify.report.charts import Axis, Mark, axis
from ramify.report.words import is_clear, unit_of

_GIB = 2**30


@dataclass(frozen=True)
class Against:
    """A method against another: the difference and its picture; None against itself."""

    gain: Difference | None
    mark: Mark | None


@dataclass(frozen=True)
class Place:
    """One method in the table.

    Attributes:
        method: Its results.
        words: What it is.
        unit: What its size counts.
        cells: Against each of the columns.
        memory: Peak memory in GiB.
        chosen: Whether it is recommended.
        partial: Whether some of its seeds did not finish.
    """

    method: MethodResult
    words: str
    unit: str
    cells: list[Against]
    memory: float | None
    chosen: bool
    partial: bool


@dataclass(frozen=True)
class Leaderboard:
    """All methods from the highest mean test skill to the lowest, on one axis per column."""

    columns: list[tuple[str, Axis]]
    places: list[Place]


def leaderboard(record: ComparisonRecord) -> Leaderboard:
    """Lay out the methods."""
    known = {method.name for method in record.methods}
    others = [name for name in record.references.values() if name in known]
    columns = [(name, _axis([m.gains.get(name) for m in record.methods])) for name in others]
    chosen = None if record.recommendation is None else record.recommendation.method
    places = [
        Place(
            method,
            method.label,
            unit_of(method.structure),
            [_against(method.gains.get(name), drawn) for name, drawn in columns],
            None if method.memory is None else method.memory / _GIB,
            method.name == chosen,
            len(method.seeds) < len(record.seeds),
        )
        for method in record.methods
    ]
    return Leaderboard([(record.label_of(name), drawn) for name, drawn in columns], places)


def as_difference(gain: Gain, task: str = "") -> Difference:
    """A gain over seeds, for the pictures of differences."""
    clear = is_clear(gain)
    return Difference(task=task, value=gain.value, low=gain.low, high=gain.high, clear=clear)


def _axis(gains: Sequence[Gain | None]) -> Axis:
    """Shows every value and most of every interval: with few seeds those may be very long."""
    values = [g.value for g in gains if g is not None and g.value is not None]
    ends = [e for g in gains if g is not None for e in (g.low, g.high) if e is not None]
    longest = 4 * max((abs(v) for v in values), default=0.0)
    return axis([*values, *(e for e in ends if not longest or abs(e) <= longest)])


def _against(gain: Gain | None, drawn: Axis) -> Against:
    if gain is None:
        return Against(None, None)
    found = as_difference(gain)
    return Against(found, drawn.mark(found))
