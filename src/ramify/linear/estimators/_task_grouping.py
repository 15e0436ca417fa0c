"""Learning with whom to share: groups of tasks, each with features of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.utils import check_random_state

from ramify._core import check_count, check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import Floats, Integers
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import SquaredTraceNorm
from ramify.linear.solvers import GroupSearch, Solution, telling_strength

RandomState = int | np.random.RandomState | None


@dataclass(eq=False, repr=False, kw_only=True)
class _TaskGrouping(SingleFit):
    groups_: Integers = field(init=False)
    task_affinity_: Floats = field(init=False)

    n_groups: int = 2
    n_init: int = 5
    random_state: RandomState = 0
    max_iter: int = 5000

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha, open_end=True)
        n_groups = min(check_count("n_groups", self.n_groups), loss.n_tasks)
        n_init = check_count("n_init", self.n_init)
        seed = check_random_state(self.random_state).randint(2**31)
        rng = np.random.default_rng(seed)
        search = GroupSearch(loss, alpha, n_groups, self._control(), start)
        # Along a path the last groups are a good start, and one fresh one is enough beside them.
        known = None if start is None else start.learned["groups_"]
        n_fresh = n_init if known is None and n_groups > 1 else 1
        found = [search.from_random(rng) for _ in range(n_fresh)]
        if start is not None and isinstance(known, np.ndarray):
            found.append(search.from_groups(np.minimum(known, n_groups - 1), start))
        best = min(found, key=lambda each: each.objective)
        final = search.fitted(best.groups, best.solution, self._control())
        same = (best.groups[:, None] == best.groups).astype(np.float64)
        learned = {"groups_": best.groups, "task_affinity_": same}
        return replace(final.solution, learned=learned)

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        return telling_strength(loss, SquaredTraceNorm(1.0))


@dataclass(eq=False, repr=False, kw_only=True)
class _TaskGroupingCV(CrossValidated):
    _candidates = ("n_groups",)

    groups_: Integers = field(init=False)
    task_affinity_: Floats = field(init=False)

    alphas: int | Sequence[float] = 20
    eps: float = 1e-4
    n_groups: int | Sequence[int] = 2
    n_init: int = 5
    random_state: RandomState = 0
    max_iter: int = 5000


class TaskGrouping(Regressor, _TaskGrouping):
    r"""Regression that learns which tasks share features with which.

    .. math:: \min_{W, g} L(W) + \frac{\alpha}{2} \sum_{k=1}^{G} \|W_{\{t: g_t = k\}}\|_*^2

    Within a group it is `FeatureLearning`; a task that would need directions of its own in one
    group goes to another. The objective is not convex in the groups: from each random start,
    memberships in [0, 1] are hardened by annealing, then single tasks are moved while the
    objective falls, and the best start is kept. The paper descends along the gradient of the
    memberships; since the penalty is concave in them, each of our turns takes their minimum
    instead, with an entropy that fades. For a loss that is not squared, annealing sees its
    quadratic model; moves and coefficients see the loss.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: :math:`\alpha`, above 0. Towards 0 every task stands alone.
        n_groups: *G*; as many as there are tasks if they are fewer. 1 is `FeatureLearning`.
        n_init: Random starts. A warm start takes one beside the last groups.
        random_state: Of the starts.

    Attributes:
        groups_: For each task its group, ``(task,)``, numbered in the order of their first tasks.
        task_affinity_: 1 for two tasks of one group, else 0, ``(task, task)``.
        dual_gap_: How far the objective is at most above its minimum for these groups; other
            groups may be better still.

    References:
        Kang, Grauman and Sha. *Learning with Whom to Share in Multi-task Feature Learning*, ICML
        2011.

    Example:
        >>> import numpy as np
        >>> from ramify.linear import TaskGrouping
        >>> rng = np.random.default_rng(0)
        >>> X, directions = rng.normal(size=(60, 6)), rng.normal(size=(2, 6))
        >>> Y = X @ directions[[0, 1, 1, 0]].T * [1, 2, -1, -1]
        >>> TaskGrouping(alpha=0.1).fit(X, Y).groups_.tolist()
        [0, 1, 1, 0]
    """


class TaskGroupingClassifier(Classifier, _TaskGrouping):
    """Classification that learns which tasks share features with which; see `TaskGrouping`."""


class TaskGroupingCV(Regressor, _TaskGroupingCV):
    """`TaskGrouping` with its strength and number of groups chosen by cross-validation."""

    _plain = TaskGrouping


class TaskGroupingClassifierCV(Classifier, _TaskGroupingCV):
    """`TaskGroupingClassifier` with its settings chosen by cross-validation."""

    _plain = TaskGroupingClassifier


METHOD = Method(
    "task-grouping", TaskGrouping, TaskGroupingClassifier, TaskGroupingCV, TaskGroupingClassifierCV
)
