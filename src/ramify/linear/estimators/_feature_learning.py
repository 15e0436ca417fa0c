"""Feature learning: tasks that use few, common directions of the feature space."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ramify._core import check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import Floats
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import SquaredTraceNorm
from ramify.linear.solvers import Solution, solve_spectral, telling_strength


@dataclass(eq=False, repr=False, kw_only=True)
class _FeatureLearning(SingleFit):
    components_: Floats = field(init=False)
    shares_: Floats = field(init=False)

    max_iter: int = 5000

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        penalty = SquaredTraceNorm(check_number("alpha", self.alpha, open_end=True))
        solution = solve_spectral(loss, penalty, start, self._control())
        components, shares = _directions(solution.coef)
        return replace(solution, learned={"components_": components, "shares_": shares})

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return telling_strength(loss, SquaredTraceNorm(1.0))


@dataclass(eq=False, repr=False, kw_only=True)
class _FeatureLearningCV(CrossValidated):
    components_: Floats = field(init=False)
    shares_: Floats = field(init=False)

    alphas: int | Sequence[float] = 20
    eps: float = 1e-4
    max_iter: int = 5000


class FeatureLearning(Regressor, _FeatureLearning):
    r"""Regression in which all tasks use few directions of the feature space, which are learned.

    .. math:: \min_{W, D} L(W) + \frac{\alpha}{2} \mathrm{tr}(W D^{-1} W^\top)
              \quad \text{with } D \succeq 0,\ \mathrm{tr} D \le 1

    for *W* ``(task, feature)`` and *D* ``(feature, feature)``. The best *D* is
    :math:`(W^\top W)^{1/2}` divided by its trace, at which the penalty is
    :math:`\frac{\alpha}{2} \|W\|_*^2`; so the problem is convex, and it is solved in that form to
    a duality gap instead of by the paper's turns between *W* and *D*, which may come to a halt
    where a direction was lost. With coefficients as columns *D* is the root of
    :math:`W W^\top`; the survey of Zhang and Yang prints :math:`W^\top W`, which has the shape of
    tasks. Every *D* is shared by all tasks, so more tasks give better directions.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: :math:`\alpha`, above 0. Towards 0 every task stands alone.

    Attributes:
        components_: Orthonormal directions that are used, ``(direction, feature)``.
        shares_: Their shares of the trace norm, the eigenvalues of *D*; they sum to 1.

    References:
        Argyriou, Evgeniou and Pontil. *Convex Multi-Task Feature Learning*, Machine Learning
        2008. Zhang and Yang. *A Survey on Multi-Task Learning*, arXiv 1707.08114.

    Example:
        >>> import numpy as np
        >>> from ramify.linear import FeatureLearning
        >>> rng = np.random.default_rng(0)
        >>> X, direction = rng.normal(size=(40, 6)), rng.normal(size=6)
        >>> Y = np.outer(X @ direction, [1, -2, 3])
        >>> len(FeatureLearning(alpha=0.01).fit(X, Y).components_)
        1
    """


class FeatureLearningClassifier(Classifier, _FeatureLearning):
    """Classification in which all tasks use few directions, learned; see `FeatureLearning`."""


class FeatureLearningCV(Regressor, _FeatureLearningCV):
    """`FeatureLearning` with its strength chosen by cross-validation."""

    _plain = FeatureLearning


class FeatureLearningClassifierCV(Classifier, _FeatureLearningCV):
    """`FeatureLearningClassifier` with its strength chosen by cross-validation."""

    _plain = FeatureLearningClassifier


METHOD = Method(
    "feature-learning",
    FeatureLearning,
    FeatureLearningClassifier,
    FeatureLearningCV,
    FeatureLearningClassifierCV,
)


def _directions(coef: Floats) -> tuple[Floats, Floats]:
    _, singular, right = np.linalg.svd(coef, full_matrices=False)
    used = singular > 1e-10 * singular.max(initial=0.0)
    return right[used], singular[used] / max(singular.sum(), np.finfo(float).tiny)
