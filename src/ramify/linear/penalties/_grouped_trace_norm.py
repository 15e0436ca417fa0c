"""A squared trace norm within each group of tasks."""

from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats, Integers
from ramify.linear.penalties._spectral import SpectralPenalty, SquaredTraceNorm


@dataclass(frozen=True)
class GroupedTraceNorm(SpectralPenalty):
    r"""The sum over groups of :math:`\tfrac{\lambda}{2} \|W_g\|_*^2`.

    Args:
        strength: :math:`\lambda`, above 0.
        groups: For each task its group, ``(task,)``.
    """

    strength: float
    groups: Integers

    def value(self, coef: Floats) -> float:
        return sum(self._within.value(coef[tasks]) for tasks in self._members())

    def prox(self, coef: Floats, step: float) -> Floats:
        proximal = np.empty_like(coef)
        for tasks in self._members():
            proximal[tasks] = self._within.prox(coef[tasks], step)
        return proximal

    def conjugate(self, gradient: Floats) -> float:
        return sum(self._within.conjugate(gradient[tasks]) for tasks in self._members())

    @property
    def _within(self) -> SquaredTraceNorm:
        return SquaredTraceNorm(self.strength)

    def _members(self) -> list[Integers]:
        return [np.flatnonzero(self.groups == group) for group in np.unique(self.groups)]
