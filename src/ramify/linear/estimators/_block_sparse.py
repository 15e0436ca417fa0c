"""Block-sparse models: all tasks choose the same features."""

from collections.abc import Sequence

import numpy as np

from ramify._core import check_number
from ramify.linear.estimators._base import SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import check_choice
from ramify.linear.losses import Loss, SmoothLoss
from ramify.linear.penalties import EntryNorm, Penalty, RowMaximum, RowNorm
from ramify.linear.solvers import Solution, largest_strength, solve_penalised

_NORMS: dict[float, type[EntryNorm] | type[RowNorm] | type[RowMaximum]] = {
    1: EntryNorm,
    2: RowNorm,
    np.inf: RowMaximum,
}


class _BlockSparse(SingleFit):
    _most_condensed = 64

    def __init__(
        self,
        alpha: float = 0.1,
        *,
        q: float = 2,
        loss: str | Loss = "auto",
        fit_intercept: bool = True,
        normalisation: str = "mean",
        task_weight: object = None,
        warm_start: bool = False,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.alpha = alpha
        self.q = q
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.normalisation = normalisation
        self.task_weight = task_weight
        self.warm_start = warm_start
        self.max_iter = max_iter
        self.tol = tol

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha)
        return solve_penalised(loss, self._penalty(alpha), alpha, start, self._control())

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return largest_strength(loss, self._penalty(1.0))

    def _penalty(self, alpha: float) -> Penalty:
        check_choice("q", self.q, (1, 1.0, 2, 2.0, np.inf))
        return _NORMS[self.q](alpha)


class _BlockSparseCV(CrossValidated):
    _candidates = ("q",)

    def __init__(
        self,
        *,
        alphas: int | Sequence[float] = 30,
        eps: float = 1e-3,
        q: float | Sequence[float] = 2,
        cv: object = None,
        n_jobs: int | None = None,
        loss: str | Loss = "auto",
        fit_intercept: bool = True,
        normalisation: str = "mean",
        task_weight: object = None,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.alphas = alphas
        self.eps = eps
        self.q = q
        self.cv = cv
        self.n_jobs = n_jobs
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.normalisation = normalisation
        self.task_weight = task_weight
        self.max_iter = max_iter
        self.tol = tol


class BlockSparse(Regressor, _BlockSparse):
    r"""Regression in which the tasks share the features that they use.

    .. math:: \min_W L(W) + \lambda \sum_j \|w_{\cdot j}\|_q

    For q = 2, full targets and the defaults this is scikit-learn's MultiTaskLasso.

    Args:
        alpha: Strength :math:`\lambda` of the penalty.
        q: 1, 2 or ``numpy.inf``. With 1 each task chooses on its own (the lasso).
        loss: "auto", a name or a `Loss`; see `Regressor` and `Classifier`.
        fit_intercept: Whether each task has an intercept, which is not penalised.
        normalisation: "mean" averages the loss of each task over its rows; "sum" adds it up.
        task_weight: A factor per task, in the order of ``tasks_`` or by name; None for 1.
        warm_start: Whether ``fit`` starts from the last solution.
        max_iter: Most iterations.
        tol: Optimality to reach, see ``optimality_``.

    Fitted: ``coef_`` ``(task, feature)``, ``intercept_`` and ``tasks_`` ``(task,)``, ``n_iter_``,
    ``dual_gap_``, and ``optimality_``, the gap relative to the loss without coefficients.

    References:
        Obozinski, Taskar, Jordan. *Joint Covariate Selection and Joint Subspace Selection for
        Multiple Classification Problems*, Statistics and Computing 2010 (q = 2). Turlach, Venables,
        Wright. *Simultaneous Variable Selection*, Technometrics 2005 (q = ∞).

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> Y = X[:, :2] @ np.array([[1.0, 2.0], [3.0, 1.0]])
        >>> BlockSparse(0.1).fit(X, Y).coef_.any(axis=0)
        array([ True,  True, False, False, False, False])
    """


class BlockSparseClassifier(Classifier, _BlockSparse):
    """Classification with the penalty and the settings of `BlockSparse`."""


class BlockSparseCV(Regressor, _BlockSparseCV):
    """`BlockSparse` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = BlockSparse


class BlockSparseClassifierCV(Classifier, _BlockSparseCV):
    """`BlockSparseClassifier` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = BlockSparseClassifier
