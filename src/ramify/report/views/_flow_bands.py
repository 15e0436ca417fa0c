"""Which tasks lie beside which in the chart of groups over time."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify._core import counted
from ramify.records import Regrouping
from ramify.report.words import shown

FEW = 24
_LANE, _GAP, _PAPER, _LEAST, _MOST = 20, 5, 460, 14, 60
_MOST_BANDS = 22


@dataclass(frozen=True)
class Band:
    """Tasks that end in one group, or all that are too many to tell apart.

    Attributes:
        tasks: From top to bottom.
        y: Upper edge on paper.
        lane: Height of one task.
        label: What to call it.
        bundled: Whether it stands for several groups at the end.
    """

    tasks: list[str]
    y: float
    lane: float
    label: str
    bundled: bool

    @property
    def height(self) -> float:
        """On paper."""
        return self.lane * len(self.tasks)


def bands(last: Regrouping, over_time: Sequence[list[list[str]]], top: int) -> list[Band]:
    """Order the tasks so that those which merge lie together.

    Args:
        last: The last look.
        over_time: The groups of each column, from left to right.
        top: Where the first band starts on paper.
    """
    order = _order(last.tasks, over_time)
    found: list[Band] = []
    y = float(top)
    few = len(last.tasks) <= FEW
    for tasks, label, bundled in _contents(last, order, few):
        lane = _LANE if few else max(_PAPER / len(last.tasks), _LEAST / len(tasks))
        lane = min(lane, _MOST / len(tasks)) if bundled else lane
        found.append(Band(tasks, round(y, 1), lane, label, bundled))
        y += found[-1].height + (_GAP if few or len(tasks) > 1 else 2)
    return found


def _order(tasks: Sequence[str], over_time: Sequence[list[list[str]]]) -> dict[str, int]:
    place = {name: i for i, name in enumerate(tasks)}
    firsts = [
        {name: min(map(place.__getitem__, group)) for group in groups for name in group}
        for groups in reversed(over_time)
    ]
    ordered = sorted(tasks, key=lambda name: ([of[name] for of in firsts], place[name]))
    return {name: i for i, name in enumerate(ordered)}


def _contents(
    last: Regrouping, order: dict[str, int], few: bool
) -> list[tuple[list[str], str, bool]]:
    groups = sorted(
        (sorted(g, key=order.__getitem__) for g in last.groups), key=lambda g: order[g[0]]
    )
    if few:
        return [(group, "", False) for group in groups]
    keepers = {n: k for k, g in zip(last.keepers, last.groups, strict=True) for n in g}
    several = sorted((g for g in groups if len(g) > 1), key=lambda group: -len(group))
    shown_ones = several[:_MOST_BANDS]
    rest = [name for group in several[_MOST_BANDS:] for name in group]
    alone = [group[0] for group in groups if len(group) == 1]
    found = [(g, _label(keepers[g[0]], len(g)), False) for g in shown_ones]
    if rest:
        n = len(several) - len(shown_ones)
        found.append((rest, f"{counted(n, 'more group')}, {len(rest):,} tasks", True))
    if alone:
        found.append((alone, f"{counted(len(alone), 'task')} alone", True))
    return found


def _label(keeper: str, n: int) -> str:
    return f"★ {shown(keeper, 22)} + {n - 1:,}"
