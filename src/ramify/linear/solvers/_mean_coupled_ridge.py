"""Tasks that are pulled towards their mean: in closed form, or by a dual problem over their rows."""

from typing import TypeGuard

import numpy as np
import scipy.sparse as sp

from ramify.linear.inputs import Floats, StackedDesign, inverse_or_zero, ratio
from ramify.linear.losses import GramLoss, RowLoss, SmoothLoss

_SPECK = 1e-14
_MOST_ENTRIES = 30_000_000
_MOST_STEPS = 1000
_DEARER = 4  # it takes fewer steps, so that each may cost more


def coupled_by_mean(loss: GramLoss, apart: float, together: float) -> Floats:
    r"""The least of a quadratic loss and a penalty on the mean and on the distances from it.

    .. math:: L(W) + \frac{a}{2} \sum_t \|w_t - \bar w\|^2 + \frac{e T}{2} \|\bar w\|^2

    A task with matrix :math:`G_t` and moments :math:`b_t` is at its best for
    :math:`w_t = (G_t + a)^{-1} (b_t + (a - e) \bar w)`. The mean over tasks leaves a system of
    the size of the features,

    .. math:: \Big[\sum_t (G_t + a)^{-1} (G_t + e)\Big] \bar w = \sum_t (G_t + a)^{-1} b_t .

    Where it is singular, as without any penalty, the result is rough and needs a solver.

    Args:
        loss: The loss, with a matrix per task.
        apart: *a*, on the distance of a task from the mean.
        together: *e*, on the mean.

    Returns:
        Coefficients ``(task, feature)``.
    """
    values, vectors = loss.spectra
    inverse = inverse_or_zero(values + apart)
    # Shares of eigenvalues, not a difference of matrices: a strong coupling loses no digits.
    shares = (values + together) * inverse
    side_by_side = vectors.swapaxes(0, 1).reshape(loss.n_features, -1)
    system = (side_by_side * shares.ravel()) @ side_by_side.T
    turned = np.matmul(loss.moments[:, None, :], vectors)[:, 0]
    alone = np.matmul(vectors, (turned * inverse)[:, :, None])[:, :, 0]
    mean = np.linalg.lstsq(system, alone.sum(axis=0), rcond=_SPECK)[0]
    pulled = np.matmul(mean, vectors) * inverse
    coef: Floats = alone + (apart - together) * np.matmul(vectors, pulled[:, :, None])[:, :, 0]
    return coef


def has_few_rows(loss: SmoothLoss) -> TypeGuard[RowLoss]:
    """Whether tasks have rows of their own, a squared loss, and so few rows that these are cheaper."""
    if not (isinstance(loss, RowLoss) and isinstance(loss.design, StackedDesign)):
        return False
    X = loss.design.X
    n_products = loss.n_tasks * int(loss.design.counts.max()) ** 2
    of_coefficients = (X.nnz if sp.issparse(X) else X.size) + loss.n_tasks * loss.n_features
    pays = n_products <= _DEARER * of_coefficients
    return loss.is_quadratic and pays and n_products <= _MOST_ENTRIES


def coupled_over_rows(loss: RowLoss, apart: float, together: float, tol: float) -> Floats:
    r"""The same minimum, for tasks of few rows and many features.

    With the rows *R* of all tasks, centred and weighted like the targets *y*, and the penalty
    :math:`\tfrac12 \langle W, K W \rangle`, coefficients are :math:`K^{-1} R^T e` with errors *e*,
    one per row, that solve

    .. math:: (I + R K^{-1} R^T)\, e = y, \qquad
              K^{-1} = \tfrac1a I + \big(\tfrac1e - \tfrac1a\big) \tfrac1T 1 1^T .

    The first part of :math:`K^{-1}` leaves a block per task, inverted once; the second is a product
    with the rows of all tasks, as if they were of one. So no step of conjugate gradients takes
    longer for more features than its rows have entries.

    Args:
        loss: The loss, of which `has_few_rows` holds.
        apart: *a*, above 0.
        together: *e*, above 0.
        tol: Largest gradient, as a part of that at zero.

    Returns:
        Coefficients ``(task, feature)``.
    """
    rows = _Rows(loss)
    shared = (1 / together - 1 / apart) / loss.n_tasks
    blocks = rows.blocks()
    own = np.eye(blocks.shape[1]) + blocks / apart
    inverse = np.asarray(np.linalg.inv(own), dtype=np.float64)
    right = rows.roots * loss.targets

    def gradient_size(residual: Floats) -> float:
        # That of the coefficients which errors give, if the errors are off by a residual.
        square = float(np.vdot(residual, rows.times(blocks, residual)))
        return float(np.sqrt(max(square, 0.0)))

    errors, residual = np.zeros_like(right), right.copy()
    goal = tol * gradient_size(right)
    direction, before = np.zeros_like(right), 1.0
    for _ in range(_MOST_STEPS):
        if gradient_size(residual) <= goal:
            break
        proposed = rows.times(inverse, residual)
        along = float(np.vdot(residual, proposed))
        direction = proposed + along / before * direction
        bent = direction + rows.times(blocks, direction) / apart
        bent += shared * rows.margins(rows.pullback(direction))
        bend = float(np.vdot(direction, bent))
        if bend <= 0:
            break
        errors += along / bend * direction
        residual -= along / bend * bent
        before = along
    pulled = loss.design.pullback(rows.roots * errors)
    mean = pulled.mean(axis=0)
    pulled /= apart
    pulled += (1 / together - 1 / apart) * mean
    return pulled


class _Rows:
    """The rows of all tasks, centred per task and weighted, as if they were of one task.

    Args:
        loss: The loss.
    """

    def __init__(self, loss: RowLoss) -> None:
        design = loss.design
        assert isinstance(design, StackedDesign)
        self._design = design
        self.roots = np.sqrt(loss.weights)
        # A task's centre is the mean of its rows: so much of each is taken off.
        shares = loss.weights * design.spread(ratio(np.ones(1), design.totals(loss.weights)))
        self._shares = shares if design.centres.any() else np.zeros_like(shares)
        width = int(design.counts.max())
        self._shape = (design.n_tasks, width)
        self._places = np.arange(len(design.task)) - design.bounds[design.task]
        self._places += design.task * width

    def pullback(self, entries: Floats) -> Floats:
        """Entries of rows to ``(feature,)``."""
        entries = self.roots * entries
        entries = entries - self._shares * self._design.spread(self._design.totals(entries))
        pulled: Floats = entries @ self._design.X
        return pulled

    def margins(self, coef: Floats) -> Floats:
        """Coefficients ``(feature,)`` to entries of rows."""
        margins = self._design.X @ coef
        means = self._design.totals(self._shares * margins)
        centred: Floats = self.roots * (margins - self._design.spread(means))
        return centred

    def blocks(self) -> Floats:
        """Products of the rows of each task, ``(task, row, row)``, 0 beyond its last row."""
        blocks = np.zeros((*self._shape, self._shape[1]))
        for t, products in enumerate(self._design.row_products()):
            n_rows = len(products)
            blocks[t, :n_rows, :n_rows] = products
        roots = self._padded(self.roots)
        blocks *= roots[:, :, None] * roots[:, None, :]
        return blocks

    def times(self, blocks: Floats, entries: Floats) -> Floats:
        """The product of each task's block with its entries."""
        product = np.matmul(blocks, self._padded(entries)[:, :, None])
        of_rows: Floats = product.ravel()[self._places]
        return of_rows

    def _padded(self, entries: Floats) -> Floats:
        padded = np.zeros(self._shape)
        padded.ravel()[self._places] = entries
        return padded
