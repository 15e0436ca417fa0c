"""Where the tasks stand among the factors of their gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify.records import Regrouping
from ramify.report.charts import GroupMark, Scale, Tick, padded, round_values, tick_label
from ramify.report.words import shown

_WIDTH, _HEIGHT = 440, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 12, 38
_MOST_NAMES = 16
_LONGEST = 18
_NUDGES = (0, 12, -12, 24, -24, 36, -36, 48, -48, 60, -60)


@dataclass(frozen=True)
class Place:
    """A task on paper; an empty name is not written beside it."""

    x: float
    y: float
    mark: GroupMark
    tip: str
    name: str
    name_x: float
    name_y: float
    anchor: str


@dataclass(frozen=True)
class Scatter:
    """Tasks by their two strongest factors, on paper."""

    title: str
    places: list[Place]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_label: str
    y_label: str
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM


def scatter(look: Regrouping, marks: dict[str, GroupMark]) -> Scatter | None:
    """Put the factor loadings of a look on paper.

    Args:
        look: One look.
        marks: How each task is drawn.

    Returns:
        None if no task has loadings. A task without any distance is left out: its gradients are
        unknown. With one factor only, all lie on one line.
    """
    known = [i for i, row in enumerate(look.distances) if _is_known(i, row)]
    if not look.energy or not known:
        return None
    spots = [(look.loadings[i][0], (*look.loadings[i], 0.0)[1]) for i in known]
    across, up = zip(*spots, strict=True)
    # Directions mean something only where the origin is in view.
    x_ends = padded(min(0.0, *across), max(0.0, *across), 0.1)
    y_ends = padded(min(0.0, *up), max(0.0, *up), 0.1)
    x, y = Scale(*x_ends, _LEFT, _WIDTH - _RIGHT), Scale(*y_ends, _HEIGHT - _BOTTOM, _TOP)
    names = [look.tasks[i] for i in known]
    paper = [(x(a), y(b)) for a, b in spots]
    return Scatter(
        f"epoch {look.epoch:,}, step {look.step:,}",
        _places(names, paper, marks),
        [Tick(x(value), tick_label(value)) for value in round_values(*x_ends)],
        [Tick(y(value), tick_label(value)) for value in round_values(*y_ends)],
        _axis(1, look.energy),
        _axis(2, look.energy),
    )


def _is_known(i: int, row: Sequence[float | None]) -> bool:
    others = [value for j, value in enumerate(row) if j != i]
    return not others or any(value is not None for value in others)


def _axis(which: int, energy: Sequence[float]) -> str:
    if which > len(energy):
        return "no second factor"
    return f"factor {which}, {energy[which - 1]:.0%} of the energy".replace("%", " %")


def _places(
    names: Sequence[str], paper: Sequence[tuple[float, float]], marks: dict[str, GroupMark]
) -> list[Place]:
    """Dots, and names moved up or down until none covers another."""
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in paper]
    found = []
    for name, (x, y) in zip(names, paper, strict=True):
        label = shown(name, _LONGEST) if len(names) <= _MOST_NAMES else ""
        reach = 8 + 6.8 * len(label)
        leftward = x + reach > _WIDTH
        left, upper = x - reach if leftward else x + 7, y - 5
        nudge = next((n for n in _NUDGES if _is_free(left, upper + n, reach - 8, taken)), 0)
        if label:
            taken.append((left, upper + nudge, left + reach - 8, upper + nudge + 11))
        at, anchor = (x - 8, "end") if leftward else (x + 8, "start")
        height = round(y + 4 + nudge, 1)
        found.append(Place(x, y, marks[name], shown(name), label, round(at, 1), height, anchor))
    return found


def _is_free(
    left: float, y: float, reach: float, taken: Sequence[tuple[float, float, float, float]]
) -> bool:
    if not _TOP <= y <= _HEIGHT - _BOTTOM:
        return False
    return all(left + reach < a or c < left or y + 11 < b or d < y for a, b, c, d in taken)
