"""The squared loss, computed from Gram matrices: its cost does not depend on the rows."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from ramify.linear.inputs import Floats, Integers, Rows
from ramify.linear.losses._smooth import Curvature, SmoothLoss, largest_curvature

_MOST_STORED = 1500


class GramLoss(SmoothLoss):
    r"""A quadratic :math:`\tfrac12 \sum_t w_t^T G_t w_t - b_t^T w_t + \tfrac12 \sum_t s_t`.

    Args:
        grams: Weighted Gram matrices of centred rows, one for all tasks ``(feature, feature)`` or
            one per task, stacked in front.
        moments: Weighted products with the centred targets, ``(task, feature)``.
        squares: Weighted square of the centred targets, summed over tasks.
        centres: What was taken off the rows, ``(task, feature)``.
        target_means: What was taken off the targets, ``(task,)``.
    """

    def __init__(
        self,
        grams: Floats,
        moments: Floats,
        squares: float,
        centres: Floats,
        target_means: Floats,
    ) -> None:
        self.grams = grams
        self.moments = moments
        self.squares = squares
        self.n_tasks, self.n_features = moments.shape
        self._centres = centres
        self._target_means = target_means

    def value(self, coef: Floats) -> float:
        return self._value(coef, self._times(coef))

    def value_and_gradient(self, coef: Floats) -> tuple[float, Floats]:
        pulled = self._times(coef)
        return self._value(coef, pulled), pulled - self.moments

    def curvature(self, coef: Floats) -> Curvature:
        return _GramCurvature(self.grams, self._times, self.n_tasks)

    def local_squares(self, coef: Floats) -> SmoothLoss:
        return self

    def intercepts(self, coef: Floats) -> Floats:
        shift: Floats = (self._centres * coef).sum(axis=1)
        return self._target_means - shift

    def dual_value(self, coef: Floats, scale: float) -> float:
        error = 2 * self.value(coef)
        agreement = float(np.vdot(self.moments, coef)) - self.squares
        return -0.5 * scale**2 * error - scale * agreement

    def restricted(self, features: Integers) -> SmoothLoss:
        grams = self.grams[..., features[:, None], features]
        centres = self._centres[:, features]
        return GramLoss(grams, self.moments[:, features], self.squares, centres, self._target_means)

    def steepness(self, metric: Floats | None = None) -> float:
        grams = self.grams if self.grams.ndim == 3 else self.grams[None]

        def times(directions: Floats) -> Floats:
            product: Floats = np.matmul(grams, directions[:, :, None])[:, :, 0]
            return product

        return largest_curvature(times, len(grams), self.n_features, metric)

    @property
    def is_quadratic(self) -> bool:
        return True

    @property
    def common_gram(self) -> Floats | None:
        return self.grams if self.grams.ndim == 2 else None

    def _times(self, coef: Floats) -> Floats:
        if self.grams.ndim == 2:
            return np.asarray(coef @ self.grams)
        own: Floats = np.matmul(self.grams, coef[:, :, None])[:, :, 0]
        return own

    def _value(self, coef: Floats, pulled: Floats) -> float:
        half = 0.5 * pulled - self.moments
        # Rounding must not make a sum of squares negative.
        return max(float(np.vdot(half, coef)) + 0.5 * self.squares, 0.0)


class _GramCurvature(Curvature):
    def __init__(self, grams: Floats, times: Callable[[Floats], Floats], n_tasks: int) -> None:
        self._grams = grams
        self._times = times
        self._n_tasks = n_tasks

    def __call__(self, directions: Floats) -> Floats:
        return self._times(directions)

    def blocks(self) -> Floats:
        return self._grams

    def diagonals(self) -> Floats:
        diagonals: Floats = np.diagonal(self._grams, axis1=-2, axis2=-1)
        spread: Floats = np.broadcast_to(diagonals, (self._n_tasks, diagonals.shape[-1]))
        return spread


class GramStore:
    """The weighted Gram matrix of centred rows, as far as it was asked for.

    Args:
        X: The rows.
        weights: One per row.
        centre: What is taken off every row.
    """

    def __init__(self, X: Rows, weights: Floats, centre: Floats) -> None:
        self._X = X
        self._roots = np.sqrt(weights)
        self._centre = centre
        self._gram: Floats = np.zeros((0, 0))
        self._forget()

    def gram(self, features: Integers) -> Floats:
        """The matrix ``(feature, feature)`` of some features."""
        fresh = features[self._place[features] < 0]
        if self._n_stored + len(fresh) > _MOST_STORED:
            self._forget()
            fresh = features
        if len(fresh):
            self._add(fresh)
        places = self._place[features]
        gram: Floats = self._gram[np.ix_(places, places)]
        return gram

    def _add(self, fresh: Integers) -> None:
        columns = self._X[:, fresh]
        dense = columns.toarray() if sp.issparse(columns) else columns
        # In place: for many features fresh memory costs as much as the product.
        rooted: Floats = np.asarray(dense, dtype=np.float64).T
        rooted -= self._centre[fresh, None]
        rooted *= self._roots
        own = rooted @ rooted.T
        if self._rooted:
            cross = np.concatenate([each @ rooted.T for each in self._rooted])
            own = np.block([[self._gram, cross], [cross.T, own]])
        self._gram = own
        self._rooted.append(rooted)
        self._place[fresh] = np.arange(self._n_stored, self._n_stored + len(fresh))
        self._n_stored += len(fresh)

    def _forget(self) -> None:
        self._place = np.full(self._X.shape[1], -1)
        self._n_stored = 0
        self._gram = self._gram[:0, :0]
        self._rooted: list[Floats] = []
