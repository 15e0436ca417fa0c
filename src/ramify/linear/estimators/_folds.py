"""Folds in which every task, and every class, has its share of the rows."""

from collections.abc import Iterable, Sequence

import numpy as np

from ramify._core import InputError, counted
from ramify.linear.inputs import Integers
from ramify.linear.losses import LabelledRows, Logistic, Objective

Split = tuple[Integers, Integers]
_DEFAULT_FOLDS = 5


def folds_of(cv: object, rows: LabelledRows, objective: Objective) -> list[Split]:
    """Pairs of training and held-out positions in ``rows``.

    A number of folds deals the rows of each task (and class) out in turn, in the order in which
    they came. A splitter is given the strata as its ``y``. Splits are pairs of indices of the rows
    as they were given to ``fit``.

    Raises:
        InputError: If ``cv`` is none of these, or asks for more folds than there are rows.
    """
    n_rows = rows.X.shape[0]
    if cv is None or isinstance(cv, int | np.integer):
        return _dealt(_DEFAULT_FOLDS if cv is None else int(cv), _strata(rows, objective))
    if hasattr(cv, "split") and not isinstance(cv, str):
        strata = _strata(rows, objective)
        return list(cv.split(np.zeros((n_rows, 1)), strata))
    if isinstance(cv, Iterable) and not isinstance(cv, str):
        return _given(list(cv), rows)
    raise InputError(f"`cv` must be a number of folds, a splitter or splits. Got {cv!r}")


def _given(splits: list[object], rows: LabelledRows) -> list[Split]:
    pairs = [split for split in splits if isinstance(split, Sequence) and len(split) == 2]
    if not pairs or len(pairs) < len(splits):
        raise InputError(
            "`cv` must be a number of folds, a splitter, or pairs of training and held-out rows. "
            f"Got a list of {len(splits):,}, {len(pairs):,} of them pairs"
        )
    found = [(_positions(train, rows), _positions(test, rows)) for train, test in pairs]
    if not all(len(train) and len(test) for train, test in found):
        raise InputError(
            "`cv` must have a labelled row on both sides of every split. "
            "Got a split without; its rows count from 0, as given to `fit`"
        )
    return found


def _dealt(n_folds: int, strata: Integers) -> list[Split]:
    n_rows = len(strata)
    if not 2 <= n_folds <= n_rows:
        raise InputError(
            f"`cv` must be from 2 to the number of rows, {counted(n_rows, 'sample')}. Got {n_folds}"
        )
    order = np.argsort(strata, kind="stable")
    fold = np.empty(n_rows, dtype=np.intp)
    # Going on where the last stratum stopped keeps folds of equal size.
    fold[order] = np.arange(n_rows) % n_folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


def _strata(rows: LabelledRows, objective: Objective) -> Integers:
    is_class = isinstance(objective.losses[0], Logistic)
    if rows.counts is None:
        single = is_class and rows.n_tasks == 1
        return (
            (rows.y[:, 0] > 0).astype(np.intp) if single else np.zeros(len(rows.y), dtype=np.intp)
        )
    task = np.repeat(np.arange(rows.n_tasks), rows.counts)
    return 2 * task + (rows.y > 0) if is_class else task


def _positions(given: object, rows: LabelledRows) -> Integers:
    """Where the rows that were given at these indices are; those without a label are left out."""
    indices = np.asarray(given)
    if indices.dtype.kind == "b":
        indices = np.flatnonzero(indices)
    return np.flatnonzero(np.isin(rows.origin, indices))
