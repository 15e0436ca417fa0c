"""What one row costs: squared, logistic, Huber and Poisson loss of its margin."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from scipy.special import expit, xlogy

from ramify.linear.inputs import Floats


class Loss(ABC):
    r"""A convex smooth loss :math:`\ell(z, y)` of a margin *z* and a target *y*, entry by entry."""

    @abstractmethod
    def value(self, margins: Floats, targets: Floats) -> Floats:
        """The loss of each entry."""

    @abstractmethod
    def slope(self, margins: Floats, targets: Floats) -> Floats:
        """Its derivative by the margin."""

    @abstractmethod
    def curvature(self, margins: Floats, targets: Floats) -> Floats:
        """A second derivative, or for Huber the curvature of the quadratic model that lies above."""

    @abstractmethod
    def conjugate(self, slopes: Floats, targets: Floats) -> Floats:
        r"""The convex conjugate :math:`\ell^*(\theta) = \sup_z \theta z - \ell(z, y)`."""

    @abstractmethod
    def response(self, margins: Floats) -> Floats:
        """What is predicted at a margin, in the target's unit."""


class Squared(Loss):
    r"""Half the squared error, :math:`\tfrac12 (z - y)^2`."""

    def value(self, margins: Floats, targets: Floats) -> Floats:
        return 0.5 * (margins - targets) ** 2

    def slope(self, margins: Floats, targets: Floats) -> Floats:
        return margins - targets

    def curvature(self, margins: Floats, targets: Floats) -> Floats:
        return np.ones_like(margins)

    def conjugate(self, slopes: Floats, targets: Floats) -> Floats:
        return 0.5 * slopes**2 + slopes * targets

    def response(self, margins: Floats) -> Floats:
        return margins


class Logistic(Loss):
    r"""The logistic loss :math:`\log(1 + e^{-yz})` of targets −1 and 1."""

    def value(self, margins: Floats, targets: Floats) -> Floats:
        loss: Floats = np.logaddexp(0.0, -targets * margins)
        return loss

    def slope(self, margins: Floats, targets: Floats) -> Floats:
        slope: Floats = -targets * expit(-targets * margins)
        return slope

    def curvature(self, margins: Floats, targets: Floats) -> Floats:
        chance: Floats = expit(margins)
        return chance * (1 - chance)

    def conjugate(self, slopes: Floats, targets: Floats) -> Floats:
        chance = np.clip(-slopes * targets, 0.0, 1.0)
        entropy: Floats = xlogy(chance, chance) + xlogy(1 - chance, 1 - chance)
        return entropy

    def response(self, margins: Floats) -> Floats:
        chance: Floats = expit(margins)
        return chance


class Huber(Loss):
    r"""Squared near zero, linear beyond: :math:`\tfrac12 r^2` for :math:`|r| \le \delta`, else
    :math:`\delta |r| - \tfrac12 \delta^2`, with :math:`r = z - y`.

    Args:
        delta: Where it turns linear, in the unit of the target.

    References:
        Huber. *Robust Estimation of a Location Parameter*, Annals of Statistics 1964.
    """  # noqa: D205

    def __init__(self, delta: float = 1.35) -> None:
        self.delta = delta

    def value(self, margins: Floats, targets: Floats) -> Floats:
        error = np.abs(margins - targets)
        near = np.minimum(error, self.delta)
        value: Floats = near * (error - 0.5 * near)
        return value

    def slope(self, margins: Floats, targets: Floats) -> Floats:
        slope: Floats = np.clip(margins - targets, -self.delta, self.delta)
        return slope

    def curvature(self, margins: Floats, targets: Floats) -> Floats:
        # The true one is 0 beyond delta, which gives Newton's method nothing to go by.
        error = np.abs(margins - targets)
        curvature: Floats = self.delta / np.maximum(error, self.delta)
        return curvature

    def conjugate(self, slopes: Floats, targets: Floats) -> Floats:
        return 0.5 * slopes**2 + slopes * targets

    def response(self, margins: Floats) -> Floats:
        return margins


class Poisson(Loss):
    r"""Counts with a log link: half the deviance, :math:`e^z - y z - y + y \log y`.

    Targets are 0 or more.
    """

    def value(self, margins: Floats, targets: Floats) -> Floats:
        return np.exp(margins) - targets * margins - _saturated(targets)

    def slope(self, margins: Floats, targets: Floats) -> Floats:
        return np.exp(margins) - targets

    def curvature(self, margins: Floats, targets: Floats) -> Floats:
        curvature: Floats = np.exp(margins)
        return curvature

    def conjugate(self, slopes: Floats, targets: Floats) -> Floats:
        rate = np.maximum(slopes + targets, 0.0)
        return np.asarray(xlogy(rate, rate) - rate + _saturated(targets))

    def response(self, margins: Floats) -> Floats:
        rate: Floats = np.exp(margins)
        return rate


def _saturated(targets: Floats) -> Floats:
    saturated: Floats = targets - xlogy(targets, targets)
    return saturated


LOSSES: Mapping[str, Loss] = {
    "squared": Squared(),
    "logistic": Logistic(),
    "huber": Huber(),
    "poisson": Poisson(),
}
"""The losses by name, with their defaults."""
