"""Dirty models: features that all tasks share, and some that single tasks use."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

from ramify._core import check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import EntryNorm, RowMaximum, SumOfParts
from ramify.linear.solvers import Solution, largest_strength, solve_penalised


@dataclass(eq=False, repr=False)
class _Dirty(SingleFit):
    _most_condensed = 64

    alpha: float = 0.1
    _: KW_ONLY
    entry_ratio: float | None = None
    max_iter: int = 10_000

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


@dataclass(eq=False, repr=False, kw_only=True)
class _DirtyCV(CrossValidated):
    _candidates = ("entry_ratio",)

    entry_ratio: float | Sequence[float | None] | None = None
    max_iter: int = 10_000


class Dirty(Regressor, _Dirty):
    r"""Regression with features that all tasks share, and others that single tasks use.

    .. math:: \min_{P, Q} L(P + Q) + \lambda \sum_j \max_t |p_{tj}| + \rho\lambda \sum_{tj} |q_{tj}|

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: Strength :math:`\lambda` of the penalty on the shared part.
        entry_ratio: Strength of the second penalty as a part of the first; strictly between 1/T
            and 1, else one of the parts is always zero. None for :math:`1/\sqrt T`.

    Attributes:
        shared_coef_: P, ``(task, feature)``.
        own_coef_: Q, ``(task, feature)``.

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


METHOD = Method("dirty", Dirty, DirtyClassifier, DirtyCV, DirtyClassifierCV)
