"""The search for groups and coefficients together, from several starts."""

from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats, Integers
from ramify.linear.losses import SmoothLoss
from ramify.linear.penalties import GroupedTraceNorm, SquaredTraceNorm
from ramify.linear.solvers._admm import solve_spectral
from ramify.linear.solvers._cluster_readout import in_order_of_appearance
from ramify.linear.solvers._group_annealing import annealed_groups, moved_groups
from ramify.linear.solvers._solution import Control, Solution

_ROUGH = 1e-4
_MOST_PASSES = 20
_MOST_ENTRIES = 30_000_000


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
        """The loss's parabola in the directions that the tasks use together."""
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
