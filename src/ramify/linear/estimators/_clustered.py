"""Clustered tasks: few groups of tasks that lie near their group's mean, by a convex relaxation."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ramify._core import InputError, check_count, check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import Floats, Integers
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import ClusterPenalty
from ramify.linear.solvers import (
    Solution,
    cluster_matrix,
    clusters_of,
    solve_spectral,
    telling_strength,
)


@dataclass(eq=False, repr=False, kw_only=True)
class _ClusteredTasks(SingleFit):
    groups_: Integers = field(init=False)
    task_affinity_: Floats = field(init=False)

    n_clusters: int = 2
    between: float = 0.1
    mean: float = 0.01
    max_iter: int = 5000

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha, open_end=True)
        penalty = self._penalty(alpha, loss.n_tasks)
        solution = solve_spectral(loss, penalty, start, self._control())
        matrix = cluster_matrix(solution.coef, penalty)
        groups = clusters_of(matrix, penalty.n_clusters)
        return replace(solution, learned={"task_affinity_": matrix, "groups_": groups})

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return telling_strength(loss, self._penalty(1.0, loss.n_tasks))

    def _penalty(self, alpha: float, n_tasks: int) -> ClusterPenalty:
        n_clusters = min(check_count("n_clusters", self.n_clusters), n_tasks)
        between = check_number("between", self.between, open_end=True)
        mean = check_number("mean", self.mean, open_end=True)
        if not mean <= between <= 1:
            raise InputError(
                "must be at most `between`, and `between` at most 1",
                argument="mean",
                got=f"{mean:g} and {between:g}",
            )
        return ClusterPenalty(alpha * mean, alpha * between, alpha, n_clusters)


@dataclass(eq=False, repr=False, kw_only=True)
class _ClusteredTasksCV(CrossValidated):
    _candidates = ("n_clusters", "between", "mean")

    groups_: Integers = field(init=False)
    task_affinity_: Floats = field(init=False)

    alphas: int | Sequence[float] = 20
    eps: float = 1e-4
    n_clusters: int | Sequence[int] = 2
    between: float | Sequence[float] = 0.1
    mean: float | Sequence[float] = 0.01
    max_iter: int = 5000


class ClusteredTasks(Regressor, _ClusteredTasks):
    r"""Regression in which tasks form few clusters, which are learned.

    For clusters of :math:`T_c` tasks with mean :math:`\bar w_c`, the penalty would be half of

    .. math:: \varepsilon_M T \|\bar w\|^2
              + \varepsilon_B \sum_c T_c \|\bar w_c - \bar w\|^2
              + \varepsilon_W \sum_c \sum_{t \in c} \|w_t - \bar w_c\|^2

    With the projection *M* onto indicators of clusters, and *U* onto constants, it is
    :math:`\mathrm{tr}(W^\top [\varepsilon_M U + \varepsilon_B (M - U) + \varepsilon_W (I - M)] W)`
    for *W* ``(task, feature)``. Projections of rank *r* that keep constants are relaxed to all
    symmetric *M* between *U* and *I* of trace *r*, which makes the problem convex in *W* and *M*.
    The best *M* has the left singular vectors of the centred *W*, and its eigenvalues have a
    closed form; what is minimised over *W* is then a spectral penalty, solved to a duality gap.

    No gradient in *M* is needed. Where the objective is
    :math:`c\, \mathrm{tr}(W^\top (\eta I + M)^{-1} W)` as in MALSAR, it is the symmetric
    :math:`-c (\eta I + M)^{-1} W W^\top (\eta I + M)^{-1}`; MALSAR has
    :math:`W W^\top (\eta I + M)^{-2}`, which equals it only where *M* and :math:`W W^\top`
    commute. They do at our *M*.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: :math:`\varepsilon_W`, above 0: how near tasks lie to their cluster's mean.
        n_clusters: *r*; as many as there are tasks if they are fewer.
        between: :math:`\varepsilon_B / \varepsilon_W`, at most 1.
        mean: :math:`\varepsilon_M / \varepsilon_W`, above 0 and at most ``between``.

    Attributes:
        task_affinity_: *M*, ``(task, task)``. For clear clusters 1 / (size of the cluster) within
            one, 0 across.
        groups_: For each task its cluster, ``(task,)``, by k-means on the leading eigenvectors
            of *M*; numbered in the order of their first tasks.

    References:
        Jacob, Bach and Vert. *Clustered Multi-Task Learning: A Convex Formulation*, NIPS 2008;
        the penalty there is twice ours. Zhou, Chen and Ye. *MALSAR: Multi-Task Learning via
        Structural Regularization*, 2012.

    Example:
        >>> import numpy as np
        >>> from ramify.linear import ClusteredTasks
        >>> rng = np.random.default_rng(0)
        >>> X, centres = rng.normal(size=(60, 6)), rng.normal(size=(2, 6))
        >>> Y = X @ centres[[0, 1, 1, 0]].T
        >>> ClusteredTasks(n_clusters=2).fit(X, Y).groups_.tolist()
        [0, 1, 1, 0]
    """


class ClusteredTasksClassifier(Classifier, _ClusteredTasks):
    """Classification in which tasks form few clusters, learned; see `ClusteredTasks`."""


class ClusteredTasksCV(Regressor, _ClusteredTasksCV):
    """`ClusteredTasks` with its strengths and number of clusters chosen by cross-validation."""

    _plain = ClusteredTasks


class ClusteredTasksClassifierCV(Classifier, _ClusteredTasksCV):
    """`ClusteredTasksClassifier` with its settings chosen by cross-validation."""

    _plain = ClusteredTasksClassifier


METHOD = Method(
    "clustered",
    ClusteredTasks,
    ClusteredTasksClassifier,
    ClusteredTasksCV,
    ClusteredTasksClassifierCV,
)
