"""Parabolas of tasks with fewer rows than features."""

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses._quadratic_model import Parabola
from ramify.linear.losses._smooth import Curvature

_COUNTED = 1e-9


class RootParabola(Parabola):
    r"""With rows *R*, where :math:`H = R^\top R`: systems are as large as there are rows.

    .. math:: (R^\top R + r I)^{-1} u = \tfrac1r \bigl(u - R^\top (R R^\top + r I)^{-1} R u\bigr)

    A point near another costs two products with the rows, at any *r*.

    Args:
        curvature: What the rows are those of.
        linear: *c*, ``(task, feature)``.
        roots: *R* ``(row, feature)``, one for all tasks or one each.
        steeper: What to multiply *H* by.
    """

    def __init__(
        self, curvature: Curvature, linear: Floats, roots: list[Floats], steeper: float
    ) -> None:
        super().__init__(linear)
        self._curvature, self._steeper, self._roots = curvature, steeper, roots
        spectra = [np.linalg.eigh(steeper * root @ root.T) for root in roots]
        self._spectra = [(values.clip(min=0), vectors) for values, vectors in spectra]

    def times(self, coef: Floats) -> Floats:
        return self._steeper * self._curvature(coef)

    def near(self, target: Floats, rate: float, start: Floats) -> Floats:
        wanted = self.linear + rate * target
        if len(self._roots) == 1:
            return self._solved(0, wanted, rate)
        each = [self._solved(t, row[None], rate)[0] for t, row in enumerate(wanted)]
        return np.stack(each)

    def solve_typical(self, rows: Floats, factors: Floats, ridge: float) -> Floats:
        squares = [(root**2).sum(axis=0) for root in self._roots]
        diagonal = self._steeper * np.mean(squares, axis=0)
        solved: Floats = rows / (np.outer(factors, diagonal) + ridge)
        return solved

    @property
    def middle_curvature(self) -> float:
        values = np.concatenate([values for values, _ in self._spectra])
        counted = values[values > _COUNTED * values.max(initial=0.0)]
        return float(np.exp(np.log(counted).mean())) if counted.size else 1.0

    def _solved(self, t: int, wanted: Floats, rate: float) -> Floats:
        """The inverse of *H + rI* times rows ``(row, feature)``."""
        root, (values, vectors) = self._roots[t], self._spectra[t]
        among_rows = ((wanted @ root.T) @ vectors / (values + rate)) @ vectors.T
        solved: Floats = (wanted - self._steeper * among_rows @ root) / rate
        return solved
