"""Where the search for a basis starts, and how it goes on when the loss is not a parabola."""

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import BlockParabola, Parabola, SmoothLoss, parabola_at
from ramify.linear.solvers._basis_alternation import Factors, alternate_factors, better_codes
from ramify.linear.solvers._solution import Control, Solution

_SHARE_OF_CURVATURE = 0.1
_MOST_TURNS = 100
_ROUGH = 1e-2
_TURNS_PER_PARABOLA = 10
_STEEPEST = 1e6


class BasisSearch:
    """Looks for a basis of all tasks' coefficients and their sparse codes.

    Args:
        loss: The loss.
        alpha: Strength.
        n_basis: How many directions.
        control: When to stop.
    """

    def __init__(self, loss: SmoothLoss, alpha: float, n_basis: int, control: Control) -> None:
        self.loss = loss
        self.alpha = alpha
        self.n_basis = n_basis
        self.control = control
        self._at_zero = loss.at_zero[1]

    def first(self, n_init: int, rng: np.random.Generator) -> Factors:
        """The best of several rotations of the single tasks' leading directions.

        Each task alone, under a slight ridge, spans a space in which a basis can be turned
        without a change to the coefficients but with very different sparsity. Alternation seldom
        turns it that far; so rotations are compared first, within that space and under the mean
        curvature, where turns are cheap.

        Args:
            n_init: How many; the first one is that of the singular vectors.
            rng: Draws the others.
        """
        zero = np.zeros((self.loss.n_tasks, self.loss.n_features))
        parabola = parabola_at(self.loss, zero, self._at_zero)
        alone = parabola.near(zero, _SHARE_OF_CURVATURE * parabola.middle_curvature, zero)
        _, _, right = np.linalg.svd(alone, full_matrices=False)
        span = right[: self.n_basis]
        within = _within(parabola, alone, span)
        found = [
            self._turned(within, alone @ span.T, rotation)
            for rotation in _rotations(len(span), n_init, rng)
        ]
        best = min(found, key=lambda each: within.value(each.coef) + each.penalty(self.alpha))
        return Factors(best.codes, best.basis @ span)

    def descend(self, factors: Factors) -> tuple[Factors, Solution]:
        """Alternate from there until stationary; the objective never rises."""
        n_iter = 0
        while True:
            coef = factors.coef
            value, gradient = self.loss.value_and_gradient(coef)
            optimality = factors.optimality(self.alpha, gradient, self._at_zero)
            if optimality <= self.control.tol or n_iter >= self.control.max_iter:
                break
            moved, made = self._lower(factors, value, gradient, self.control.max_iter - n_iter)
            n_iter += made
            if moved is None:
                break
            factors = moved
        return factors, Solution(coef, n_iter, optimality, state=factors)

    def objective(self, factors: Factors) -> float:
        """Loss plus penalty."""
        return self.loss.value(factors.coef) + factors.penalty(self.alpha)

    def _lower(
        self, factors: Factors, value: float, gradient: Floats, most: int
    ) -> tuple[Factors | None, int]:
        """Turns on a parabola steep enough that the objective falls; None if none is."""
        here, steeper = value + factors.penalty(self.alpha), 1.0
        turns = most if self.loss.is_quadratic else min(most, _TURNS_PER_PARABOLA)
        while steeper < _STEEPEST:
            parabola = parabola_at(self.loss, factors.coef, gradient, steeper)
            moved, objectives = alternate_factors(
                parabola, factors, self.alpha, self._at_zero, self.control.tol / 2, turns
            )
            if self.objective(moved) < here:
                return moved, len(objectives)
            if self.loss.is_quadratic:
                break
            steeper *= 2
        return None, 1

    def _turned(self, within: Parabola, codes: Floats, rotation: Floats) -> Factors:
        start = Factors(codes @ rotation, rotation.T).balanced()
        start = Factors(better_codes(within, start, self.alpha), start.basis)
        return alternate_factors(within, start, self.alpha, -within.linear, _ROUGH, _MOST_TURNS)[0]


def _within(parabola: Parabola, coef: Floats, span: Floats) -> Parabola:
    """The mean curvature in a few directions, as a parabola with its least point at ``coef``."""
    bent = [parabola.times(np.broadcast_to(row, coef.shape)).mean(axis=0) for row in span]
    block = np.stack(bent) @ span.T
    return BlockParabola(block, coef @ span.T @ block)


def _rotations(size: int, n_init: int, rng: np.random.Generator) -> list[Floats]:
    n_drawn = n_init - 1 if size > 1 else 0
    drawn = [np.linalg.qr(rng.normal(size=(size, size)))[0] for _ in range(n_drawn)]
    return [np.eye(size), *drawn]
