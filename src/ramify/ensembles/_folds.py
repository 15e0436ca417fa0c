"""Which fold each row belongs to: every fold gets its share of every label, the rarest first."""

from typing import Final

import numpy as np
from jaxtyping import Float, Integer
from numpy.typing import NDArray

from ramify._core import InputError, check_count

N_FOLDS: Final = 5
Integers = NDArray[np.intp]


def folds_of(
    labels: Float[np.ndarray, "row column"],
    n_folds: int | None = None,
    *,
    seed: int = 0,
    task: Integer[np.ndarray, " row"] | None = None,
    group: Integer[np.ndarray, " row"] | None = None,
) -> Integer[np.ndarray, " row"]:
    """Deal rows to folds.

    Rows are dealt event by event, the rarest first: the rarer value of a column of two values, having
    a label at all where not every row has, belonging to a task. Each event is dealt so that the folds
    come to have equally many of it; what is left, at random.

    Args:
        labels: NaN where there is none.
        n_folds: How many; by default five, or as many as there are rows or groups.
        seed: Of chance.
        task: Place of the task that each row belongs to, if tasks have rows of their own.
        group: Number of each row's group; its rows stay in one fold.

    Returns:
        From 0.

    Raises:
        InputError: If there are fewer rows or groups than folds, or fewer than two.

    Example:
        >>> import numpy as np
        >>> rare = np.zeros((20, 1))
        >>> rare[:5] = 1
        >>> sorted(folds_of(rare)[:5].tolist())
        [0, 1, 2, 3, 4]
    """
    n = len(labels)
    unit = np.arange(n) if group is None else np.unique(group, return_inverse=True)[1].reshape(-1)
    n_units = int(unit.max(initial=-1)) + 1
    k = min(N_FOLDS, n_units) if n_folds is None else check_count("n_folds", n_folds, least=2)
    if not 2 <= k <= n_units:
        what = "rows" if group is None else "groups"
        raise InputError(
            f"must be from 2 to the number of {what}", argument="n_folds", got=f"{k} of {n_units:,}"
        )
    rng = np.random.default_rng([seed, 0xF01D])
    events = _events(labels, task)
    if group is None:
        return _dealt(events, n, k, rng)
    return _dealt_whole(events, unit, k, rng)[unit]


def _events(labels: NDArray[np.float64], task: Integers | None) -> list[Integers]:
    """Rows of each event, the rarest event first."""
    found: list[Integers] = []
    if task is not None:
        order = np.argsort(task, kind="stable")
        found += np.split(order, np.flatnonzero(np.diff(task[order])) + 1)
    for column in labels.T:
        known = ~np.isnan(column)
        values, counts = np.unique(column[known], return_counts=True)
        if len(values) == 2:
            found.append(np.flatnonzero(column == values[counts.argmin()]))
        if not known.all():
            found.append(np.flatnonzero(known))
    return sorted((each for each in found if len(each)), key=len)


def _dealt(events: list[Integers], n: int, k: int, rng: np.random.Generator) -> Integers:
    fold = np.full(n, -1, dtype=np.intp)
    size = np.zeros(k, dtype=np.intp)
    for rows in [*events, np.arange(n)]:
        there = np.bincount(fold[rows][fold[rows] >= 0], minlength=k)
        left = rng.permutation(rows[fold[rows] < 0])
        # Of folds with equally many, those with the fewest rows come first.
        quota = _filled(there, size, len(left))
        fold[left] = np.repeat(np.arange(k), quota)
        size += quota
    return fold


def _filled(there: Integers, size: Integers, n: int) -> Integers:
    """How many more each fold gets, so that all come as near to each other as can be."""
    order = np.lexsort((size, there))
    level = there[order]
    quota = np.zeros(len(there), dtype=np.intp)
    for m in range(len(there), 0, -1):  # the m lowest are raised to one level
        total = level[:m].sum() + n
        if total // m >= level[m - 1]:
            raised = np.full(m, total // m)
            raised[: total % m] += 1
            quota[order[:m]] = raised - level[:m]
            return quota
    return quota


def _dealt_whole(
    events: list[Integers], unit: Integers, k: int, rng: np.random.Generator
) -> Integers:
    """Groups one by one, the largest first, each to the fold that has least of what it holds."""
    n_units = int(unit.max()) + 1
    rows = np.bincount(unit)
    held = np.stack([np.bincount(unit[each], minlength=n_units) for each in events] + [rows])
    share = held / held.sum(axis=1, keepdims=True)  # (event, unit)
    shuffled = rng.permutation(n_units)
    fold = np.full(n_units, -1, dtype=np.intp)
    there = np.zeros((len(share), k))
    for each in shuffled[np.argsort(-rows[shuffled], kind="stable")]:
        fold[each] = int((share[:, each] @ there).argmin())
        there[:, fold[each]] += share[:, each]
    return fold
