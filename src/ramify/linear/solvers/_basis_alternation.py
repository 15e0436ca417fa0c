"""Coefficients as sparse codes times a basis, by turns on the loss's parabola."""

from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import Parabola

_N_SWEEPS = 5
_MOST_STEPS = 50
_SHARE_LEFT = 0.01
_FIRST_STRIDE, _GROWTH = 0.5, 1.5
_MOST_STRIDE = 20.0


@dataclass(frozen=True)
class Factors:
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

    def balanced(self) -> "Factors":
        """The same coefficients at the least penalty: each direction's scale has a closed form."""
        codes, basis = np.abs(self.codes).sum(axis=0), (self.basis**2).sum(axis=1)
        used = (codes > 0) & (basis > 0)
        scale = np.cbrt(np.divide(codes, basis, out=np.zeros_like(codes), where=used))
        inverse = np.divide(1.0, scale, out=np.zeros_like(codes), where=used)
        return Factors(self.codes * inverse, self.basis * scale[:, None])


def alternate_factors(
    parabola: Parabola, factors: Factors, alpha: float, at_zero: Floats, tol: float, most: int
) -> tuple[Factors, list[float]]:
    """Codes, scales and basis in turn, each improved given the others.

    The basis strides on in the direction of its last change where that lowers the objective even
    more, so that slow rotations take fewer turns. The objective never rises.

    Args:
        parabola: Instead of the loss.
        factors: Where to start.
        alpha: Strength.
        at_zero: Gradient of the loss at zero, which optimality is relative to.
        tol: Largest optimality.
        most: Most turns.

    Returns:
        The factors, and the objective after each turn.
    """
    factors = _coded(parabola, factors, alpha).balanced()
    objectives = [_objective(parabola, factors, alpha)]
    stride = _FIRST_STRIDE
    while len(objectives) <= most:
        if factors.optimality(alpha, parabola.gradient(factors.coef), at_zero) <= tol:
            break
        settled = Factors(factors.codes, better_basis(parabola, factors, alpha))
        ahead = settled.basis + stride * (settled.basis - factors.basis)
        moved = _coded(parabola, Factors(factors.codes, ahead), alpha).balanced()
        if _objective(parabola, moved, alpha) > _objective(parabola, settled, alpha):
            moved = _coded(parabola, settled, alpha).balanced()
            stride = _FIRST_STRIDE
        else:
            stride = min(stride * _GROWTH, _MOST_STRIDE)
        objective = _objective(parabola, moved, alpha)
        if not objective < objectives[-1]:
            break
        factors = moved
        objectives.append(objective)
    return factors, objectives


def better_codes(parabola: Parabola, factors: Factors, alpha: float) -> Floats:
    """Better codes for a basis: a lasso per task, coordinate by coordinate for all at once.

    Few sweeps, since the basis moves next; repeated, they lead to the best codes.
    """
    basis = factors.basis
    tasks = (len(parabola.linear), basis.shape[1])
    bent = np.stack([parabola.times(np.broadcast_to(row, tasks)) for row in basis])
    grams = np.einsum("atp,bp->tab", bent, basis, optimize=True)
    codes = factors.codes.copy()
    slope = np.einsum("tab,tb->ta", grams, codes) - parabola.linear @ basis.T
    for _ in range(_N_SWEEPS):
        for a in range(len(basis)):
            own = grams[:, a, a]
            pulled = own * codes[:, a] - slope[:, a]
            shrunk = np.sign(pulled) * np.maximum(np.abs(pulled) - alpha, 0.0)
            best = np.divide(shrunk, own, out=np.zeros_like(own), where=own > 0)
            change = best - codes[:, a]
            codes[:, a] = best
            slope += grams[:, :, a] * change[:, None]
    return codes


def better_basis(parabola: Parabola, factors: Factors, alpha: float) -> Floats:
    r"""A better basis for given codes: :math:`\sum_t s_t s_t^\top L H_t + \alpha L = S^\top c`.

    Conjugate gradients with products only, so that no system of all directions is formed; what
    the tasks have in common is undone exactly. They stop at a hundredth of the residual.
    """
    codes = factors.codes
    factor, turn = np.linalg.eigh(codes.T @ codes)
    factor = factor.clip(min=0)

    def precondition(residual: Floats) -> Floats:
        return turn @ parabola.solve_typical(turn.T @ residual, factor, alpha)

    basis = factors.basis.copy()
    residual = codes.T @ parabola.linear - codes.T @ parabola.times(codes @ basis) - alpha * basis
    direction = precondition(residual)
    along = float(np.vdot(residual, direction))
    goal = _SHARE_LEFT * float(np.linalg.norm(residual))
    for _ in range(_MOST_STEPS):
        if along <= 0 or np.linalg.norm(residual) <= goal:
            break
        bent = codes.T @ parabola.times(codes @ direction) + alpha * direction
        length = along / float(np.vdot(direction, bent))
        basis += length * direction
        residual -= length * bent
        proposed = precondition(residual)
        before, along = along, float(np.vdot(residual, proposed))
        direction = proposed + along / before * direction
    return basis


def _coded(parabola: Parabola, factors: Factors, alpha: float) -> Factors:
    return Factors(better_codes(parabola, factors, alpha), factors.basis)


def _objective(parabola: Parabola, factors: Factors, alpha: float) -> float:
    return parabola.value(factors.coef) + factors.penalty(alpha)
