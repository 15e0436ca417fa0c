"""Graph-regularised models: tasks that a given graph joins are alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ramify._core import InputError, ShapeError, check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import Floats
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import TaskCoupling
from ramify.linear.solvers import Solution, solve_smooth


@dataclass(eq=False, repr=False, kw_only=True)
class _GraphRegularized(SingleFit):
    graph: object = None
    ridge: float = 0.01
    max_iter: int = 100

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha)
        ridge = check_number("ridge", self.ridge)
        laplacian = _laplacian(self.graph, loss.n_tasks)
        coupling = TaskCoupling(alpha * laplacian + ridge * np.eye(loss.n_tasks))
        first = None if start is None else start.coef
        return solve_smooth(loss, coupling, first, self._control())

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        largest = float(np.linalg.norm(_laplacian(self.graph, loss.n_tasks), 2))
        return 10 * loss.steepness() / largest if largest > 0 else 1.0


@dataclass(eq=False, repr=False, kw_only=True)
class _GraphRegularizedCV(CrossValidated):
    _candidates = ("ridge",)

    eps: float = 1e-5
    graph: object = None
    ridge: float | Sequence[float] = 0.01
    max_iter: int = 100


class GraphRegularized(Regressor, _GraphRegularized):
    r"""Regression in which tasks that a given graph joins have similar coefficients.

    .. math:: \min_W L(W) + \frac{\lambda}{2} \sum_{s < t} A_{st} \|w_s - w_t\|^2
              + \frac{\mu}{2} \|W\|^2

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: Strength :math:`\lambda` of the graph.
        graph: How strongly tasks are joined, ``(task, task)`` in the order of ``tasks_``,
            symmetric, 0 or more; the diagonal does not count. None joins all with 1/T.
        ridge: Strength :math:`\mu` of the penalty on all coefficients.

    References:
        Evgeniou, Micchelli, Pontil. *Learning Multiple Tasks with Kernel Methods*, JMLR 2005,
        section 3.1.3. Sheldon. *Graphical Multi-Task Learning*, 2008.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3))
        >>> graph = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])  # joins the first two
        >>> coef = GraphRegularized(1e6, graph=graph).fit(X, Y).coef_
        >>> bool(np.allclose(coef[0], coef[1], atol=1e-4)), bool(np.allclose(coef[1], coef[2], atol=0.01))
        (True, False)
    """


class GraphRegularizedClassifier(Classifier, _GraphRegularized):
    """Classification with the penalty and the settings of `GraphRegularized`."""


class GraphRegularizedCV(Regressor, _GraphRegularizedCV):
    """`GraphRegularized` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = GraphRegularized


class GraphRegularizedClassifierCV(Classifier, _GraphRegularizedCV):
    """`GraphRegularizedClassifier` with its strength chosen by cross-validation; see `CrossValidated`."""

    _plain = GraphRegularizedClassifier


METHOD = Method(
    "graph",
    GraphRegularized,
    GraphRegularizedClassifier,
    GraphRegularizedCV,
    GraphRegularizedClassifierCV,
)


def _laplacian(graph: object, n_tasks: int) -> Floats:
    if graph is None:
        return np.eye(n_tasks) - 1 / n_tasks
    try:
        joined = np.array(graph, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "must be a matrix of numbers", argument="graph", got=str(type(graph))
        ) from None
    if joined.shape != (n_tasks, n_tasks):
        raise ShapeError(
            f"must be (task, task), {(n_tasks, n_tasks)}",
            argument="graph",
            got=f"shape {joined.shape}",
        )
    np.fill_diagonal(joined, 0.0)
    if not np.isfinite(joined).all() or (joined < 0).any() or not np.allclose(joined, joined.T):
        raise InputError(
            "must be finite, symmetric, and 0 or more", argument="graph", got="another matrix"
        )
    laplacian: Floats = np.diag(joined.sum(axis=1)) - joined
    return laplacian
