"""Dirty models: features that all tasks share, and some that single tasks use."""

from collections.abc import Sequence
from dataclasses import replace

from ramify._core import check_number
from ramify.linear.estimators._base import SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.losses import Loss, SmoothLoss
from ramify.linear.penalties import EntryNorm, RowMaximum, SumOfParts
from ramify.linear.solvers import Solution, largest_strength, solve_penalised


class _Dirty(SingleFit):
    _most_condensed = 64

    def __init__(
        self,
        alpha: float = 0.1,
        *,
        entry_ratio: float | None = None,
        loss: str | Loss = "auto",
        fit_intercept: bool = True,
        normalisation: str = "mean",
        task_weight: object = None,
        warm_start: bool = False,
        max_iter: int = 2000,
        tol: float = 1e-6,
    ) -> None:
        self.alpha = alpha
        self.entry_ratio = entry_ratio
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.normalisation = normalisation
        self.task_weight = task_weight
        self.warm_start = warm_start
        self.max_iter = max_iter
        self.tol = tol

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha)
        penalty = self._penalty(alpha, loss.n_tasks)
        solution = solve_penalised(loss, penalty, alpha, start, self._control())
        shared, own = solution.split
        return replace(solution, learned={"shared_coef_": shared, "own_coef_": own})

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return largest_strength(loss, self._penalty(1.0, loss.n_tasks))

    def _penalty(self, alpha: float, n_tasks: int) -> SumOfParts:
        ratio = n_tasks**-0.5
        if self.entry_ratio is not None:
            ratio = check_number("entry_ratio", self.entry_ratio, open_end=True)
        return SumOfParts(RowMaximum(alpha), EntryNorm(alpha * ratio))


class _DirtyCV(CrossValidated):
    _candidates = ("entry_ratio",)

    def __init__(
        self,
        *,
        alphas: int | Sequence[float] = 30,
        eps: float = 1e-3,
        entry_ratio: float | Sequence[float | None] | None = None,
        cv: object = None,
        n_jobs: int | None = None,
        loss: str | Loss = "auto",
        fit_intercept: bool = True,
        normalisation: str = "mean",
        task_weight: object = None,
        max_iter: int = 2000,
        tol: float = 1e-6,
    ) -> None:
        self.alphas = alphas
        self.eps = eps
        self.entry_ratio = entry_ratio
        self.cv = cv
        self.n_jobs = n_jobs
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.normalisation = normalisation
        self.task_weight = task_weight
        self.max_iter = max_iter
        self.tol = tol


class Dirty(Regressor, _Dirty):
    r"""Regression with features that all tasks share, and others that single tasks use.

    .. math:: \min_{P, Q} L(P + Q) + \lambda \sum_j \max_t |p_{tj}| + \rho\lambda \sum_{tj} |q_{tj}|

    Args:
        alpha: Strength :math:`\lambda` of the penalty on the shared part.
        entry_ratio: Strength of the second penalty as a part of the first; strictly between 1/T
            and 1, else one of the parts is always zero. None for :math:`1/\sqrt T`.
        loss: "auto", a name or a `Loss`; see `Regressor` and `Classifier`.
        fit_intercept: Whether each task has an intercept, which is not penalised.
        normalisation: "mean" averages the loss of each task over its rows; "sum" adds it up.
        task_weight: A factor per task, in the order of ``tasks_`` or by name; None for 1.
        warm_start: Whether ``fit`` starts from the last solution.
        max_iter: Most iterations.
        tol: Optimality to reach, see ``optimality_``.

    Fitted: ``coef_`` ``(task, feature)``, ``intercept_`` and ``tasks_`` ``(task,)``, ``n_iter_``,
    ``dual_gap_``, and ``optimality_``, the gap relative to the loss without coefficients.
    ``shared_coef_`` and ``own_coef_`` are P and Q.

    References:
        Jalali, Ravikumar, Sanghavi, Ruan. *A Dirty Model for Multi-task Learning*, NIPS 2010.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> X, W = rng.normal(size=(80, 6)), np.zeros((6, 4))
        >>> W[0], W[3, 1] = 2.0, 2.0  # one shared feature, and one of the second task alone
        >>> Dirty(0.1).fit(X, X @ W).shared_coef_.any(axis=0)
        array([ True, False, False, False, False, False])
    """


class DirtyClassifier(Classifier, _Dirty):
    """Classification with the penalty and the settings of `Dirty`."""


class DirtyCV(Regressor, _DirtyCV):
    """`Dirty` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = Dirty


class DirtyClassifierCV(Classifier, _DirtyCV):
    """`DirtyClassifier` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = DirtyClassifier
