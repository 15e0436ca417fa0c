"""Which tasks share a subspace: annealed groups, moves of single tasks, and the search from several starts."""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from ramify.linear.inputs import Floats, Integers
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import ClusterPenalty, GroupedTraceNorm, SquaredTraceNorm
from ramify.linear.solvers._admm import solve_spectral
from ramify.linear.solvers._solution import Control, Solution

_MOST_ROUNDS = 50


def cluster_matrix(coef: Floats, penalty: ClusterPenalty) -> Floats:
    r"""The best *M* ``(task, task)`` for given coefficients, of trace at most *r*.

    Its eigenvalues are 1 for the constant vector and :math:`(\theta_i - 1/\varepsilon_W) /
    (1/\varepsilon_B - 1/\varepsilon_W)` for the left singular vectors of the centred coefficients.

    Args:
        coef: Coefficients ``(task, feature)``.
        penalty: The penalty that they were fitted with.
    """
    n_tasks = len(coef)
    left, singular, _ = np.linalg.svd(coef - coef.mean(axis=0), full_matrices=False)
    low, high = 1 / penalty.within, 1 / penalty.between
    share = np.zeros_like(singular)
    if high > low:
        share = (penalty.variances(singular) - low) / (high - low)
    matrix: Floats = 1 / n_tasks + (left * share) @ left.T
    return matrix


def clusters_of(matrix: Floats, n_clusters: int) -> Integers:
    """For each task its cluster, at most ``n_clusters`` of them.

    Ward's tree on the leading eigenvectors, each scaled by the root of its eigenvalue, then
    Lloyd's k-means from there; so nothing is drawn at random.

    Args:
        matrix: *M*, ``(task, task)``, symmetric.
        n_clusters: How many are asked for.
    """
    if n_clusters == 1 or len(matrix) == 1:
        return np.zeros(len(matrix), dtype=np.intp)
    values, vectors = np.linalg.eigh(matrix)
    rows = vectors[:, -n_clusters:] * np.sqrt(values[-n_clusters:].clip(min=0))
    # Distances, because rows that happen to look like a distance matrix would be warned of.
    labels = fcluster(linkage(pdist(rows), "ward"), n_clusters, "maxclust") - 1
    return in_order_of_appearance(_lloyd(rows, labels.astype(np.intp)))


