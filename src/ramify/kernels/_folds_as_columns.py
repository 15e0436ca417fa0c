"""Columns solved with their folds as further columns, whatever labels are missing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ramify.kernels._conjugate_gradients import Columns, Matrix, solve_shifted
from ramify.kernels._inputs import Floats, Integers

STATE_BYTES: Final = 1 << 28  # of the columns that are solved for at one time
MOST_PRODUCTS: Final = 100

Choose = Callable[[Floats], Integers]
"""From errors ``(strength, column)`` to the strength of each column."""


@dataclass(frozen=True, eq=False)
class Part:
    """What some columns gave at one width and share.

    Attributes:
        errors: Sums of squared errors out of fold ``(strength, column)``.
        chosen: Which strength each column has.
        oof: Predictions out of fold ``(row, column)``, NaN for rows in no fold.
        coef: From all rows ``(row, column)``.
        intercept: ``(column,)``.
    """

    errors: Floats
    chosen: Integers
    oof: Floats
    coef: Columns
    intercept: Floats


def solve_columns(
    matrix: Matrix,
    labels: tuple[Floats, NDArray[np.bool_], Integers],
    strengths: Floats,
    choose: Choose,
) -> list[Part]:
    """Solve columns of labels, with every fold left out and with none, at every strength and share.

    Args:
        matrix: The kernel. A column of the problem is (fold, column of labels, share), in this order.
        labels: Labels ``(row, column)``, 0 where there is none; where there are; the fold of each row.
        strengths: ``(strength, share)``, ascending along the first axis.
        choose: Chooses the strength of each column from its errors.

    Returns:
        A part per share.
    """
    y, mask, fold = labels
    folds = np.unique(fold[fold >= 0])
    known = (fold[:, None] != np.append(folds, -2))[:, :, None] & mask[:, None, :]
    n, n_patterns, n_columns = known.shape  # the last pattern leaves nothing out
    n_strengths, n_shares = strengths.shape
    shape = (n, n_patterns, n_columns, n_shares)

    def spread(values: NDArray[Any]) -> Columns:
        return np.broadcast_to(values, shape).reshape(n, -1).astype(matrix.dtype)

    own, wanted = spread(known[..., None]), spread(y[:, None, :, None])
    count = np.maximum(own.sum(axis=0, dtype=np.float64), 1)
    means = (wanted * own).sum(axis=0, dtype=np.float64) / count
    targets = (wanted - means.astype(matrix.dtype)) * own
    shifts = np.tile(strengths, (1, n_patterns * n_columns))
    found, _ = solve_shifted(matrix, own, targets, shifts, tol=_tol(matrix), max_iter=MOST_PRODUCTS)
    place = np.arange(targets.shape[1]).reshape(shape[1:])
    # An intercept is the mean of what is left of the labels; one product serves all strengths.
    sums = matrix.times(own, place.ravel())
    intercept = means - np.einsum("snc,nc->sc", found, sums, dtype=np.float64) / count
    found = found.reshape(n_strengths, *shape)
    intercept = intercept.reshape(n_strengths, *shape[1:])
    oof = np.full((n_strengths, n, n_columns, n_shares), np.nan)
    for f, number in enumerate(folds):
        rows = np.flatnonzero(fold == number)
        flat = np.moveaxis(found[:, :, f], 0, 1).reshape(n, -1)
        places = np.tile(place[f].ravel(), n_strengths)
        values = matrix.part_times(rows, flat, places)
        values = values.reshape(len(rows), n_strengths, n_columns, n_shares)
        oof[:, rows] = np.moveaxis(values, 1, 0) + intercept[:, None, f]
    return [
        _part(oof[..., i], found[:, :, -1, :, i], intercept[:, -1, :, i], (y, mask), choose)
        for i in range(n_shares)
    ]


def _tol(matrix: Matrix) -> float:
    """As near as the precision of the products is worth."""
    return 1e-3 if matrix.dtype == np.float32 else 1e-5


def columns_at_once(n_rows: int, n_patterns: int, n_strengths: int, n_shares: int) -> int:
    """How many columns of labels are solved together, so that their state is bounded."""
    numbers = n_rows * n_patterns * n_shares * (2 * n_strengths + 8)
    return max(1, STATE_BYTES // (4 * numbers))


def part_of(
    oof: Floats, labels: tuple[Floats, NDArray[np.bool_]], choose: Choose
) -> tuple[Floats, Integers, Floats]:
    """Errors, chosen strengths, and their predictions, from those of all strengths.

    Args:
        oof: ``(strength, row, column)``.
        labels: Labels ``(row, column)``, and where there are some.
        choose: Chooses the strength of each column from its errors.
    """
    y, mask = labels
    errors = np.where(mask & ~np.isnan(oof), oof - y, 0.0)
    sums = np.einsum("snc,snc->sc", errors, errors)
    chosen = choose(sums)
    return sums, chosen, picked(oof, chosen)


def picked(values: NDArray[Any], chosen: Integers) -> NDArray[Any]:
    """``(strength, …, column)`` at the strength of each column."""
    columns = np.arange(values.shape[-1])
    found = values[chosen, ..., columns]  # the column axis comes first
    return np.moveaxis(found, 0, -1)


def _part(
    oof: Floats,
    coef: Columns,
    intercept: Floats,
    labels: tuple[Floats, NDArray[np.bool_]],
    choose: Choose,
) -> Part:
    sums, chosen, best = part_of(oof, labels, choose)
    return Part(sums, chosen, best, picked(coef, chosen), picked(intercept, chosen))
