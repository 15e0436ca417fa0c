"""Distances between tasks, in the order of a dendrogram that stands beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import dendrogram, linkage, to_tree
from scipy.spatial.distance import squareform

from ramify.report.words import number, shown

_MOST_LEAVES = 40
_NUMBERED = 12
_TREE, _SIDE, _LARGEST, _LABELS = 150, 460, 38, 230
_LEVELS = 9
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """A distance in figures, on paper."""

    x: float
    y: float
    text: str
    dark: bool


@dataclass(frozen=True)
class Distances:
    """Matrix and dendrogram on paper.

    Attributes:
        levels: Per shade, from near to far, the outline of its cells.
        unknown: Outline of the cells without a value.
        forks: The dendrogram's lines.
        squares: Place and size of the groups.
        names: Height and text of each row.
        cells: Values in figures, if there is room.
        low: Smallest distance.
        high: Largest distance.
        n_unknown: Pairs without a value.
        bundled: Whether a row may stand for several tasks.
    """

    levels: list[str]
    unknown: str
    forks: list[str]
    squares: list[tuple[float, float]]
    names: list[tuple[float, str]]
    cells: list[Cell]
    low: str
    high: str
    n_unknown: int
    bundled: bool
    side: float
    left: int = _TREE
    width: int = _TREE + _SIDE + _LABELS


def distances(
    tasks: Sequence[str],
    values: Sequence[Sequence[float | None]],
    groups: Sequence[Sequence[str]],
) -> Distances | None:
    """Put distances on paper; None if no pair has one.

    Rows stand in the order of average linkage. More than 40 tasks are shown as the 40 branches at
    the top of the dendrogram, a cell being the mean over the pairs of two branches. For the
    dendrogram alone an unknown distance counts as the largest known one.

    Args:
        tasks: Names, in the order of the rows.
        values: Symmetric; None where unknown.
        groups: To be outlined.
    """
    known = np.array([[np.nan if v is None else v for v in row] for row in values])
    pairs = known[np.tril_indices(len(known), -1)]
    if not np.isfinite(pairs).any():
        return None
    members, lines = _order(np.where(np.isnan(known), np.nanmax(pairs), known))
    bundled = any(len(each) > 1 for each in members)
    matrix = _between(known, members)
    cell = min(_LARGEST, _SIDE / len(members))
    low, high = float(np.nanmin(pairs)), float(np.nanmax(pairs))
    levels = _levels(matrix, low, high)
    group = {name: i for i, names in enumerate(groups) for name in names}
    of_row = [group[tasks[each[0]]] for each in members]
    return Distances(
        [_outline(levels == level, cell) for level in range(_LEVELS)],
        _outline(levels < 0, cell),
        _forks(lines, cell),
        [] if bundled else _squares(of_row, cell),
        [(round((i + 0.5) * cell + 4, 1), _name(tasks, m)) for i, m in enumerate(members)],
        _figures(matrix, levels, cell),
        number(low) if low else "0",
        number(high),
        int(np.isnan(pairs).sum()),
        bundled,
        round(cell * len(members), 1),
    )


def _order(filled: Matrix) -> tuple[list[list[int]], list[tuple[list[float], list[float]]]]:
    """Per row of the picture its tasks, and the forks of the dendrogram."""
    full = (filled + filled.T) / 2
    np.fill_diagonal(full, 0)
    joined = linkage(squareform(full, checks=False), "average")
    short = {"truncate_mode": "lastp", "p": _MOST_LEAVES} if len(full) > _MOST_LEAVES else {}
    drawn = dendrogram(joined, no_plot=True, **short)
    nodes = to_tree(joined, rd=True)[1]
    members = [list(nodes[leaf].pre_order()) for leaf in drawn["leaves"]]
    return members, list(zip(drawn["icoord"], drawn["dcoord"], strict=True))


def _between(known: Matrix, members: Sequence[Sequence[int]]) -> Matrix:
    found = np.full((len(members), len(members)), np.nan)
    for i, a in enumerate(members):
        for j, b in enumerate(members):
            block = known[np.ix_(a, b)]
            values = block[~np.eye(len(a), dtype=bool)] if i == j and len(a) > 1 else block
            if np.isfinite(values).any():
                found[i, j] = np.nanmean(values)
    return found


def _levels(matrix: Matrix, low: float, high: float) -> NDArray[np.int64]:
    part = np.clip((matrix - low) / ((high - low) or 1.0), 0, 1)
    shade = np.nan_to_num(part * (_LEVELS - 1)).round().astype(np.int64)
    return np.where(np.isnan(matrix), -1, shade)


def _outline(wanted: NDArray[np.bool_], cell: float) -> str:
    """Cells as one path; those side by side in one stroke."""
    found = []
    for i, row in enumerate(wanted):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        for start, end in edges.reshape(-1, 2):
            x, y, width = start * cell, i * cell, (end - start) * cell
            found.append(f"M{x:.1f} {y:.1f}h{width:.1f}v{cell:.1f}h-{width:.1f}z")
    return "".join(found)


def _forks(lines: Sequence[tuple[list[float], list[float]]], cell: float) -> list[str]:
    # scipy puts the leaves at 5, 15, 25, …
    top = max((max(heights) for _, heights in lines), default=0.0) or 1.0
    return [
        " ".join(
            f"{_TREE - 6 - h / top * (_TREE - 16):.1f},{at / 10 * cell:.1f}"
            for at, h in zip(places, heights, strict=True)
        )
        for places, heights in lines
    ]


def _squares(groups: Sequence[int], cell: float) -> list[tuple[float, float]]:
    """Outlines of groups; one whose tasks the dendrogram holds apart has several."""
    starts = [i for i, g in enumerate(groups) if i == 0 or groups[i - 1] != g]
    ends = [*starts[1:], len(groups)]
    return [
        (round(a * cell, 1), round((b - a) * cell, 1))
        for a, b in zip(starts, ends, strict=True)
        if b - a > 1
    ]


def _name(tasks: Sequence[str], members: Sequence[int]) -> str:
    first = shown(tasks[members[0]], 24)
    return first if len(members) == 1 else f"{first} and {len(members) - 1:,} more"


def _figures(matrix: Matrix, levels: NDArray[np.int64], cell: float) -> list[Cell]:
    n = len(matrix)
    if n > _NUMBERED:
        return []
    return [
        Cell(
            round((j + 0.5) * cell, 1),
            round((i + 0.5) * cell + 4, 1),
            f"{matrix[i, j]:.2f}".removeprefix("0"),
            bool(levels[i, j] < _LEVELS // 2),
        )
        for i in range(n)
        for j in range(n)
        if i != j and np.isfinite(matrix[i, j])
    ]
