"""Inputs on a scale on which distances mean something; statistics of the rows learned from only."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ramify._core import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Single = NDArray[np.float32]

SCALINGS: Final = ("quantile", "standard", "clipped", "none")
_FURTHEST: Final = 10.0  # standard deviations, of "clipped"
_MOST_QUANTILES: Final = 1000
_NEAREST_END: Final = 1e-3  # a row is never taken to lie further out than this share of the rows


@dataclass(frozen=True, eq=False)
class Inputs:
    """Turns features into rows of single precision: numbers scaled, features of two values as 0 and 1.

    Features of one value are left out. Numbers are centred in double precision before they become
    single, so that an offset such as that of a date costs nothing. Under "standard" they have mean 0
    and variance 1, under "clipped" they also end at ±10. Under "quantile" they become their place
    among the rows, as a number of the normal distribution with variance 1, which neither outliers
    nor skew disturb; equal values lie in the middle of their places. (scikit-learn's
    QuantileTransformer puts the two ends of every feature at ±5.2, however few the rows; here they
    lie where the extreme of so many normal numbers does.) Under "none" features are only centred.

    Attributes:
        source: Which feature each column of a row is of; numbers come first.
        location: Subtracted from it.
        scale: What the difference is divided by.
        grid: Quantiles ``(number, quantile)`` of the numbers, already scaled; none but under
            "quantile".
        n_numbers: How many columns are numbers; the rest is 0 or 1.
        n_features: Width of what is encoded.
        limit: Where numbers end; infinity for nowhere.
    """

    source: Integers
    location: Floats
    scale: Floats
    grid: Floats
    n_numbers: int
    n_features: int
    limit: float = np.inf

    @classmethod
    def fitted(cls, X: Floats, scaling: str) -> Self:
        """Take the statistics of rows.

        Args:
            X: Rows ``(row, feature)``, finite.
            scaling: One of `SCALINGS`.
        """
        low, high = X.min(axis=0), X.max(axis=0)
        if scaling == "none":
            every = np.arange(X.shape[1])
            centre = low + (X - low).mean(axis=0)
            no_grid = np.empty((0, 0))
            return cls(every, centre, np.ones(len(every)), no_grid, len(every), len(every))
        two = ((low == X) | (high == X)).all(axis=0)
        numbers, bits = np.flatnonzero(~two), np.flatnonzero(two & (low < high))
        from_low = X[:, numbers] - low[numbers]  # exact enough whatever the offset
        centre = from_low.mean(axis=0)
        spread = from_low.std(axis=0)
        grid = np.empty((0, 0))
        if scaling == "quantile":
            # Values that occur, not means of two: equal ones must stay equal.
            at = np.linspace(0, len(X) - 1, min(len(X), _MOST_QUANTILES)).round().astype(int)
            grid = np.sort((from_low - centre) / spread, axis=0)[at].T
        return cls(
            np.concatenate([numbers, bits]),
            np.concatenate([low[numbers] + centre, low[bits]]),
            np.concatenate([spread, (high - low)[bits]]),
            grid,
            len(numbers),
            X.shape[1],
            _FURTHEST if scaling == "clipped" else np.inf,
        )

    @property
    def width(self) -> int:
        """Columns of an encoded row."""
        return len(self.source)

    def encode(self, X: Floats) -> Single:
        """Rows ``(row, column)`` in single precision."""
        found = (X[:, self.source] - self.location) / self.scale
        for column, (values, scores) in enumerate(self._steps):
            found[:, column] = np.interp(found[:, column], values, scores)
        numbers, bits = found[:, : self.n_numbers], found[:, self.n_numbers :]
        np.clip(numbers, -self.limit, self.limit, out=numbers)
        np.clip(bits, 0, 1, out=bits)
        return found.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What it consists of, for a file."""
        return {
            "source": self.source.astype(np.int64),
            "location": self.location,
            "scale": self.scale,
            "grid": self.grid,
            "limit": np.array(self.limit),
            "widths": np.array([self.n_numbers, self.n_features], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The same again.

        Raises:
            InputError: If they do not fit together.
        """
        source, widths = np.asarray(arrays["source"]), np.asarray(arrays["widths"])
        location, scale, grid, limit = (np.asarray(arrays[n], np.float64) for n in _NUMBERS)
        if source.dtype.kind != "i" or widths.dtype.kind != "i" or widths.shape != (2,):
            raise InputError("the inputs of a kernel model must name features by whole numbers")
        n_numbers, n_features = map(int, widths)
        fits = (
            source.ndim == 1
            and location.shape == scale.shape == source.shape
            and 0 <= n_numbers <= len(source)
            and grid.ndim == 2
            and (grid.size == 0 or (len(grid) == n_numbers and (np.diff(grid) >= 0).all()))
            and ((source >= 0) & (source < n_features)).all()
            and np.isfinite(location).all()
            and np.isfinite(scale).all()
            and (scale > 0).all()
            and np.isfinite(grid).all()
            and limit.shape == ()
            and limit > 0
        )
        if not fits:
            raise InputError("the inputs of a kernel model do not fit together")
        return cls(
            source.astype(np.intp), location, scale, grid, n_numbers, n_features, float(limit)
        )

    @cached_property
    def _steps(self) -> list[tuple[Floats, Floats]]:
        """Of each number its distinct quantiles, and what they become."""
        if not self.grid.size:
            return []
        n = self.grid.shape[1]
        at = np.linspace(0, 1, n)
        end = max(_NEAREST_END, 0.5 / n)
        steps = []
        for quantiles in self.grid:
            values, first, count = np.unique(quantiles, return_index=True, return_counts=True)
            middle = (at[first] + at[first + count - 1]) / 2
            scores = ndtri(np.clip(middle, end, 1 - end))
            # Mean and variance over the rows, each quantile standing for as many of them.
            mean = np.average(scores, weights=count)
            spread = np.sqrt(np.average((scores - mean) ** 2, weights=count))
            steps.append((values, (scores - mean) / max(spread, 1e-12)))
        return steps


_NUMBERS: Final = ("location", "scale", "grid", "limit")
