"""The affinity matrices in the order of the tree, packed small for the page's canvas."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ramify.records import AffinityInfo, RunRecord
from ramify.report.views._tree_view import every, leaf_order, runs
from ramify.report.words import shown

_MISSING = 255
_LEVELS = 254
_PAIRS = 5
_LONGEST_LABEL = 28


@dataclass(frozen=True)
class Measure:
    """One measure in words, for readers who do not see the picture.

    Attributes:
        name: Its name.
        description: What the numbers mean.
        used: Whether the tree was grown from it.
        within: Mean over pairs that stay together to the top; None without such pairs.
        across: Mean over all other pairs.
        closest: The closest pairs and their value.
        n_missing: Pairs without a value.
    """

    name: str
    description: str
    used: bool
    within: float | None
    across: float | None
    closest: list[tuple[str, str, float]]
    n_missing: int


@dataclass(frozen=True)
class Heat:
    """What the page draws: words per measure, and the data of the canvas."""

    measures: list[Measure]
    canvas: dict[str, object]


def heat(record: RunRecord) -> Heat | None:
    """Order and pack the matrices; None if there is no pair of tasks to show."""
    tree = runs(record.tree.stages)
    order = leaf_order(tree)
    if not record.affinity or len(order) < 2:
        return None
    place = {name: i for i, name in enumerate(order)}
    spans = {(place[run.tasks[0]], len(run.tasks)) for run in every(tree)}
    top = np.array([g for g, group in enumerate(_in_order(record, place)) for _ in group])
    matrices = {name: _ordered(info, order) for name, info in record.affinity.items()}
    found = [_measure(n, record.affinity[n], m, order, top) for n, m in matrices.items()]
    layers = [_packed(name, matrix) for name, matrix in matrices.items()]
    squares = sorted([a, n] for a, n in spans if 1 < n < len(order))
    canvas = {
        "tasks": [shown(n, _LONGEST_LABEL) for n in order],
        "squares": squares,
        "layers": layers,
    }
    return Heat(found, canvas)


def _in_order(record: RunRecord, place: dict[str, int]) -> list[list[str]]:
    return sorted(record.tree.stages[-1], key=lambda group: min(place[name] for name in group))


def _ordered(info: AffinityInfo, order: Sequence[str]) -> NDArray[np.float64]:
    raw = np.array(
        [[np.nan if value is None else value for value in row] for row in info.matrix],
        dtype=np.float64,
    )
    at = {name: i for i, name in enumerate(info.tasks)}
    whole = np.full((len(order), len(order)), np.nan)
    known = [i for i, name in enumerate(order) if name in at]
    rows = [at[order[i]] for i in known]
    whole[np.ix_(known, known)] = raw[np.ix_(rows, rows)]
    return whole


def _measure(
    name: str,
    info: AffinityInfo,
    matrix: NDArray[np.float64],
    order: Sequence[str],
    top: NDArray[np.int64],
) -> Measure:
    a, b = np.triu_indices(len(order), 1)
    values, together = matrix[a, b], top[a] == top[b]
    known = np.isfinite(values)
    ranked = np.flatnonzero(known)[np.argsort(-values[known], kind="stable")][:_PAIRS]
    closest = [(order[a[i]], order[b[i]], float(values[i])) for i in ranked]
    within, across = _mean(values[known & together]), _mean(values[known & ~together])
    missing = int((~known).sum())
    return Measure(name, info.description, info.used, within, across, closest, missing)


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None


def _packed(name: str, matrix: NDArray[np.float64]) -> dict[str, object]:
    # The diagonal is 1 by definition and would swallow the range of colours.
    off = matrix[np.tril_indices(len(matrix), -1)]
    finite = off[np.isfinite(off)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    diverging = low < 0
    if diverging:
        low, high = -max(-low, high), max(-low, high)
    lower = matrix[np.tril_indices(len(matrix))]
    part = np.clip((lower - low) / ((high - low) or 1.0), 0, 1)
    levels = np.where(np.isfinite(lower), np.nan_to_num(part) * _LEVELS, _MISSING)
    data = base64.b64encode(levels.round().astype(np.uint8).tobytes()).decode("ascii")
    return {"name": shown(name), "low": low, "high": high, "diverging": diverging, "data": data}
