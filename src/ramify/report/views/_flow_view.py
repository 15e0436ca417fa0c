"""The groups over time: bars that run side by side until their tasks merge."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ramify._core import counted
from ramify.records import Regrouping
from ramify.report.charts import GroupMark, group_marks
from ramify.report.words import changed, enumerated, shown

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


_WIDTH, _LABELS, _TOP = 920, 230, 34
_MOST_COLUMNS = 9
_THINNEST = 3.0


@dataclass(frozen=True)
class Moment:
    """The groups from one change to the next."""

    labels: tuple[str, str]
    groups: list[list[str]]
    keepers: dict[str, str]


@dataclass(frozen=True)
class Bar:
    """Tasks that stay together for a while, on paper; `keeper` is the height of its mark."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    tip: str
    keeper: float | None


@dataclass(frozen=True)
class Lane:
    """A name at the right edge, on paper."""

    y: float
    name: str
    keeps: bool


@dataclass(frozen=True)
class Flow:
    """The chart on paper."""

    width: int
    height: float
    heads: list[tuple[float, tuple[str, str]]]
    bars: list[Bar]
    lanes: list[Lane]
    right: int
    n_left_out: int


def flow(looks: Sequence[Regrouping]) -> Flow | None:
    """Put the groups over time on paper; None if nothing changed.

    Up to 24 tasks have a lane each; of more, the large groups at the end have a band each, and
    what is too thin to see is drawn as one.

    Args:
        looks: All of them, in their order.
    """
    moments = _moments(looks)
    if len(moments) < 2:
        return None
    chosen = [*moments[: _MOST_COLUMNS // 2], *moments[-(_MOST_COLUMNS - _MOST_COLUMNS // 2) :]]
    columns = moments if len(moments) <= _MOST_COLUMNS else chosen
    last, marks = looks[-1], group_marks(looks[-1].groups)
    found = bands(last, [moment.groups for moment in columns], _TOP)
    size = (_WIDTH - _LABELS) / len(columns)
    bars = [bar for band in found for bar in _bars(band, columns, size, marks)]
    end = columns[-1].keepers
    lanes = [lane for band in found for lane in _lanes(band, end, len(last.tasks) <= FEW)]
    heads = [(round(i * size, 1), column.labels) for i, column in enumerate(columns)]
    bottom = found[-1].y + found[-1].height + 8
    right = _WIDTH - _LABELS
    return Flow(_WIDTH, bottom, heads, bars, lanes, right, len(moments) - len(columns))


def _moments(looks: Sequence[Regrouping]) -> list[Moment]:
    first = looks[0]
    moments = [Moment(("at the", "start"), first.before, {})]
    for look in filter(changed, looks):
        keepers = {n: k for k, g in zip(look.keepers, look.groups, strict=True) for n in g}
        labels = (f"epoch {look.epoch:,}", f"step {look.step:,}")
        moments.append(Moment(labels, look.groups, keepers))
    return moments


def _bars(
    band: Band, columns: Sequence[Moment], size: float, marks: dict[str, GroupMark]
) -> list[Bar]:
    """The parts of each column; a part that goes on unchanged is one long bar."""
    parts = [
        (first, last, tuple(keys), i)
        for i, column in enumerate(columns)
        for first, last, keys in _parts(band, column)
    ]
    parts.sort(key=lambda part: (part[0], part[1], part[3]))
    bars: list[Bar] = []
    for _, same in groupby(_runs(parts), key=lambda part: part[:4]):
        run = list(same)
        bars.append(_bar(band, run[0][:3], (run[0][4], run[-1][4] + 1), columns, size, marks))
    return bars


Part = tuple[int, int, tuple[frozenset[str], ...], int]


def _runs(parts: Sequence[Part]) -> list[tuple[int, int, tuple[frozenset[str], ...], int, int]]:
    """Number the parts so that those of one unbroken run have one number."""
    numbered, number = [], 0
    for before, part in zip([None, *parts[:-1]], parts, strict=True):
        goes_on = before is not None and before[:3] == part[:3] and before[3] + 1 == part[3]
        number += not goes_on
        numbered.append((*part[:3], number, part[3]))
    return numbered


def _parts(band: Band, moment: Moment) -> list[tuple[int, int, list[frozenset[str]]]]:
    of = {name: frozenset(group) for group in moment.groups for name in group}
    found: list[tuple[int, int, list[frozenset[str]]]] = []
    at = 0
    for key, run in groupby(band.tasks, key=of.__getitem__):
        n = len(list(run))
        thin = band.bundled or n * band.lane < _THINNEST
        before = found[-1] if found else None
        if thin and before and (len(before[2]) > 1 or band.bundled or _is_thin(before, band)):
            found[-1] = (before[0], at + n, [*before[2], key])
        else:
            found.append((at, at + n, [key]))
        at += n
    return found


def _is_thin(part: tuple[int, int, list[frozenset[str]]], band: Band) -> bool:
    return (part[1] - part[0]) * band.lane < _THINNEST


def _bar(
    band: Band,
    part: tuple[int, int, tuple[frozenset[str], ...]],
    span: tuple[int, int],
    columns: Sequence[Moment],
    size: float,
    marks: dict[str, GroupMark],
) -> Bar:
    first, last, keys = part
    names = band.tasks[first:last]
    y, height = band.y + first * band.lane, max((last - first) * band.lane - 2, 1)
    keeper = columns[span[0]].keepers.get(names[0]) if len(keys) == 1 and len(keys[0]) > 1 else None
    lone = all(len(key) == 1 for key in keys)
    colour = "mixed" if band.bundled or len(keys) > 1 else marks[names[0]].colour
    mark = None
    if keeper in names and height > 5:
        mark = round(y - 1 + (names.index(keeper) + 0.5) * band.lane, 1)
    return Bar(
        round(span[0] * size, 1),
        round(y, 1),
        round((span[1] - span[0]) * size - 3, 1),
        round(height, 1),
        f"{colour} lone" if lone else colour,
        _tip(keys, names, keeper),
        mark,
    )


def _tip(keys: Sequence[frozenset[str]], names: Sequence[str], keeper: str | None) -> str:
    if len(keys) > 1:
        return f"{counted(len(set(keys)), 'group')} of {len(names):,} tasks"
    tail = f" · estimator of {shown(keeper)}" if keeper is not None else ""
    return f"{enumerated(sorted(keys[0]), 8)}{tail}"


def _lanes(band: Band, keepers: dict[str, str], each: bool) -> list[Lane]:
    if not each:
        return [Lane(round(band.y + band.height / 2 + 4, 1), band.label, False)]
    several = len(band.tasks) > 1
    return [
        Lane(
            round(band.y + (i + 0.5) * band.lane + 3, 1),
            shown(name, 30),
            several and keepers.get(name) == name,
        )
        for i, name in enumerate(band.tasks)
    ]
