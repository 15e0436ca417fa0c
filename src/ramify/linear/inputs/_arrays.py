"""The array types that the room speaks of, and division where there is something to divide by."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Rows = Any
"""A matrix ``(row, feature)``: a dense array or a sparse one in CSR form."""


def ratio(above: Floats, below: Floats, otherwise: float = 0.0) -> Floats:
    """The quotient, and another value where nothing above 0 is below."""
    shape = np.broadcast_shapes(np.shape(above), np.shape(below))
    quotient: Floats = np.divide(above, below, out=np.full(shape, otherwise), where=below > 0)
    return quotient


def inverse_or_zero(values: Floats) -> Floats:
    """One by each value of 0 or more; 0 for those that are only rounding beside the largest."""
    floor = 1e-14 * max(float(values.max()), 0.0)
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > floor)
