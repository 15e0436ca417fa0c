"""Block-sparse models: all tasks choose the same features."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ramify._core import check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import check_choice
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import EntryNorm, Penalty, RowMaximum, RowNorm
from ramify.linear.solvers import Solution, largest_strength, solve_penalised

_NORMS: dict[float, type[EntryNorm] | type[RowNorm] | type[RowMaximum]] = {
    1: EntryNorm,
    2: RowNorm,
    np.inf: RowMaximum,
}


@dataclass(eq=False, repr=False)
class _BlockSparse(SingleFit):
    _most_condensed = 64

    alpha: float = 0.1
    _: KW_ONLY
    q: float = 2
    max_iter: int = 5000

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha)
        return solve_penalised(loss, self._penalty(alpha), alpha, start, self._control())

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return largest_strength(loss, self._penalty(1.0))

    def _penalty(self, alpha: float) -> Penalty:
        check_choice("q", self.q, (1, 1.0, 2, 2.0, np.inf))
        return _NORMS[self.q](alpha)


@dataclass(eq=False, repr=False, kw_only=True)
class _BlockSparseCV(CrossValidated):
    _candidates = ("q",)

    q: float | Sequence[float] = 2
    max_iter: int = 5000


class BlockSparse(Regressor, _BlockSparse):
    r"""Regression in which the tasks share the features that they use.

    .. math:: \min_W L(W) + \lambda \sum_j \|w_{\cdot j}\|_q

    For q = 2, full targets and the defaults this is scikit-learn's MultiTaskLasso.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: Strength :math:`\lambda` of the penalty.
        q: 1, 2 or ``numpy.inf``. With 1 each task chooses on its own (the lasso).

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


METHOD = Method(
    "block-sparse", BlockSparse, BlockSparseClassifier, BlockSparseCV, BlockSparseClassifierCV
)
