"""A latent basis and sparse codes: where the search starts, and turns on a quadratic model."""

from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import BlockModel, QuadraticModel, SmoothLoss, quadratic_model_at
from ramify.linear.solvers._solution import Control, Solution

_N_SWEEPS = 5
_MOST_STEPS = 50
_SHARE_LEFT = 0.01
_FIRST_STRIDE, _GROWTH = 0.5, 1.5
_MOST_STRIDE = 20.0
_SHARE_OF_CURVATURE = 0.1
_MOST_TURNS = 100
_ROUGH = 1e-2
_TURNS_PER_MODEL = 10
_STEEPEST = 1e6


@dataclass(frozen=True)
class BasisFactors:
    """Coefficients ``codes @ basis``.

    Args:
        codes: How each task is made up, sparse, ``(task, direction)``.
        basis: ``(direction, feature)``.
    """

    codes: Floats
    basis: Floats

    @property
    def coef(self) -> Floats:
        """``(task, feature)``."""
        return self.codes @ self.basis

    def penalty(self, alpha: float) -> float:
        r"""The penalty :math:`\alpha (\|S\|_1 + \tfrac12 \|L\|_F^2)`."""
        squares = float(np.vdot(self.basis, self.basis)) / 2
        return alpha * (float(np.abs(self.codes).sum()) + squares)

    def optimality(self, alpha: float, gradient: Floats, at_zero: Floats) -> float:
        """How far from stationary, the worse of basis and codes.

        Each is relative to the same slope for coefficients of zero, seen through these factors.

        Args:
            alpha: Strength.
            gradient: Of the loss by the coefficients, ``(task, feature)``.
            at_zero: Its gradient at zero.
        """
        if not self.codes.any():
            return 0.0
        basis = self.codes.T @ gradient + alpha * self.basis
        slope = gradient @ self.basis.T
        kept = np.abs(slope + alpha * np.sign(self.codes))
        codes = np.where(self.codes != 0, kept, np.maximum(np.abs(slope) - alpha, 0.0))
        basis_scale = np.linalg.norm(self.codes.T @ at_zero)
        codes_scale = np.linalg.norm(at_zero @ self.basis.T)
        if basis_scale == 0 or codes_scale == 0:
            return 1.0
        return float(max(np.linalg.norm(basis) / basis_scale, np.linalg.norm(codes) / codes_scale))

    def balanced(self) -> "BasisFactors":
        """The same coefficients at the least penalty: each direction's scale has a closed form."""
        codes, basis = np.abs(self.codes).sum(axis=0), (self.basis**2).sum(axis=1)
        used = (codes > 0) & (basis > 0)
        scale = np.cbrt(np.divide(codes, basis, out=np.zeros_like(codes), where=used))
        inverse = np.divide(1.0, scale, out=np.zeros_like(codes), where=used)
        return BasisFactors(self.codes * inverse, self.basis * scale[:, None])


def alternate_factors(
    model: QuadraticModel,
    factors: BasisFactors,
    alpha: float,
    at_zero: Floats,
    tol: float,
    most: int,
) -> tuple[BasisFactors, list[float]]:
    """Codes, scales and basis in turn, each improved given the others.

    The basis strides on in the direction of its last change where that lowers the objective even
    more, so that slow rotations take fewer turns. The objective never rises.

    Args:
        model: Instead of the loss.
        factors: Where to start.
        alpha: Strength.
        at_zero: Gradient of the loss at zero, which optimality is relative to.
        tol: Largest optimality.
        most: Most turns.

    Returns:
        The factors, and the objective after each turn.
    """
    factors = _coded(model, factors, alpha).balanced()
    objectives = [_objective(model, factors, alpha)]
    stride = _FIRST_STRIDE
    while len(objectives) <= most:
        if factors.optimality(alpha, model.gradient(factors.coef), at_zero) <= tol:
            break
        # The objective is convex in each of the two alone, not in both: so they take turns.
        settled = BasisFactors(factors.codes, better_basis(model, factors, alpha))
        ahead = settled.basis + stride * (settled.basis - factors.basis)
        moved = _coded(model, BasisFactors(factors.codes, ahead), alpha).balanced()
        if _objective(model, moved, alpha) > _objective(model, settled, alpha):
            moved = _coded(model, settled, alpha).balanced()
            stride = _FIRST_STRIDE
        else:
            stride = min(stride * _GROWTH, _MOST_STRIDE)
        objective = _objective(model, moved, alpha)
        # What no longer falls by more than rounding would go on for ever.
        if not objective < objectives[-1]:
            break
        factors = moved
        objectives.append(objective)
    return factors, objectives


