"""Task relations, learned: which tasks' coefficients agree, oppose, or have nothing in common."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ramify._core import check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import Floats, ratio
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import SquaredTraceNorm
from ramify.linear.solvers import Solution, solve_spectral, telling_strength

_NOTHING = 1e-8  # length of coefficients, as a part of the longest, that is only rounding


@dataclass(eq=False, repr=False, kw_only=True)
class _TaskRelationship(SingleFit):
    task_affinity_: Floats = field(init=False)
    task_covariance_: Floats = field(init=False)

    ridge: float = 0.1
    max_iter: int = 5000

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        penalty = self._penalty(check_number("alpha", self.alpha, open_end=True))
        solution = solve_spectral(loss, penalty, start, self._control())
        learned = {
            "task_covariance_": _covariance(solution.coef),
            "task_affinity_": _correlation(solution.coef),
        }
        return replace(solution, learned=learned)

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return telling_strength(loss, self._penalty(1.0))

    def _penalty(self, alpha: float) -> SquaredTraceNorm:
        return SquaredTraceNorm(alpha, alpha * check_number("ridge", self.ridge))


@dataclass(eq=False, repr=False, kw_only=True)
class _TaskRelationshipCV(CrossValidated):
    _candidates = ("ridge",)

    task_affinity_: Floats = field(init=False)
    task_covariance_: Floats = field(init=False)

    alphas: int | Sequence[float] = 20
    eps: float = 1e-4
    ridge: float | Sequence[float] = 0.1
    max_iter: int = 5000


class TaskRelationship(Regressor, _TaskRelationship):
    r"""Regression that learns how tasks relate: alike, opposed, or unrelated.

    .. math:: \min_{W, \Omega} L(W) + \frac{\alpha \rho}{2} \|W\|_F^2
              + \frac{\alpha}{2} \mathrm{tr}(W^\top \Omega^{-1} W)
              \quad \text{with } \Omega \succeq 0,\ \mathrm{tr}\, \Omega \le 1

    for *W* ``(task, feature)`` and the covariance :math:`\Omega` ``(task, task)``; it is convex
    in both. The best :math:`\Omega` is :math:`(W W^\top)^{1/2}` divided by its trace, at which
    the last term is :math:`\frac{\alpha}{2} \|W\|_*^2`. It is solved in that form to a duality
    gap, so that no coupled system over all tasks is ever formed, nor any :math:`\Omega` inverted.
    Without the ridge the coefficients are those of `FeatureLearning`.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: :math:`\alpha`, above 0; the paper's :math:`\lambda_2`.
        ridge: :math:`\rho`, 0 or more; the paper's :math:`\lambda_1` is :math:`\alpha \rho`.

    Attributes:
        task_covariance_: :math:`\Omega`, ``(task, task)``, of trace 1 (0 if all coefficients are).
        task_affinity_: Correlations :math:`w_s^\top w_t / (\|w_s\| \|w_t\|)` in [−1, 1]: positive
            for tasks that agree, negative for opposites, 0 for unrelated ones. The paper reads them
            off :math:`\Omega`, which is a square root: coefficients of correlation .8 give .5 there.

    References:
        Zhang and Yeung. *A Convex Formulation for Learning Task Relationships in Multi-Task
        Learning*, UAI 2010.

    Example:
        >>> import numpy as np
        >>> from ramify.linear import TaskRelationship
        >>> rng = np.random.default_rng(0)
        >>> X, weights = rng.normal(size=(40, 6)), rng.normal(size=6)
        >>> model = TaskRelationship(alpha=0.01).fit(X, np.outer(X @ weights, [1, 1, -1]))
        >>> model.task_affinity_.round(2).tolist()[0]
        [1.0, 1.0, -1.0]
    """


class TaskRelationshipClassifier(Classifier, _TaskRelationship):
    """Classification that learns how tasks relate; see `TaskRelationship`."""


class TaskRelationshipCV(Regressor, _TaskRelationshipCV):
    """`TaskRelationship` with its strengths chosen by cross-validation."""

    _plain = TaskRelationship


class TaskRelationshipClassifierCV(Classifier, _TaskRelationshipCV):
    """`TaskRelationshipClassifier` with its strengths chosen by cross-validation."""

    _plain = TaskRelationshipClassifier


METHOD = Method(
    "task-relationship",
    TaskRelationship,
    TaskRelationshipClassifier,
    TaskRelationshipCV,
    TaskRelationshipClassifierCV,
)


def _covariance(coef: Floats) -> Floats:
    left, singular, _ = np.linalg.svd(coef, full_matrices=False)
    share = singular / max(float(singular.sum()), np.finfo(float).tiny)
    covariance: Floats = (left * share) @ left.T
    return covariance


def _correlation(coef: Floats) -> Floats:
    lengths = np.linalg.norm(coef, axis=1, keepdims=True)
    unit = ratio(coef, lengths * (lengths > _NOTHING * lengths.max()))
    correlation = unit @ unit.T
    np.fill_diagonal(correlation, 1.0)
    bounded: Floats = correlation.clip(-1, 1)
    return bounded
