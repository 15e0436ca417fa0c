"""Kernel regression out of fold for all strengths and columns from one eigendecomposition."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh

from ramify.kernels._inputs import Floats, Integers, Single

MOST_ROWS: Final = 2000
_NOTHING: Final = 1e-10


def unit_eigenvalue(mean: float, size: float) -> float:
    """In what strengths are measured: a kernel's mean eigenvalue, 1 where all rows are the same.

    Args:
        mean: The mean eigenvalue, once the kernel is centred.
        size: The mean of its diagonal before.
    """
    return mean if mean > _NOTHING * size else 1.0


@dataclass(frozen=True, eq=False)
class ExactSolution:
    r"""All solutions of :math:`\min_{b, f} \sum_i (y_i - b - f(x_i))^2 + s \|f\|^2` for some rows.

    With *K* centred on both sides, :math:`CKC = U \Lambda U^T`, the coefficients are
    :math:`a = G y` with :math:`G = U (\Lambda + s)^{-1} U^T` without the constant direction. Leaving
    out the rows *F* of a fold changes their residuals from :math:`s a_F` to

    .. math:: e_F = (G_{FF})^{-1} (G y)_F

    so one decomposition of all rows serves all folds, strengths and columns, exactly.

    Attributes:
        strengths: The strengths *s*.
        values: Eigenvalues; that of the constant direction is left out.
        vectors: Their vectors ``(row, value)``.
        matrix: The kernel ``(row, row)``.
        targets: ``(row, column)``, of mean 0.

    References:
        An, Liu, Venkatesh. *Fast cross-validation algorithms for least squares support vector machine
        and kernel ridge regression*, Pattern Recognition 2007, theorem 1. There without intercept;
        with one *G* is the block of the bordered inverse, and the same algebra holds.
    """

    strengths: Floats
    values: Floats
    vectors: Floats
    matrix: Floats
    targets: Floats

    @classmethod
    def of(cls, matrix: Single | Floats, targets: Floats, strengths: Floats) -> Self:
        """Decompose.

        Args:
            matrix: The kernel of the rows.
            targets: ``(row, column)``; every row has every label.
            strengths: In units of the mean eigenvalue.
        """
        full = matrix.astype(np.float64)
        means = full.mean(axis=0)
        centred = full - means - means[:, None] + means.mean()
        # Lifted to the far end, the constant direction cannot mix with others of eigenvalue 0.
        trace = float(np.trace(centred))
        centred += (trace + float(np.abs(full).max(initial=1.0))) / len(full)
        values, vectors = eigh(centred, overwrite_a=True, check_finite=False, driver="evd")
        values, vectors = np.maximum(values[:-1], 0.0), vectors[:, :-1]
        unit = unit_eigenvalue(trace / len(full), float(np.trace(full)) / len(full))
        return cls(strengths * unit, values, vectors, full, targets)

    def out_of_fold(self, fold: Integers) -> Floats:
        """Predictions ``(strength, row, column)`` from the rows of the other folds.

        Args:
            fold: Of each row, −1 for those that are in no fold: they get NaN.
        """
        rotated = self.vectors.T @ self.targets
        found = np.full((len(self.strengths), *self.targets.shape), np.nan)
        parts = [np.flatnonzero(fold == f) for f in np.unique(fold[fold >= 0])]
        for i, strength in enumerate(self.strengths):
            shrunk = self.vectors / (self.values + strength)
            coefficients = shrunk @ rotated
            for rows in parts:
                if len(rows) == len(fold):
                    continue  # nothing is left to learn from
                block = shrunk[rows] @ self.vectors[rows].T
                factor = cho_factor(block, lower=True, overwrite_a=True, check_finite=False)
                error = cho_solve(factor, coefficients[rows], check_finite=False)
                found[i, rows] = self.targets[rows] - error
        return found

    def coefficients(self, chosen: Integers) -> tuple[Floats, Floats]:
        """Coefficients ``(row, column)`` and intercepts from all rows.

        Args:
            chosen: Which strength each column has.
        """
        rotated = self.vectors.T @ self.targets
        rotated /= self.values[:, None] + self.strengths[chosen]
        found = self.vectors @ rotated
        return found, (self.targets - self.matrix @ found).mean(axis=0)