def better_codes(model: QuadraticModel, factors: BasisFactors, alpha: float) -> Floats:
    """Better codes for a basis: a lasso per task, coordinate by coordinate for all at once.

    Few sweeps, since the basis moves next; repeated, they lead to the best codes.
    """
    basis = factors.basis
    tasks = (len(model.linear), basis.shape[1])
    bent = np.stack([model.times(np.broadcast_to(row, tasks)) for row in basis])
    grams = np.einsum("atp,bp->tab", bent, basis, optimize=True)
    codes = factors.codes.copy()
    slope = np.einsum("tab,tb->ta", grams, codes) - model.linear @ basis.T
    for _ in range(_N_SWEEPS):
        for a in range(len(basis)):
            # Tasks do not meet in the loss, so that one coordinate of all is solved at once.
            own = grams[:, a, a]
            pulled = own * codes[:, a] - slope[:, a]
            shrunk = np.sign(pulled) * np.maximum(np.abs(pulled) - alpha, 0.0)
            best = np.divide(shrunk, own, out=np.zeros_like(own), where=own > 0)
            change = best - codes[:, a]
            codes[:, a] = best
            slope += grams[:, :, a] * change[:, None]
    return codes


def better_basis(model: QuadraticModel, factors: BasisFactors, alpha: float) -> Floats:
    r"""A better basis for given codes: :math:`\sum_t s_t s_t^\top L H_t + \alpha L = S^\top c`.

    Conjugate gradients with products only, so that no system of all directions is formed; what
    the tasks have in common is undone exactly. They stop at a hundredth of the residual.
    """
    codes = factors.codes
    factor, turn = np.linalg.eigh(codes.T @ codes)
    factor = factor.clip(min=0)

    def precondition(residual: Floats) -> Floats:
        return turn @ model.solve_typical(turn.T @ residual, factor, alpha)

    basis = factors.basis.copy()
    residual = codes.T @ model.linear - codes.T @ model.times(codes @ basis) - alpha * basis
    direction = precondition(residual)
    along = float(np.vdot(residual, direction))
    goal = _SHARE_LEFT * float(np.linalg.norm(residual))
    for _ in range(_MOST_STEPS):
        if along <= 0 or np.linalg.norm(residual) <= goal:
            break
        bent = codes.T @ model.times(codes @ direction) + alpha * direction
        length = along / float(np.vdot(direction, bent))
        basis += length * direction
        residual -= length * bent
        proposed = precondition(residual)
        before, along = along, float(np.vdot(residual, proposed))
        direction = proposed + along / before * direction
    return basis


def _coded(model: QuadraticModel, factors: BasisFactors, alpha: float) -> BasisFactors:
    return BasisFactors(better_codes(model, factors, alpha), factors.basis)


def _objective(model: QuadraticModel, factors: BasisFactors, alpha: float) -> float:
    return model.value(factors.coef) + factors.penalty(alpha)


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

    def first(self, n_init: int, rng: np.random.Generator) -> BasisFactors:
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
        model = quadratic_model_at(self.loss, zero, self._at_zero)
        alone = model.near(zero, _SHARE_OF_CURVATURE * model.middle_curvature, zero)
        _, _, right = np.linalg.svd(alone, full_matrices=False)
        span = right[: self.n_basis]
        within = _within(model, alone, span)
        found = [
            self._turned(within, alone @ span.T, rotation)
            for rotation in _rotations(len(span), n_init, rng)
        ]
        best = min(found, key=lambda each: within.value(each.coef) + each.penalty(self.alpha))
        return BasisFactors(best.codes, best.basis @ span)

    def descend(self, factors: BasisFactors) -> tuple[BasisFactors, Solution]:
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

    def objective(self, factors: BasisFactors) -> float:
        """Loss plus penalty."""
        return self.loss.value(factors.coef) + factors.penalty(self.alpha)

    def _lower(
        self, factors: BasisFactors, value: float, gradient: Floats, most: int
    ) -> tuple[BasisFactors | None, int]:
        """Turns on a quadratic model steep enough that the objective falls; None if none is."""
        here, steeper = value + factors.penalty(self.alpha), 1.0
        turns = most if self.loss.is_quadratic else min(most, _TURNS_PER_MODEL)
        while steeper < _STEEPEST:
            model = quadratic_model_at(self.loss, factors.coef, gradient, steeper)
            moved, objectives = alternate_factors(
                model, factors, self.alpha, self._at_zero, self.control.tol / 2, turns
            )
            if self.objective(moved) < here:
                return moved, len(objectives)
            if self.loss.is_quadratic:
                break
            steeper *= 2
        return None, 1

    def _turned(self, within: QuadraticModel, codes: Floats, rotation: Floats) -> BasisFactors:
        start = BasisFactors(codes @ rotation, rotation.T).balanced()
        start = BasisFactors(better_codes(within, start, self.alpha), start.basis)
        return alternate_factors(within, start, self.alpha, -within.linear, _ROUGH, _MOST_TURNS)[0]


def _within(model: QuadraticModel, coef: Floats, span: Floats) -> QuadraticModel:
    """The mean curvature in a few directions, as a quadratic model with its least point at ``coef``."""
    bent = [model.times(np.broadcast_to(row, coef.shape)).mean(axis=0) for row in span]
    block = np.stack(bent) @ span.T
    return BlockModel(block, coef @ span.T @ block)


def _rotations(size: int, n_init: int, rng: np.random.Generator) -> list[Floats]:
    n_drawn = n_init - 1 if size > 1 else 0
    drawn = [np.linalg.qr(rng.normal(size=(size, size)))[0] for _ in range(n_drawn)]
    return [np.eye(size), *drawn]
