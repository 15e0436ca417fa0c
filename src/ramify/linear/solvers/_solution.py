"""What a solver is told, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ramify.linear.inputs import Floats


@dataclass(frozen=True)
class Control:
    """When a solver stops.

    Args:
        tol: Largest optimality that counts as solved, relative as the solver says.
        max_iter: Most iterations.
    """

    tol: float = 1e-6
    max_iter: int = 1000


@dataclass(frozen=True)
class Solution:
    """What a solver found.

    Args:
        coef: ``(task, feature)``.
        n_iter: Iterations that were made.
        optimality: What stopping was judged by: 0 at the exact minimum.
        dual_gap: Objective minus its bound from below, if the solver has one.
        parts: What ``coef`` is the sum of, ``(part, task, feature)``, if the solver has parts.
        witness: Coefficients whose errors give that bound, if the solver keeps them.
        learned: Further fitted attributes by name, such as ``task_affinity_`` and ``groups_``.
        state: Whatever the solver wants to start from next time, beside the coefficients.
    """

    coef: Floats
    n_iter: int
    optimality: float
    dual_gap: float | None = None
    parts: Floats | None = None
    witness: Floats | None = None
    learned: Mapping[str, object] = field(default_factory=dict)
    state: object = None

    @property
    def split(self) -> Floats:
        """The parts; the coefficients are the only one if the solver has none."""
        return self.coef[None] if self.parts is None else self.parts
