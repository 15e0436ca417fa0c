"""How a network is trained."""

from dataclasses import dataclass
from math import cos, isfinite, pi

from ramify._core import InputError


@dataclass(frozen=True)
class Training:
    """Epochs, optimiser and selection rule; the same for a tree and for its baselines.

    The optimiser is AdamW (Loshchilov and Hutter 2019); the learning rate rises over the first
    part of the steps and falls along a cosine to nearly nothing (one cycle, Smith 2018). The
    weights of the epoch whose validation skill, averaged with that of the two epochs before it, is
    best are kept.

    Attributes:
        epochs: Passes over the training rows. 1 or more.
        learning_rate: Highest step size. Positive.
        weight_decay: Decoupled decay of weights (not of biases and norms), times the step size.
        warmup: Share of the steps in which the learning rate rises, in [0, 1).
        gradient_clip: Largest norm of the gradient; longer ones are shortened to it.
        patience: Epochs without a better validation score after which training stops; None never.
        balance: Whether positive labels of a binary task weigh as much in total as its negative
            ones, by the task's `Binary.rate`. Off by default: it distorts the probabilities, and
            ranks no better.
    """

    epochs: int = 12
    learning_rate: float = 1e-3
    weight_decay: float = 2.0
    warmup: float = 0.1
    gradient_clip: float = 10.0
    patience: int | None = None
    balance: bool = False

    def __post_init__(self) -> None:
        """Check every number."""
        positive = {
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "gradient_clip": self.gradient_clip,
            "patience": 1 if self.patience is None else self.patience,
        }
        for name, value in positive.items():
            if not (isfinite(value) and value > 0):
                raise InputError(f"`{name}` must be finite and above 0. Got {value}")
        if not (isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise InputError(
                f"`weight_decay` must be finite and 0 or more. Got {self.weight_decay}"
            )
        if not 0 <= self.warmup < 1:
            raise InputError(f"`warmup` must be 0 or more and below 1. Got {self.warmup}")

    def rate_at(self, step: int, n_steps: int) -> float:
        """Factor of the learning rate at a step, in (0, 1].

        Args:
            step: From 0.
            n_steps: Steps of the whole training.
        """
        rise = max(1, round(self.warmup * n_steps))
        if step < rise:
            return _between(0.04, 1.0, step / rise)
        return _between(1.0, 1e-4, (step - rise) / max(1, n_steps - rise))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * min(share, 1.0))) / 2
