"""What a penalty of the coefficients is to a proximal solver."""

from abc import ABC, abstractmethod

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
