"""How the learning rate changes over the steps of a training."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import cos, isfinite, pi

from ramify._core import InputError, checked
from ramify.records import Setting


class Schedule(ABC):
    """A course of the learning rate; see `OneCycle`, `Stable` and `StepDecay`."""

    @abstractmethod
    def rate_at(self, step: int, n_steps: int) -> float:
        """Factor of the learning rate at a step, in (0, 1].

        Args:
            step: From 0.
            n_steps: Steps of the whole training.
        """

    @abstractmethod
    def settings(self) -> dict[str, Setting]:
        """Its name and settings, for the record."""


@checked
@dataclass(frozen=True)
class OneCycle(Schedule):
    """A rise over the first part of the steps, then a fall along a cosine to nearly nothing.

    Attributes:
        warmup: Share of the steps in which the learning rate rises, in [0, 1).

    Raises:
        InputError: If the share is out of range.

    References:
        Smith. *A disciplined approach to neural network hyper-parameters*, 2018.

    Example:
        >>> OneCycle(warmup=0.1).rate_at(10, 100)
        1.0
    """

    warmup: float = 0.1

    def __post_init__(self) -> None:
        """Check the share."""
        if not 0 <= self.warmup < 1:
            raise InputError(f"`warmup` must be 0 or more and below 1. Got {self.warmup}")

    def rate_at(self, step: int, n_steps: int) -> float:
        """Factor of the learning rate at a step."""
        rise = max(1, round(self.warmup * n_steps))
        if step < rise:
            return _between(0.04, 1.0, step / rise)
        return _between(1.0, 1e-4, (step - rise) / max(1, n_steps - rise))

    def settings(self) -> dict[str, Setting]:
        """Its name and settings."""
        return {"schedule": "one cycle", "warmup": self.warmup}


@checked
@dataclass(frozen=True)
class Stable(Schedule):
    """A rise over the first steps, then always the same: no end need be known.

    Attributes:
        rise: Steps of the rise. 0 or more.

    Raises:
        InputError: If the number is negative.

    Example:
        >>> [Stable(rise=2).rate_at(step, 4) for step in range(4)]
        [0.5, 1.0, 1.0, 1.0]
    """

    rise: int = 50

    def __post_init__(self) -> None:
        """Check the number."""
        if self.rise < 0:
            raise InputError(f"`rise` must be 0 or more. Got {self.rise}")

    def rate_at(self, step: int, n_steps: int) -> float:  # of no concern here
        """Factor of the learning rate at a step."""
        return min(1.0, (step + 1) / max(1, self.rise))

    def settings(self) -> dict[str, Setting]:
        """Its name and settings."""
        return {"schedule": "stable", "rise": self.rise}


@checked
@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiplied by a factor every so many steps.

    Attributes:
        every: Steps between two falls. 1 or more.
        factor: What the learning rate is multiplied by, in (0, 1].

    Raises:
        InputError: If a number is out of range.

    Example:
        >>> [StepDecay(every=2, factor=0.5).rate_at(step, 5) for step in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.every < 1:
            raise InputError(f"`every` must be 1 or more. Got {self.every}")
        if not (isfinite(self.factor) and 0 < self.factor <= 1):
            raise InputError(f"`factor` must be above 0 and at most 1. Got {self.factor}")

    def rate_at(self, step: int, n_steps: int) -> float:  # of no concern here
        """Factor of the learning rate at a step."""
        return float(self.factor ** (step // self.every))

    def settings(self) -> dict[str, Setting]:
        """Its name and settings."""
        return {"schedule": "steps", "every": self.every, "factor": self.factor}


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * min(share, 1.0))) / 2
