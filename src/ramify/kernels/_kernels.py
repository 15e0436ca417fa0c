"""How alike two rows are: kernels, from a distance that is computed once for all widths."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
from scipy.spatial.distance import cdist

from ramify._core import InputError, listed
from ramify.kernels._inputs import Single

_BLOCK: Final = 512  # rows whose distances are in double precision at one time
_SAMPLE: Final = 256


class Kernel(ABC):
    """A kernel of encoded rows.

    Attributes:
        name: The word for it.
        has_width: Whether it has one to choose.
    """

    name: ClassVar[str]
    has_width: ClassVar[bool] = True

    @abstractmethod
    def distances(self, a: Single, b: Single, n_numbers: int) -> Single:
        """Distances ``(row of a, row of b)``, or the kernel itself where it has no width.

        Args:
            a: Encoded rows, numbers first, then columns of 0 and 1.
            b: Encoded rows.
            n_numbers: How many columns are numbers.
        """

    def values(self, distances: Single, gamma: float, unit: float) -> Single:
        """The kernel at some distances.

        Args:
            distances: What `distances` gave.
            gamma: How fast it falls: to 1/e at the distance ``unit / gamma``.
            unit: What distances are measured in.
        """
        found = distances * np.float32(-gamma / unit)
        np.exp(found, out=found)
        return found


class Laplace(Kernel):
    r"""exp(−γ ‖x − x′‖₁ / unit): rough, and features add up one by one, as in trees."""

    name = "laplace"

    def distances(self, a: Single, b: Single, n_numbers: int) -> Single:
        """Sums of absolute differences; those of 0 and 1 are counted by one product."""
        ones_a, ones_b = a[:, n_numbers:], b[:, n_numbers:]
        both = ones_a @ ones_b.T
        found = ones_a.sum(axis=1)[:, None] + ones_b.sum(axis=1) - 2 * both
        if n_numbers:
            found += cdist(a[:, :n_numbers], b[:, :n_numbers], "cityblock")
        return np.asarray(found)


class RBF(Kernel):
    r"""exp(−γ ‖x − x′‖² / unit): smooth."""

    name = "rbf"

    def distances(self, a: Single, b: Single, n_numbers: int) -> Single:
        """Squares of Euclidean distances."""
        wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
        found = -2 * (wide_a @ wide_b.T)  # in double precision: near rows cancel
        found += (wide_a**2).sum(axis=1)[:, None]
        found += (wide_b**2).sum(axis=1)
        return np.maximum(found, 0).astype(np.float32)


class Tanimoto(Kernel):
    """Of two sets of features: how many they have in common, by how many either has.

    References:
        Ralaivola, Swamidass, Saigo, Baldi. *Graph kernels for chemical informatics*, 2005.
    """

    name = "tanimoto"
    has_width = False

    def distances(self, a: Single, b: Single, n_numbers: int) -> Single:
        """The kernel itself; two rows without any feature are alike."""
        if n_numbers:
            raise InputError(
                "must have features of two values each for `kernel='tanimoto'`",
                argument="X",
                got=f"{n_numbers:,} of {a.shape[1]:,} with more",
                remedy="take another kernel",
            )
        both = a @ b.T
        either = a.sum(axis=1)[:, None] + b.sum(axis=1) - both
        found: Single = np.divide(both, either, out=np.ones_like(both), where=either > 0)
        return found

    def values(self, distances: Single, gamma: float, unit: float) -> Single:
        """As they are."""
        return distances


class Linear(Kernel):
    """x · x′ by the number of columns: ridge regression."""

    name = "linear"
    has_width = False

    def distances(self, a: Single, b: Single, n_numbers: int) -> Single:
        """The kernel itself."""
        found: Single = a @ b.T
        found /= np.float32(max(a.shape[1], 1))
        return found

    def values(self, distances: Single, gamma: float, unit: float) -> Single:
        """As they are."""
        return distances


KERNELS: Final[Mapping[str, Kernel]] = {
    each.name: each for each in (Laplace(), RBF(), Tanimoto(), Linear())
}
"""Every kernel by its name."""


def kernel_of(name: object) -> Kernel:
    """The kernel of a name.

    Raises:
        InputError: If there is none.
    """
    if not isinstance(name, str) or name not in KERNELS:
        raise InputError(f"must be one of {listed(KERNELS)}", argument="kernel", got=repr(name))
    return KERNELS[name]


def all_distances(kernel: Kernel, rows: Single, n_numbers: int) -> Single:
    """Distances between all rows ``(row, row)``, a block at a time, each pair once."""
    n = len(rows)
    found = np.empty((n, n), dtype=np.float32)
    for start in range(0, n, _BLOCK):
        block = slice(start, min(start + _BLOCK, n))
        part = kernel.distances(rows[block], rows[: block.stop], n_numbers)
        found[block, : block.stop] = part
        found[: block.stop, block] = part.T
    return found


def unit_of(kernel: Kernel, rows: Single, n_numbers: int) -> float:
    """The median distance between different rows, of some rows to all; 1 where all are the same."""
    if not kernel.has_width:
        return 1.0
    some = rows[np.unique(np.linspace(0, len(rows) - 1, _SAMPLE).astype(int))]
    found = kernel.distances(some, rows, n_numbers)
    apart = found[found > 0]
    return float(np.median(apart)) if len(apart) else 1.0
