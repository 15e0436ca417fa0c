"""Convex penalties of the coefficients' singular values: value, prox and conjugate."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats, Integers

Slack = Callable[[float], float]


class SpectralPenalty(ABC):
    """A convex penalty of coefficients ``(task, feature)`` that hangs on their singular values.

    Where it grows with their square its conjugate is finite everywhere, so that any coefficients
    have a duality gap.
    """

    @abstractmethod
    def value(self, coef: Floats) -> float:
        """The penalty."""

    @abstractmethod
    def prox(self, coef: Floats, step: float) -> Floats:
        r"""The least of :math:`\tfrac12 \|Z - W\|_F^2 + \text{step} \cdot \Omega(Z)` over *Z*."""

    @abstractmethod
    def conjugate(self, gradient: Floats) -> float:
        r"""The greatest of :math:`\langle G, W \rangle - \Omega(W)` over *W*."""

    def gap(self, coef: Floats, gradient: Floats, slack: Slack) -> float:
        r"""Duality gap at ``coef``, for any convex loss of which ``gradient`` is the gradient there.

        .. math:: \Omega(W) + \Omega^*(-G) + \langle W, G \rangle

        The loss and its conjugate at *G* cancel against the product (Fenchel and Young), so that
        the loss itself does not enter.

        Args:
            coef: *W*.
            gradient: *G*.
            slack: Where the conjugate is finite for *s G* only: what is then left of the loss, its
                conjugate and the product, given *s*.
        """
        return self.value(coef) + self.conjugate(-gradient) + float(np.vdot(coef, gradient))


@dataclass(frozen=True)
class TraceNormPenalty(SpectralPenalty):
    r"""The sum of singular values, :math:`\lambda \|W\|_*`.

    Args:
        strength: :math:`\lambda`, above 0.
    """

    strength: float

    def value(self, coef: Floats) -> float:
        return self.strength * float(singular_values(coef).sum())

    def prox(self, coef: Floats, step: float) -> Floats:
        left, singular, right = np.linalg.svd(coef, full_matrices=False)
        proximal: Floats = (left * (singular - step * self.strength).clip(min=0)) @ right
        return proximal

    def conjugate(self, gradient: Floats) -> float:
        return 0.0 if singular_values(gradient)[0] <= self.strength else np.inf

    def gap(self, coef: Floats, gradient: Floats, slack: Slack) -> float:
        largest = float(singular_values(gradient)[0])
        scale = min(1.0, self.strength / largest) if largest > 0 else 1.0
        gap = self.value(coef) + scale * float(np.vdot(coef, gradient))
        return gap + slack(scale) if scale < 1 else gap


@dataclass(frozen=True)
class SquaredTraceNorm(SpectralPenalty):
    r"""The squared sum of the singular values, and the sum of their squares.

    .. math:: \Omega(W) = \frac{\lambda}{2} \|W\|_*^2 + \frac{\rho}{2} \|W\|_F^2

    The first term is the least of :math:`\frac{\lambda}{2} \mathrm{tr}(W D^{-1} W^\top)` over
    positive *D* of trace 1, attained at the square root of :math:`W^\top W`, divided by its
    trace; equally of :math:`\frac{\lambda}{2} \mathrm{tr}(W^\top \Omega^{-1} W)` with the square
    root of :math:`W W^\top`. So it is what learned features and learned task relations come to.

    Args:
        strength: :math:`\lambda`, above 0.
        ridge: :math:`\rho`, 0 or more.
    """

    strength: float
    ridge: float = 0.0

    def value(self, coef: Floats) -> float:
        singular = singular_values(coef)
        squares = self.ridge * float(singular @ singular)
        return (self.strength * float(singular.sum()) ** 2 + squares) / 2

    def prox(self, coef: Floats, step: float) -> Floats:
        left, singular, right = np.linalg.svd(coef, full_matrices=False)
        shrunk = self._shrunk(singular, 1 + step * self.ridge, step * self.strength)
        proximal: Floats = (left * shrunk) @ right
        return proximal

    def conjugate(self, gradient: Floats) -> float:
        singular = singular_values(gradient)
        if self.ridge == 0:
            return float(singular[0]) ** 2 / (2 * self.strength)
        # Quadratic in scale: at the best singular values it is half of their product with these.
        return float(singular @ self._shrunk(singular, self.ridge, self.strength)) / 2

    def _shrunk(self, singular: Floats, curvature: float, strength: float) -> Floats:
        r"""The best :math:`s \ge 0` for :math:`\tfrac{c}{2} s^2 - g s + \tfrac{\lambda}{2} (1^T s)^2`.

        It is :math:`(g - \lambda 1^T s)_+ / c`; the total over the *k* largest, which stay
        positive, is :math:`\sum g / (c + k \lambda)`.
        """
        n_kept = np.arange(1, len(singular) + 1)
        totals = np.cumsum(singular) / (curvature + n_kept * strength)
        kept = singular > strength * totals
        total = float(totals[kept][-1]) if kept.any() else 0.0
        shrunk: Floats = (singular - strength * total).clip(min=0) / curvature
        return shrunk


def singular_values(matrix: Floats) -> Floats:
    """The singular values, the largest first."""
    values: Floats = np.linalg.svd(matrix, compute_uv=False).astype(np.float64)
    return values


@dataclass(frozen=True)
class ClusterPenalty(SpectralPenalty):
    r"""Mean, between-cluster and within-cluster spread of the coefficients.

    .. math:: \Omega(W) = \frac{\varepsilon_M}{2} T \|\bar w\|^2 + \frac12 \min_{\Sigma}
              \mathrm{tr}(\tilde W^\top \Sigma^{-1} \tilde W), \quad
              \tfrac{1}{\varepsilon_W} I \preceq \Sigma \preceq \tfrac{1}{\varepsilon_B} I

    where :math:`\tilde W` ``(task, feature)`` is centred over tasks and :math:`\Sigma` has the
    trace that *r* clusters give: what it has above its lower bound sums to
    :math:`(r-1)(1/\varepsilon_B - 1/\varepsilon_W)`, whatever the number of tasks.

    Args:
        mean: :math:`\varepsilon_M`, above 0.
        between: :math:`\varepsilon_B`, at least ``mean``.
        within: :math:`\varepsilon_W`, at least ``between``.
        n_clusters: *r*, at least 1.
    """

    mean: float
    between: float
    within: float
    n_clusters: int

    def value(self, coef: Floats) -> float:
        middle, centred = _centred(coef)
        singular = singular_values(centred)
        spread = float((singular**2 / self.variances(singular)).sum())
        return (self.mean * len(coef) * float(middle @ middle) + spread) / 2

    def prox(self, coef: Floats, step: float) -> Floats:
        middle, centred = _centred(coef)
        left, singular, right = np.linalg.svd(centred, full_matrices=False)
        variances = self.variances(singular, step)
        shrunk = singular * variances / (variances + step)
        proximal: Floats = middle / (1 + step * self.mean) + (left * shrunk) @ right
        return proximal

    def conjugate(self, gradient: Floats) -> float:
        # The steepest directions get the most variance that the budget allows.
        middle, centred = _centred(gradient)
        squares = singular_values(centred) ** 2
        wide, narrow = squares[: self.n_clusters - 1], squares[self.n_clusters - 1 :]
        spread = float(wide.sum() / self.between + narrow.sum() / self.within)
        return (len(gradient) * float(middle @ middle) / self.mean + spread) / 2

    def variances(self, singular: Floats, offset: float = 0.0) -> Floats:
        r"""Eigenvalues of the best :math:`\Sigma`, one per singular value.

        They minimise :math:`\sum_i \sigma_i^2 / (\theta_i + o)` within bounds and budget, hence
        :math:`\theta_i = \mathrm{clip}(\kappa \sigma_i - o)`. Their sum is piecewise linear in
        :math:`\kappa`, with a knee where one meets a bound, so :math:`\kappa` is found exactly.

        Args:
            singular: :math:`\sigma`.
            offset: *o*; 0 for the penalty itself, the step for its prox.
        """
        low, high = 1 / self.within, 1 / self.between
        counted = singular > 1e-15 * singular.max(initial=0.0)
        n_wide = self.n_clusters - 1
        if counted.sum() <= n_wide or low == high:
            return np.where(counted, high, low)
        knees = np.sort(np.outer([low + offset, high + offset], 1 / singular[counted]).ravel())
        budget = len(singular) * low + n_wide * (high - low)
        sums = np.clip(np.outer(knees, singular) - offset, low, high).sum(axis=1)
        kappa = np.interp(budget, sums, knees)
        variances: Floats = np.clip(kappa * singular - offset, low, high)
        return variances


def _centred(coef: Floats) -> tuple[Floats, Floats]:
    middle: Floats = coef.mean(axis=0)
    return middle, coef - middle


@dataclass(frozen=True)
class GroupedTraceNorm(SpectralPenalty):
    r"""The sum over groups of :math:`\tfrac{\lambda}{2} \|W_g\|_*^2`.

    Args:
        strength: :math:`\lambda`, above 0.
        groups: For each task its group, ``(task,)``.
    """

    strength: float
    groups: Integers

    def value(self, coef: Floats) -> float:
        return sum(self._within.value(coef[tasks]) for tasks in self._members())

    def prox(self, coef: Floats, step: float) -> Floats:
        proximal = np.empty_like(coef)
        for tasks in self._members():
            proximal[tasks] = self._within.prox(coef[tasks], step)
        return proximal

    def conjugate(self, gradient: Floats) -> float:
        return sum(self._within.conjugate(gradient[tasks]) for tasks in self._members())

    @property
    def _within(self) -> SquaredTraceNorm:
        return SquaredTraceNorm(self.strength)

    def _members(self) -> list[Integers]:
        return [np.flatnonzero(self.groups == group) for group in np.unique(self.groups)]
