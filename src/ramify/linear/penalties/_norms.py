"""Norms that are sums over features: block-sparse ones, and the sum of two of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats, ratio

_TIED = 1e-10


@dataclass(frozen=True)
class Face:
    r"""Where a norm is smooth: coefficients that keep the zeros, signs and ties of others.

    Along it the norm rises by :math:`\langle g, D \rangle + \tfrac12 \langle D, B D \rangle`, to
    second order.

    Args:
        slope: *g*, like the coefficients.
        onto: Takes directions to the nearest ones that stay in the face.
        bend: Takes directions in the face to *B D*.
    """

    slope: Floats
    onto: Callable[[Floats], Floats]
    bend: Callable[[Floats], Floats]


class Penalty(ABC):
    """A norm of the coefficients, with its strength inside.

    Coefficients have the shape ``(task, feature)``, or ``(part, task, feature)`` for a sum of
    parts; the gradient of the loss by each part is the same. A norm is a sum over features, so that
    one without gain can be left out, and each may have a step of its own.
    """

    n_parts: int = 1

    @abstractmethod
    def value(self, coef: Floats) -> float:
        """The penalty."""

    @abstractmethod
    def prox(self, coef: Floats, step: float | Floats) -> Floats:
        r"""The minimum over *V* of :math:`\tfrac12 \|V - W\|^2 + \text{step} \cdot \Omega(V)`.

        Args:
            coef: *W*.
            step: One, or one per feature.
        """

    @abstractmethod
    def gauges(self, gradient: Floats) -> Floats:
        """The dual norm of each feature of a gradient ``(task, feature)``."""

    @abstractmethod
    def pattern(self, coef: Floats) -> np.ndarray:
        """Small integers that are the same for all coefficients of a face, and for no others."""

    @abstractmethod
    def face(self, coef: Floats) -> Face:
        """The face that coefficients, as `prox` gives them, lie in."""

    def into_ball(self, gradient: Floats) -> Floats:
        """The nearest gradient ``(task, feature)`` of a dual norm of at most 1."""
        return gradient - self.prox(gradient, 1.0)  # what a proximal map leaves (Moreau)

    def gauge(self, gradient: Floats) -> float:
        """The dual norm of all; at most 1 where zero is the minimum."""
        return float(self.gauges(gradient).max(initial=0.0))


class EntryNorm(Penalty):
    r"""The sum of absolute entries, :math:`\alpha \sum_{tj} |w_{tj}|`.

    Args:
        alpha: Its strength.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def value(self, coef: Floats) -> float:
        return self.alpha * float(np.abs(coef).sum())

    def prox(self, coef: Floats, step: float | Floats) -> Floats:
        shrunk: Floats = np.sign(coef) * np.maximum(np.abs(coef) - step * self.alpha, 0.0)
        return shrunk

    def gauges(self, gradient: Floats) -> Floats:
        return _gauges(np.abs(gradient).max(axis=0), self.alpha)

    def pattern(self, coef: Floats) -> np.ndarray:
        return np.sign(coef).astype(np.int8)

    def face(self, coef: Floats) -> Face:
        used = coef != 0
        return Face(self.alpha * np.sign(coef), lambda D: D * used, np.zeros_like)


