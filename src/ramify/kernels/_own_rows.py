"""Tasks with rows of their own as one kernel: what is shared, what is a task's own, and its level."""

from typing import Any

import numpy as np

from ramify.kernels._conjugate_gradients import Columns, Gram, Matrix
from ramify.kernels._inputs import Integers


class OwnRowsMatrix(Matrix):
    r"""The kernel :math:`(\rho + (1 - \rho)\,[t = t'])\,k(x, x') + o\,[t = t']` of rows sorted by task.

    It is mean-regularised multi-task learning: a function that all tasks share, one of each task, and
    a level of each task, penalised in the proportions :math:`1/\rho`, :math:`1/(1-\rho)` and
    :math:`1/o`. At :math:`\rho = 1` the rows are pooled, towards 0 each task learns alone. Several
    shares are columns side by side: all need the same products with *k*.

    Args:
        gram: *k*, of rows that are sorted by task.
        counts: How many rows each task has.
        shares: :math:`\rho` of each column of the problem.
        offset: *o*.

    References:
        Evgeniou and Pontil. *Regularized Multi-Task Learning*, KDD 2004, equation 22, where
        :math:`\mu` is :math:`\rho / (1 - \rho)` by the number of tasks. The level is ours: *k* need not
        hold a constant.
    """

    def __init__(self, gram: Gram, counts: Integers, shares: Columns, offset: float) -> None:
        self.gram, self.counts = gram, counts[counts > 0]
        self.shares, self.offset = shares.astype(gram.dtype), gram.dtype.type(offset)
        ends = np.cumsum(self.counts)
        self.starts = ends - self.counts
        self.blocks = [slice(*pair) for pair in zip(self.starts, ends, strict=True)]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the products."""
        return self.gram.dtype

    def times(self, columns: Columns, place: Integers) -> Columns:
        """The matrix times columns."""
        shares = self.shares[place]
        found = self.gram.times(columns, place) * shares
        own = (1 - shares) * columns
        for block in self.blocks:
            found[block] += self.gram.block_times(block, own[block])
        sums = np.add.reduceat(columns, self.starts, axis=0)
        found += self.offset * np.repeat(sums, self.counts, axis=0)
        return np.asarray(found)

    def part_times(self, rows: Integers, columns: Columns, place: Integers) -> Columns:
        """Some rows of the matrix times columns."""
        return np.asarray(self.times(columns, place)[rows])
