"""The array types that the room speaks of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Rows = Any
"""A matrix ``(row, feature)``: a dense array or a sparse one in CSR form."""