class RowNorm(Penalty):
    r"""The sum over features of the length across tasks, :math:`\alpha \sum_j \|w_{\cdot j}\|_2`.

    Args:
        alpha: Its strength.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def value(self, coef: Floats) -> float:
        return self.alpha * float(_lengths(coef).sum())

    def prox(self, coef: Floats, step: float | Floats) -> Floats:
        lengths = _lengths(coef)
        factors = ratio(np.maximum(lengths - step * self.alpha, 0.0), lengths)
        shrunk: Floats = coef * factors[..., None, :]
        return shrunk

    def gauges(self, gradient: Floats) -> Floats:
        return _gauges(_lengths(gradient), self.alpha)

    def pattern(self, coef: Floats) -> np.ndarray:
        return np.asarray(coef.any(axis=-2), dtype=np.int8)

    def face(self, coef: Floats) -> Face:
        lengths = _lengths(coef)[..., None, :]
        unit = ratio(coef, lengths)
        used = lengths > 0
        stiffness = ratio(np.full_like(lengths, self.alpha), lengths)

        def bend(directions: Floats) -> Floats:
            # Only turns change a length to second order; a change along it is all in the slope.
            along = (unit * directions).sum(axis=-2, keepdims=True)
            bent: Floats = stiffness * (directions - along * unit)
            return bent

        return Face(self.alpha * unit, lambda D: D * used, bend)


class RowMaximum(Penalty):
    r"""The sum over features of the largest entry, :math:`\alpha \sum_j \max_t |w_{tj}|`.

    Args:
        alpha: Its strength.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def value(self, coef: Floats) -> float:
        return self.alpha * float(np.abs(coef).max(axis=-2).sum())

    def prox(self, coef: Floats, step: float | Floats) -> Floats:
        # What is left of a projection onto the ball of the dual norm (Moreau).
        return coef - _onto_l1_balls(coef, step * self.alpha)

    def gauges(self, gradient: Floats) -> Floats:
        return _gauges(np.abs(gradient).sum(axis=0), self.alpha)

    def pattern(self, coef: Floats) -> np.ndarray:
        sizes = np.abs(coef)
        largest = sizes.max(axis=-2, keepdims=True)
        tied = sizes >= (1 - _TIED) * largest
        return np.where(tied, 2 * np.sign(coef), largest > 0).astype(np.int8)

    def face(self, coef: Floats) -> Face:
        pattern = self.pattern(coef)
        # Entries at the largest size move together; the others are free, at no cost.
        tied, used = np.abs(pattern) == 2, pattern != 0
        sign = np.where(tied, np.sign(coef), 0.0)
        share = sign / np.maximum(tied.sum(axis=-2, keepdims=True), 1)

        def onto(directions: Floats) -> Floats:
            together = (share * directions).sum(axis=-2, keepdims=True)
            moved: Floats = np.where(tied, sign * together, directions * used)
            return moved

        return Face(self.alpha * share, onto, np.zeros_like)


class SumOfParts(Penalty):
    """Coefficients are a sum of parts, each with its own penalty.

    Args:
        penalties: One per part.
    """

    def __init__(self, *penalties: Penalty) -> None:
        self.penalties = penalties
        self.n_parts = len(penalties)

    def value(self, coef: Floats) -> float:
        pairs = zip(self.penalties, coef, strict=True)
        return sum(penalty.value(part) for penalty, part in pairs)

    def prox(self, coef: Floats, step: float | Floats) -> Floats:
        pairs = zip(self.penalties, coef, strict=True)
        return np.stack([penalty.prox(part, step) for penalty, part in pairs])

    def gauges(self, gradient: Floats) -> Floats:
        gauges: Floats = np.max([each.gauges(gradient) for each in self.penalties], axis=0)
        return gauges

    def into_ball(self, gradient: Floats) -> Floats:
        # Not the nearest: every norm's ball in turn, of which the later maps never leave.
        for each in self.penalties:
            gradient = each.into_ball(gradient)
        return gradient

    def pattern(self, coef: Floats) -> np.ndarray:
        pairs = zip(self.penalties, coef, strict=True)
        return np.concatenate([penalty.pattern(part).ravel() for penalty, part in pairs])

    def face(self, coef: Floats) -> Face:
        faces = [each.face(part) for each, part in zip(self.penalties, coef, strict=True)]

        def onto(directions: Floats) -> Floats:
            return np.stack([each.onto(part) for each, part in zip(faces, directions, strict=True)])

        def bend(directions: Floats) -> Floats:
            return np.stack([each.bend(part) for each, part in zip(faces, directions, strict=True)])

        return Face(np.stack([each.slope for each in faces]), onto, bend)


def _lengths(coef: Floats) -> Floats:
    lengths: Floats = np.sqrt(np.einsum("...tj,...tj->...j", coef, coef))
    return lengths


def _gauges(sizes: Floats, alpha: float) -> Floats:
    gauges: Floats = sizes / alpha if alpha > 0 else np.where(sizes > 0, np.inf, 0.0)
    return gauges


def _onto_l1_balls(coef: Floats, radius: float | Floats) -> Floats:
    """Project each column onto the l1 ball (Duchi et al. 2008, by sorting)."""
    sizes = np.abs(coef)
    inside = sizes.sum(axis=-2, keepdims=True) <= radius
    falling = -np.sort(-sizes, axis=-2)
    excess = np.cumsum(falling, axis=-2) - radius
    counts = np.arange(1, coef.shape[-2] + 1)[:, None]
    last = (falling * counts > excess).sum(axis=-2, keepdims=True).clip(min=1)
    threshold = np.take_along_axis(excess, last - 1, axis=-2) / last
    projected = np.sign(coef) * np.maximum(sizes - threshold, 0.0)
    result: Floats = np.where(inside, coef, projected)
    return result
