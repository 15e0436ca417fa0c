"""The cluster penalty: how far tasks lie from their cluster's mean, with relaxed clusters."""

from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.penalties._spectral import SpectralPenalty, singular_values


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
