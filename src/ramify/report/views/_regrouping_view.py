"""Selective sharing on one page: who merged when, why, and what became of the parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify._core import counted
from ramify.records import Regrouping
from ramify.report.charts import Chart, Frame, GroupMark, Point, chart, group_marks, padded
from ramify.report.views._distance_view import Distances, distances
from ramify.report.views._flow_view import FEW, Flow, flow
from ramify.report.views._loadings_view import Scatter, scatter
from ramify.report.words import changed, enumerated, large, regrouped, shown, unjudged

_MOST_ROWS = 30
_MOST_MERGES = 4
_MOST_NAMES = 4
_MOST_ENTRIES = 12


@dataclass(frozen=True)
class Change:
    """One line of the table."""

    look: Regrouping
    merged: list[str]
    n_more: int


@dataclass(frozen=True)
class Selective:
    """Everything that the section shows."""

    sentence: str
    unjudged: str
    flow: Flow | None
    scatters: list[Scatter]
    legend: list[tuple[GroupMark, str]]
    distances: Distances | None
    when: str
    sizes: Chart | None
    rows: list[Change]
    n_rows_left_out: int
    n_unchanged: int


def selective_picture(looks: Sequence[Regrouping]) -> Selective | None:
    """Put the looks of selective sharing on paper; None if there was none.

    Args:
        looks: All of them, in their order.
    """
    if not looks:
        return None
    first, last = looks[0], looks[-1]
    # Later, tasks of a group have one gradient, and no distance.
    single = [look for look in looks if all(len(group) == 1 for group in look.before)]
    apart = single[-1] if single else last
    marks = group_marks(last.groups)
    found = [scatter(look, marks) for look in ([first] if len(looks) == 1 else [first, last])]
    rows = [_row(look) for look in looks if changed(look)]
    return Selective(
        regrouped(looks),
        unjudged(last),
        flow(looks),
        [each for each in found if each is not None],
        _legend(last, marks),
        distances(apart.tasks, apart.distances, last.groups),
        "before any task was joined" if apart is not last else "at the last look",
        _sizes(looks),
        rows[:_MOST_ROWS],
        max(len(rows) - _MOST_ROWS, 0),
        len(looks) - len(rows),
    )


def _row(look: Regrouping) -> Change:
    before = set(map(frozenset, look.before))
    pairs = zip(look.keepers, look.groups, strict=True)
    new = [(k, g) for k, g in pairs if frozenset(g) not in before]
    new.sort(key=lambda pair: -len(pair[1]))
    few = len(look.tasks) <= FEW
    names, merges = (_MOST_NAMES, _MOST_MERGES) if few else (0, 2)
    words = [f"★ {shown(k, 30)} ← {_others(k, g, names)}" for k, g in new[:merges]]
    return Change(look, words, max(len(new) - merges, 0))


def _others(keeper: str, group: Sequence[str], most: int) -> str:
    others = [name for name in group if name != keeper]
    if not others:
        return "alone again"
    return enumerated(others, most) if most else counted(len(others), "other")


def _legend(last: Regrouping, marks: dict[str, GroupMark]) -> list[tuple[GroupMark, str]]:
    several = sorted((g for g in last.groups if len(g) > 1), key=lambda group: -len(group))
    found = [(marks[g[0]], enumerated(g, 3)) for g in several[:_MOST_ENTRIES]]
    if len(several) > _MOST_ENTRIES:
        rest = several[_MOST_ENTRIES]
        found.append((marks[rest[0]], f"and {len(several) - _MOST_ENTRIES:,} more groups"))
    alone = [g[0] for g in last.groups if len(g) == 1]
    return [*found, (marks[alone[0]], f"alone: {enumerated(alone, 3)}")] if alone else found


def _sizes(looks: Sequence[Regrouping]) -> Chart | None:
    """Parameters over the steps, in steps; None if they never changed."""
    sizes = [looks[0].parameters_before, *(look.parameters for look in looks)]
    if len(set(sizes)) == 1:
        return None
    points = [Point(0, sizes[0], f"start · {sizes[0]:,} parameters")]
    for look in looks:
        tip = f"step {look.step:,} · {look.parameters:,} parameters" if changed(look) else ""
        points += [Point(look.step, look.parameters_before), Point(look.step, look.parameters, tip)]
    span = Frame((0.0, float(looks[-1].step)), padded(0.0, float(max(sizes))))
    return chart("parameters", points, span, x_label="step", x_text=large, y_text=large)