def in_order_of_appearance(labels: Integers) -> Integers:
    """The same groups, numbered in the order of their first members."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _lloyd(rows: Floats, labels: Integers) -> Integers:
    for _ in range(_MOST_ROUNDS):
        centres = np.stack([rows[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
        nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        if (nearest == labels).all() or len(np.unique(nearest)) < len(centres):
            break
        labels = nearest
    return labels


_N_ROUNDS = 40
_FIRST_MEMBERSHIP = 0.8
_COARSE, _FINE = 0.1, 1e-3
_WARM, _COLD = 0.3, 0.01
_GAIN = 1e-7
_ROUGH = 1e-4
_MOST_PASSES = 20
_MOST_ENTRIES = 30_000_000


def annealed_groups(
    blocks: Floats,
    linear: Floats,
    alpha: float,
    coef: Floats,
    start: Integers,
    n_groups: int,
) -> Integers:
    r"""Groups that come out of softer and softer memberships, by turns with the coefficients.

    For memberships :math:`q_{gt}`, which sum to 1 over the groups, the penalty is the least of

    .. math:: \frac{\alpha}{2} \sum_{gt} q_{gt}\, w_t^\top D_g^{-1} w_t + \tau \sum_{gt} q_{gt} \log q_{gt}

    over positive :math:`D_g` of trace 1. Each of :math:`D_g`, :math:`q` and *W* has a closed form
    given the others. The penalty is concave in *q*, so that its minimum is hard; the entropy, of
    which less and less is taken, lets tasks change their group on the way.

    Args:
        blocks: Second derivatives of the loss, one for all tasks or one each, stacked in front.
        linear: The quadratic model's linear part, ``(task, feature)``.
        alpha: Strength.
        coef: Where to start, ``(task, feature)``.
        start: The groups that tasks lean to at first, ``(task,)``.
        n_groups: How many groups.
    """
    n_tasks = len(coef)
    others = (1 - _FIRST_MEMBERSHIP) / max(n_groups - 1, 1)
    members = np.where(start == np.arange(n_groups)[:, None], _FIRST_MEMBERSHIP, others)
    size = float(np.linalg.norm(coef, 2)) / np.sqrt(n_tasks)
    if size == 0:
        return start
    for share in np.linspace(0, 1, _N_ROUNDS):
        metrics = _metrics(coef, members, size * _between(_COARSE, _FINE, share))
        costs = _costs(coef, metrics)
        members = _softest(costs, _between(_WARM, _COLD, share))
        pulls: Floats = alpha * np.tensordot(members.T, metrics, axes=1)
        coef = np.linalg.solve(blocks + pulls, linear[:, :, None])[:, :, 0].astype(np.float64)
    hardened: Integers = members.argmax(axis=0)
    return hardened


def moved_groups(coef: Floats, groups: Integers, n_groups: int) -> Integers:
    """Groups after one pass over the tasks, each moved to where the penalty falls the most.

    The coefficients stay, so that the objective cannot rise.

    Args:
        coef: ``(task, feature)``.
        groups: For each task its group.
        n_groups: How many groups there may be.
    """
    groups = groups.copy()
    # Turned to the axes of their span: the same products between tasks, of fewer features.
    left, singular, _ = np.linalg.svd(coef, full_matrices=False)
    coef = left * singular
    grams = np.stack([coef[groups == g].T @ coef[groups == g] for g in range(n_groups)])
    sizes = _squared_trace_norms(grams)
    least = _GAIN * sizes.sum()
    for task, row in enumerate(coef):
        outer, own = np.outer(row, row), groups[task]
        changed = grams + outer
        changed[own] = grams[own] - outer
        after = _squared_trace_norms(changed)
        rise = after - sizes
        rise[own] = 0.0
        rise += np.where(np.arange(n_groups) == own, 0.0, after[own] - sizes[own])
        best = int(rise.argmin())
        if rise[best] < -least:
            for group in (own, best):
                grams[group], sizes[group] = changed[group], after[group]
            groups[task] = best
    return groups


def _metrics(coef: Floats, members: Floats, floor: float) -> Floats:
    """The inverse of the best *D* of each group, ``(group, feature, feature)``."""
    grams = np.einsum("gt,tp,tq->gpq", members, coef, coef, optimize=True)
    values, vectors = np.linalg.eigh(grams)
    singular = np.sqrt(values.clip(min=0) + floor**2)
    inverse = singular.sum(axis=1)[:, None] / singular
    metrics: Floats = (vectors * inverse[:, None, :]) @ vectors.swapaxes(1, 2)
    return metrics


def _costs(coef: Floats, metrics: Floats) -> Floats:
    """What a task costs in a group, ``(group, task)``."""
    costs: Floats = np.einsum("gtp,tp->gt", coef @ metrics, coef)
    return costs


def _softest(costs: Floats, warmth: float) -> Floats:
    """Memberships at a temperature relative to how much the groups differ for a typical task."""
    above = costs - costs.min(axis=0)
    temperature = max(warmth * float(np.median(above.max(axis=0))), np.finfo(float).tiny)
    members = np.exp(-np.minimum(above / temperature, 700.0))
    softest: Floats = members / members.sum(axis=0)
    return softest


def _squared_trace_norms(grams: Floats) -> Floats:
    values = np.linalg.eigvalsh(grams).clip(min=0)
    squared: Floats = np.sqrt(values).sum(axis=-1) ** 2
    return squared


def _between(first: float, last: float, share: float) -> float:
    return float(first ** (1 - share) * last**share)


@dataclass(frozen=True)
class Grouped:
    """Coefficients with the groups that they were fitted in.

    Args:
        solution: The coefficients.
        groups: For each task its group, ``(task,)``.
        objective: Loss plus penalty.
    """

    solution: Solution
    groups: Integers
    objective: float


class GroupSearch:
    """Looks for the groups that give the lowest objective.

    Args:
        loss: The loss.
        alpha: Strength.
        n_groups: How many groups there may be.
        control: When to stop.
        start: The solution of a similar problem, or None.
    """

    def __init__(
        self,
        loss: SmoothLoss,
        alpha: float,
        n_groups: int,
        control: Control,
        start: Solution | None,
    ) -> None:
        self.loss = loss
        self.alpha = alpha
        self.n_groups = n_groups
        self.control = control
        # Many groupings are only compared, which needs no precise coefficients.
        self._rough = Control(max(control.tol, _ROUGH), control.max_iter)
        self._together = solve_spectral(loss, SquaredTraceNorm(alpha), start, self._rough)
        self._reduce(self._together.coef)

    def from_random(self, rng: np.random.Generator) -> Grouped:
        """Anneal from random groups, then move single tasks while that helps."""
        if self.n_groups == 1:
            return self.from_groups(np.zeros(self.loss.n_tasks, dtype=np.intp), self._together)
        start = rng.integers(self.n_groups, size=self.loss.n_tasks)
        coef = self._together.coef @ self._directions
        groups = annealed_groups(self._blocks, self._linear, self.alpha, coef, start, self.n_groups)
        return self.from_groups(groups, self._together)

    def from_groups(self, groups: Integers, start: Solution) -> Grouped:
        """Fit in the groups and move single tasks, by turns; the objective never rises."""
        found = self.fitted(groups, start, self._rough)
        for _ in range(_MOST_PASSES):
            moved = moved_groups(found.solution.coef, found.groups, self.n_groups)
            if (moved == found.groups).all():
                break
            candidate = self.fitted(moved, found.solution, self._rough)
            if candidate.objective >= found.objective:
                break
            found = candidate
        return found

    def fitted(self, groups: Integers, start: Solution, control: Control) -> Grouped:
        """The coefficients for given groups; a convex problem."""
        penalty = GroupedTraceNorm(self.alpha, groups)
        solution = solve_spectral(self.loss, penalty, start, control)
        objective = self.loss.value(solution.coef) + penalty.value(solution.coef)
        return Grouped(solution, in_order_of_appearance(groups), objective)

    def _reduce(self, coef: Floats) -> None:
        """The loss's quadratic model in the directions that the tasks use together."""
        _, singular, right = np.linalg.svd(coef, full_matrices=False)
        most = int(np.sqrt(_MOST_ENTRIES / len(coef)))
        used = (singular > 1e-6 * singular.max(initial=0.0)) & (np.arange(len(singular)) < most)
        self._directions = right[used].T if used.any() else right[:1].T
        curvature = self.loss.curvature(coef)
        columns = [
            curvature(np.broadcast_to(direction, coef.shape)) @ self._directions
            for direction in self._directions.T
        ]
        self._blocks = np.stack(columns, axis=-1)
        slope = curvature(coef) - self.loss.value_and_gradient(coef)[1]
        self._linear = slope @ self._directions
