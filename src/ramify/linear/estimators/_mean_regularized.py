"""Mean-regularised models: every task lies near the mean of all."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify._core import check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.losses import GramLoss, SmoothLoss
from ramify.linear.penalties import MeanCoupling
from ramify.linear.solvers import (
    Solution,
    coupled_by_mean,
    coupled_over_rows,
    has_few_rows,
    solve_smooth,
)


@dataclass(eq=False, repr=False, kw_only=True)
class _MeanRegularized(SingleFit):
    mean_alpha: float = 0.1
    max_iter: int = 100

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        apart = check_number("alpha", self.alpha)
        together = check_number("mean_alpha", self.mean_alpha)
        apart, together = 2 * apart / loss.n_tasks, 2 * together / loss.n_tasks
        first = None if start is None else start.coef
        if isinstance(loss, GramLoss) and loss.grams.ndim == 3:
            first = coupled_by_mean(loss, apart, together)
        elif apart > 0 and together > 0 and has_few_rows(loss):
            first = coupled_over_rows(loss, apart, together, self._control().tol / 2)
        coupling = MeanCoupling(loss.n_tasks, apart, together)
        return solve_smooth(loss, coupling, first, self._control())

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return 10.0 * loss.steepness() * loss.n_tasks


@dataclass(eq=False, repr=False, kw_only=True)
class _MeanRegularizedCV(CrossValidated):
    _candidates = ("mean_alpha",)

    eps: float = 1e-5
    mean_alpha: float | Sequence[float] = 0.1
    max_iter: int = 100


class MeanRegularized(Regressor, _MeanRegularized):
    r"""Regression in which every task lies near the mean of all tasks.

    .. math:: \min_W L(W) + \lambda_0 \|\bar w\|^2 + \frac{\lambda}{T} \sum_t \|w_t - \bar w\|^2

    This is Ω of the overview for :math:`\lambda_0 = 1`. Towards :math:`\lambda = 0` only the mean
    is penalised; towards infinity all tasks have the same coefficients, each with its own
    intercept.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: Strength :math:`\lambda` of the penalty on deviations from the mean.
        mean_alpha: Strength :math:`\lambda_0` of the penalty on the mean.

    References:
        Evgeniou and Pontil. *Regularized Multi-Task Learning*, KDD 2004. Their strengths follow from
        ours, see ``docs/linear.md``.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
        >>> model = MeanRegularized(1e6, mean_alpha=0.0).fit(X, Y)
        >>> bool(np.allclose(model.coef_[0], model.coef_[1], atol=1e-4))
        True
    """


class MeanRegularizedClassifier(Classifier, _MeanRegularized):
    """Classification with the penalty and the settings of `MeanRegularized`."""


class MeanRegularizedCV(Regressor, _MeanRegularizedCV):
    """`MeanRegularized` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = MeanRegularized


class MeanRegularizedClassifierCV(Classifier, _MeanRegularizedCV):
    """`MeanRegularizedClassifier` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = MeanRegularizedClassifier


METHOD = Method(
    "mean-regularized",
    MeanRegularized,
    MeanRegularizedClassifier,
    MeanRegularizedCV,
    MeanRegularizedClassifierCV,
)
