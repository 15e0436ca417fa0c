"""Norms as penalties: block-sparse, trace norm, and the sum of two of them."""

from abc import ABC, abstractmethod

import numpy as np

from ramify.linear.inputs import Floats


class Penalty(ABC):
    """A norm of the coefficients, with its strength inside.

    Coefficients have the shape ``(task, feature)``, or ``(part, task, feature)`` for a sum of
    parts; the gradient of the loss by each part is the same.
    """

    n_parts: int = 1
    is_featurewise: bool = False
    """Whether it is a sum over features, so that one without gain can be left out."""

    @abstractmethod
    def value(self, coef: Floats) -> float:
        """The penalty."""

    @abstractmethod
    def prox(self, coef: Floats, step: float) -> Floats:
        r"""The minimum over *V* of :math:`\tfrac12 \|V - W\|^2 + \text{step} \cdot \Omega(V)`."""

    @abstractmethod
    def gauges(self, gradient: Floats) -> Floats:
        """The dual norm of a gradient ``(task, feature)``; of each feature if `is_featurewise`."""

    def gauge(self, gradient: Floats) -> float:
        """The dual norm of all; at most 1 where zero is the minimum."""
        return float(self.gauges(gradient).max(initial=0.0))


class EntryNorm(Penalty):
    r"""The sum of absolute entries, :math:`\alpha \sum_{tj} |w_{tj}|`.

    Args:
        alpha: Its strength.
    """

    is_featurewise = True

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def value(self, coef: Floats) -> float:
        return self.alpha * float(np.abs(coef).sum())

    def prox(self, coef: Floats, step: float) -> Floats:
        shrunk: Floats = np.sign(coef) * np.maximum(np.abs(coef) - step * self.alpha, 0.0)
        return shrunk

    def gauges(self, gradient: Floats) -> Floats:
        return _ratio(np.abs(gradient).max(axis=0), self.alpha)


class RowNorm(Penalty):
    r"""The sum over features of the length across tasks, :math:`\alpha \sum_j \|w_{\cdot j}\|_2`.

    Args:
        alpha: Its strength.
    """

    is_featurewise = True

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def value(self, coef: Floats) -> float:
        return self.alpha * float(_lengths(coef).sum())

    def prox(self, coef: Floats, step: float) -> Floats:
        lengths = _lengths(coef)
        kept = np.maximum(lengths - step * self.alpha, 0.0)
        factors = np.divide(kept, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        shrunk: Floats = coef * factors[..., None, :]
        return shrunk

    def gauges(self, gradient: Floats) -> Floats:
        return _ratio(_lengths(gradient), self.alpha)


class RowMaximum(Penalty):
    r"""The sum over features of the largest entry, :math:`\alpha \sum_j \max_t |w_{tj}|`.

    Args:
        alpha: Its strength.
    """

    is_featurewise = True

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def value(self, coef: Floats) -> float:
        return self.alpha * float(np.abs(coef).max(axis=-2).sum())

    def prox(self, coef: Floats, step: float) -> Floats:
        # What is left of a projection onto the ball of the dual norm (Moreau).
        return coef - _onto_l1_balls(coef, step * self.alpha)

    def gauges(self, gradient: Floats) -> Floats:
        return _ratio(np.abs(gradient).sum(axis=0), self.alpha)


class TraceNormPenalty(Penalty):
    r"""The sum of singular values, :math:`\alpha \|W\|_*`.

    Args:
        alpha: Its strength.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def value(self, coef: Floats) -> float:
        return self.alpha * float(np.linalg.svd(coef, compute_uv=False).sum())

    def prox(self, coef: Floats, step: float) -> Floats:
        left, values, right = np.linalg.svd(coef, full_matrices=False)
        kept = np.maximum(values - step * self.alpha, 0.0)
        shrunk: Floats = (left * kept[..., None, :]) @ right
        return shrunk

    def gauges(self, gradient: Floats) -> Floats:
        values = np.asarray(np.linalg.svd(gradient, compute_uv=False), dtype=np.float64)
        return _ratio(values[:1], self.alpha)


class SumOfParts(Penalty):
    """Coefficients are a sum of parts, each with its own penalty.

    Args:
        penalties: One per part.
    """

    def __init__(self, *penalties: Penalty) -> None:
        self.penalties = penalties
        self.n_parts = len(penalties)
        self.is_featurewise = all(each.is_featurewise for each in penalties)

    def value(self, coef: Floats) -> float:
        pairs = zip(self.penalties, coef, strict=True)
        return sum(penalty.value(part) for penalty, part in pairs)

    def prox(self, coef: Floats, step: float) -> Floats:
        pairs = zip(self.penalties, coef, strict=True)
        return np.stack([penalty.prox(part, step) for penalty, part in pairs])

    def gauges(self, gradient: Floats) -> Floats:
        gauges: Floats = np.max([each.gauges(gradient) for each in self.penalties], axis=0)
        return gauges


def _lengths(coef: Floats) -> Floats:
    lengths: Floats = np.sqrt(np.einsum("...tj,...tj->...j", coef, coef))
    return lengths


def _ratio(sizes: Floats, alpha: float) -> Floats:
    unbounded = np.where(sizes > 0, np.inf, 0.0)
    return np.divide(sizes, alpha, out=unbounded, where=alpha > 0)


def _onto_l1_balls(coef: Floats, radius: float) -> Floats:
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
