"""Trace-norm models: the tasks' coefficients lie in a subspace of few dimensions."""

from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from ramify._core import check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import TraceNormPenalty, singular_values
from ramify.linear.solvers import Solution, solve_spectral, solve_unpenalised


@dataclass(eq=False, repr=False)
class _TraceNorm(SingleFit):
    alpha: float = 0.1
    _: KW_ONLY
    max_iter: int = 5000

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha)
        if alpha > 0:
            solution = solve_spectral(loss, TraceNormPenalty(alpha), start, self._control())
        else:
            first = None if start is None else start.coef
            solution = solve_unpenalised(loss, first, self._control())
        rank = int(np.linalg.matrix_rank(solution.coef))
        return replace(solution, learned={"rank_": rank})

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return float(singular_values(loss.at_zero[1])[0])


@dataclass(eq=False, repr=False, kw_only=True)
class _TraceNormCV(CrossValidated):
    max_iter: int = 5000


class TraceNorm(Regressor, _TraceNorm):
    r"""Regression in which the tasks' coefficients lie in a common subspace.

    .. math:: \min_W L(W) + \lambda \|W\|_*

    with the sum of the singular values :math:`\|W\|_*`.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: Strength :math:`\lambda` of the penalty.

    Attributes:
        rank_: The number of dimensions.

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


METHOD = Method("trace-norm", TraceNorm, TraceNormClassifier, TraceNormCV, TraceNormClassifierCV)
