"""Where numbers lie and how far they spread: the one way in which anything is centred and scaled."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_CELLS = 1 << 21


class Spread(NamedTuple):
    """Statistics of columns of numbers, NaN where a number is missing.

    Attributes:
        location: Mean of each column; 0 of a column without a number.
        scale: Standard deviation (of the rows themselves, not of a larger population); 0 exactly
            where all numbers of a column are equal, or there is none.
        low: Smallest number.
        high: Largest number.
        n_missing: How many are missing.
        is_two_valued: Whether there are exactly two different numbers.
    """

    location: Float[np.ndarray, " column"]
    scale: Float[np.ndarray, " column"]
    low: Float[np.ndarray, " column"]
    high: Float[np.ndarray, " column"]
    n_missing: Float[np.ndarray, " column"]
    is_two_valued: Bool[np.ndarray, " column"]


def spread_of(values: Float[np.ndarray, "row column"]) -> Spread:
    """Mean and standard deviation of each column, whatever offset and unit its numbers have.

    Numbers are taken relative to the smallest and to the range before they are summed up, so that
    a common offset costs no digits and no square leaves the range of float64.

    Args:
        values: Numbers; NaN where missing.

    Example:
        >>> spread = spread_of(np.array([[1.7e9], [1.7e9 + 2], [np.nan]]))
        >>> float(spread.location[0]) - 1.7e9, float(spread.scale[0])
        (1.0, 1.0)
    """
    n_columns = values.shape[1]
    # A few columns at a time: the differences are as large as what they are taken from.
    step = max(1, _CELLS // max(len(values), 1))
    parts = [_spread(values[:, i : i + step]) for i in range(0, n_columns, step)]
    return Spread(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _spread(values: Float[np.ndarray, "row column"]) -> Spread:
    missing = np.isnan(values)
    count = (~missing).sum(axis=0)
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    low, high = np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=0.0)
    span = high - low
    unit = np.where(span > 0, span, 1.0)
    within = (values - low) / unit  # from 0 to 1
    within[missing] = 0.0
    n_high, n_low = (within == 1).sum(axis=0), (within == 0).sum(axis=0) - missing.sum(axis=0)
    mean = within.sum(axis=0) / np.maximum(count, 1)
    within -= mean
    within[missing] = 0.0
    spread = np.sqrt(np.square(within, out=within).sum(axis=0) / np.maximum(count, 1))
    return Spread(
        low + mean * span,
        np.where(span > 0, spread * unit, 0.0),
        low,
        high,
        missing.sum(axis=0).astype(np.float64),
        (span > 0) & (n_high + n_low == count),
    )
