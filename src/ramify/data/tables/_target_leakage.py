"""Features that give a target away: an exact copy of it, or a recoding."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ramify._core import quoted
from ramify.data.tables._read import (
    FIT_ADVICE,
    LabelMask,
    Targets,
    read_features,
    read_targets,
)
from ramify.data.tables._scaling import spread_of
from ramify.data.tables._schema import TableSchema
from ramify.data.tables._table import Table
from ramify.tasks import Multiclass, Ordinal, TaskSet

_SAMPLE: Final = 4096
_MOST_CELLS: Final = 1 << 24
_MOST_WARNINGS: Final = 10
_CORRELATION: Final = 0.9999
_SCREEN: Final = 0.999  # below the limit by more than float32 sums are off
_FEWEST: Final = 3  # labels of the rarer value; fewer agree with some rare bit by chance

Matrix = NDArray[np.float64]
Pair = tuple[int, int]


def copies_of_targets(table: Table, schema: TableSchema, tasks: TaskSet) -> list[str]:
    """Warn of each feature that tells a target exactly.

    All pairs are compared on a sample of the rows, and those that agree there on all rows.
    """
    n_sample = max(min(_SAMPLE, _MOST_CELLS // (schema.n_raw + len(tasks))), 2 * _FEWEST)
    sample = table.select(np.arange(0, table.n_rows, -(-table.n_rows // n_sample)))
    raw = read_features(sample, schema, FIT_ADVICE)
    targets, label_mask = read_targets(sample, tasks)
    likely = _likely_pairs(raw, targets, label_mask) | _countable_pairs(schema, tasks)
    pairs = _confirmed(table, schema, tasks, sorted(likely)) if likely else []
    found = [
        f"feature {quoted(schema.names[i])} is a copy or recoding of target "
        f"{quoted(tasks.names[t])} and gives it away; leave it out with `ignore` unless it is known beforehand"
        for i, t in pairs
    ]
    more = len(found) - _MOST_WARNINGS
    return found if more <= 0 else [*found[:-more], f"{more:,} more features are copies of targets"]


def _likely_pairs(raw: Matrix, targets: Targets, label_mask: LabelMask) -> set[Pair]:
    """Pairs of a feature and a target with a correlation of about 1 or -1 in the sample."""
    known = ~np.isnan(raw)
    x, y, m = _centred(raw, known), _centred(targets, label_mask), label_mask.astype(np.float32)
    # Sums over the rows where both are there: (feature, task) each, by matrix products.
    sx, sxx, sxy = x.T @ m, (x * x).T @ m, x.T @ y
    if known.all():
        n, sy, syy = m.sum(axis=0), y.sum(axis=0), (y * y).sum(axis=0)
    else:
        p = known.astype(np.float32)
        n, sy, syy = p.T @ m, p.T @ y, p.T @ (y * y)
    vx, vy = n * sxx - sx * sx, n * syy - sy * sy
    likely = (n * sxy - sx * sy) ** 2 > _SCREEN**2 * vx * vy
    likely &= (vx > 0) & (vy > 0) & (n >= 2 * _FEWEST)
    return {(int(i), int(t)) for i, t in np.argwhere(likely)}


def _countable_pairs(schema: TableSchema, tasks: TaskSet) -> set[Pair]:
    """Pairs of a categorical feature and a multiclass target with as many values each."""
    return {
        (i, t)
        for t in (*tasks.of_kind(Multiclass), *tasks.of_kind(Ordinal))
        for i, feature in enumerate(schema.features)
        if len(feature.categories) == len(tasks[t].kind.labels)
    }


def _confirmed(table: Table, schema: TableSchema, tasks: TaskSet, pairs: list[Pair]) -> list[Pair]:
    places = sorted({i for i, _ in pairs}), sorted({t for _, t in pairs})
    some = schema.model_copy(update={"features": tuple(schema.features[i] for i in places[0])})
    raw = read_features(table, some, FIT_ADVICE)
    targets, label_mask = read_targets(table, TaskSet([tasks[t] for t in places[1]]))
    kept = []
    for i, t in pairs:
        column, task = places[0].index(i), places[1].index(t)
        rows = label_mask[:, task] & ~np.isnan(raw[:, column])
        test = _is_one_to_one if schema.features[i].categories else _is_linear
        if test(raw[rows, column], targets[rows, task]):
            kept.append((i, t))
    return kept


def _centred(values: Matrix, known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The values at mean 0 and standard deviation 1, 0 where unknown; float32 is enough then."""
    spread = spread_of(np.where(known, values, np.nan))
    centred = (values - spread.location) / np.where(spread.scale > 0, spread.scale, 1)
    return np.where(known, centred, 0).astype(np.float32)


def _is_linear(x: Matrix, y: Matrix) -> bool:
    if not (_varies(x) and _varies(y)):
        return False
    return abs(float(np.corrcoef(x, y)[0, 1])) > _CORRELATION


def _is_one_to_one(x: Matrix, y: Matrix) -> bool:
    if not _varies(y):
        return False
    both = np.unique(np.stack([x, y]), axis=1).shape[1]
    return bool(both == len(np.unique(x)) == len(np.unique(y)))


def _varies(values: Matrix) -> bool:
    _, counts = np.unique(values, return_counts=True)
    return len(counts) > 1 and len(values) - int(counts.max()) >= _FEWEST
