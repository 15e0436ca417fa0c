"""Trace-norm models: the tasks' coefficients lie in a subspace of few dimensions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ramify._core import check_number
from ramify.linear.estimators._base import SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.losses import Loss, SmoothLoss
from ramify.linear.penalties import TraceNormPenalty
from ramify.linear.solvers import Solution, largest_strength, solve_penalised


class _TraceNorm(SingleFit):
    def __init__(
        self,
        alpha: float = 0.1,
        *,
        loss: str | Loss = "auto",
        fit_intercept: bool = True,
        normalisation: str = "mean",
        task_weight: object = None,
        warm_start: bool = False,
        max_iter: int = 5000,
        tol: float = 1e-6,
    ) -> None:
        self.alpha = alpha
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.normalisation = normalisation
        self.task_weight = task_weight
        self.warm_start = warm_start
        self.max_iter = max_iter
        self.tol = tol

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha)
        penalty = TraceNormPenalty(alpha)
        solution = solve_penalised(loss, penalty, alpha, start, self._control())
        rank = int(np.linalg.matrix_rank(solution.coef))
        return replace(solution, learned={"rank_": rank})

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return largest_strength(loss, TraceNormPenalty(1.0))


class _TraceNormCV(CrossValidated):
    def __init__(
        self,
        *,
        alphas: int | Sequence[float] = 30,
        eps: float = 1e-3,
        cv: object = None,
        n_jobs: int | None = None,
        loss: str | Loss = "auto",
        fit_intercept: bool = True,
        normalisation: str = "mean",
        task_weight: object = None,
        max_iter: int = 5000,
        tol: float = 1e-6,
    ) -> None:
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.n_jobs = n_jobs
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.normalisation = normalisation
        self.task_weight = task_weight
        self.max_iter = max_iter
        self.tol = tol


class TraceNorm(Regressor, _TraceNorm):
    r"""Regression in which the tasks' coefficients lie in a common subspace.

    .. math:: \min_W L(W) + \lambda \|W\|_*

    with the sum of the singular values :math:`\|W\|_*`.

    Args:
        alpha: Strength :math:`\lambda` of the penalty.
        loss: "auto", a name or a `Loss`; see `Regressor` and `Classifier`.
        fit_intercept: Whether each task has an intercept, which is not penalised.
        normalisation: "mean" averages the loss of each task over its rows; "sum" adds it up.
        task_weight: A factor per task, in the order of ``tasks_`` or by name; None for 1.
        warm_start: Whether ``fit`` starts from the last solution.
        max_iter: Most iterations.
        tol: Optimality to reach, see ``optimality_``.

    Fitted: ``coef_`` ``(task, feature)``, ``intercept_`` and ``tasks_`` ``(task,)``, ``n_iter_``,
    ``dual_gap_``, and ``optimality_``, the gap relative to the loss without coefficients.
    ``rank_`` is the number of dimensions.

    References:
        Pong, Tseng, Ji, Ye. *Trace Norm Regularization: Reformulations, Algorithms, and Multi-Task
        Learning*, SIAM Journal on Optimization 2010.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> X, basis = rng.normal(size=(80, 6)), rng.normal(size=(6, 1))
        >>> Y = X @ basis @ rng.normal(size=(1, 4))
        >>> TraceNorm(0.1).fit(X, Y).rank_
        1
    """


class TraceNormClassifier(Classifier, _TraceNorm):
    """Classification with the penalty and the settings of `TraceNorm`."""


class TraceNormCV(Regressor, _TraceNormCV):
    """`TraceNorm` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = TraceNorm


class TraceNormClassifierCV(Classifier, _TraceNormCV):
    """`TraceNormClassifier` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = TraceNormClassifier
