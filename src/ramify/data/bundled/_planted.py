"""Made tables in which the groups of tasks that belong together are known."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify._core import InputError, quoted

_HIDDEN: Final = 8  # smooth nonlinear functions of the features per group
_OWN_SHARE: Final = 0.25  # of a task's mixture, beside what its group has in common
_KINDS: Final = ("binary", "multiclass", "regression")
_CLASSES: Final = ("low", "middle", "high")

Array = NDArray[np.float64]


def planted_table(
    n_groups: int,
    tasks_per_group: int,
    rows: int = 3000,
    features: int = 20,
    missing: float = 0.15,
    seed: int = 0,
    *,
    kinds: Sequence[str] = ("binary",),
    noise: float = 0.2,
) -> tuple[pl.DataFrame, tuple[tuple[str, ...], ...]]:
    r"""Make a table in which groups of tasks depend on the same hidden quantities.

    Each group *g* has hidden quantities :math:`h_g = \tanh(x V_g + b_g)`, smooth functions of the
    features. Task *t* of the group sees :math:`s_t = h_g w_t + \text{noise}` with :math:`w_t` close
    to the group's own direction. A binary task asks whether :math:`s_t` is above its median, a multiclass one in which third it lies.

    Args:
        n_groups: Number of groups.
        tasks_per_group: Tasks in each.
        rows: Number of rows.
        features: Number of feature columns, ``x00`` and on, standard normal.
        missing: Share of labels that are taken away, each on its own.
        seed: The same seed gives the same table.
        kinds: Kinds of the tasks of a group in turn: ``binary``, ``multiclass``, ``regression``.
        noise: Standard deviation of the noise, in units of the signal's.

    Returns:
        The table, and the groups of target names. Targets are called ``g0_t0`` and so on.

    Example:
        >>> frame, groups = planted_table(2, 2, rows=50, features=3)
        >>> frame.columns
        ['x00', 'x01', 'x02', 'g0_t0', 'g0_t1', 'g1_t0', 'g1_t1']
        >>> groups
        (('g0_t0', 'g0_t1'), ('g1_t0', 'g1_t1'))
    """
    _check(n_groups, tasks_per_group, rows, features, missing, kinds)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, features))
    columns = {f"x{j:02d}": pl.Series(x[:, j].astype(np.float32)) for j in range(features)}
    groups = []
    for g in range(n_groups):
        names = tuple(f"g{g}_t{t}" for t in range(tasks_per_group))
        signals = _signals(x, tasks_per_group, noise, rng)
        for t, name in enumerate(names):
            kept = rng.random(rows) >= missing
            columns[name] = _target(signals[:, t], kept, kinds[t % len(kinds)])
        groups.append(names)
    return pl.DataFrame(columns), tuple(groups)


def _signals(x: Array, n_tasks: int, noise: float, rng: np.random.Generator) -> Array:
    """One noisy signal per task of a group, each a mixture of the group's hidden quantities."""
    weights = 2 * rng.standard_normal((x.shape[1], _HIDDEN)) / np.sqrt(x.shape[1])
    hidden = np.tanh(x @ weights + rng.standard_normal(_HIDDEN))  # (row, hidden)
    common = rng.standard_normal((_HIDDEN, 1))
    mixtures = common + _OWN_SHARE * rng.standard_normal((_HIDDEN, n_tasks))
    signals = hidden @ mixtures
    signals /= np.maximum(signals.std(axis=0), 1e-9)
    noisy: Array = signals + noise * rng.standard_normal(signals.shape)
    return noisy


def _target(signal: Array, kept: NDArray[np.bool_], kind: str) -> pl.Series:
    if kind == "regression":
        return pl.Series(np.where(kept, 10 + 5 * signal, np.nan)).fill_nan(None)
    if kind == "binary":
        labels = (signal > np.median(signal)).astype(int).tolist()
        return pl.Series(
            [y if k else None for y, k in zip(labels, kept, strict=True)], dtype=pl.Int8
        )
    places = np.digitize(signal, np.quantile(signal, [1 / 3, 2 / 3])).tolist()
    return pl.Series([_CLASSES[p] if k else None for p, k in zip(places, kept, strict=True)])


def _check(
    n_groups: int,
    tasks_per_group: int,
    rows: int,
    features: int,
    missing: float,
    kinds: Sequence[str],
) -> None:
    counts = {
        "n_groups": n_groups,
        "tasks_per_group": tasks_per_group,
        "rows": rows,
        "features": features,
    }
    for name, value in counts.items():
        if value < 1:
            raise InputError(f"`{name}` must be 1 or more. Got {value}")
    if not 0 <= missing < 1:
        raise InputError(f"`missing` must be a share, 0 or more and below 1. Got {missing}")
    strangers = [kind for kind in kinds if kind not in _KINDS]
    if strangers or not kinds:
        raise InputError(f"`kinds` must be among {', '.join(_KINDS)}. Got {quoted(list(kinds))}")
