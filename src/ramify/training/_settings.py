"""How a network is trained."""

from dataclasses import dataclass, field
from math import isfinite

from ramify._core import InputError, quoted
from ramify.records import Setting
from ramify.training._optimisers import SGD, AdamW, Optimiser
from ramify.training._schedules import OneCycle, Schedule, StepDecay
from ramify.weighting import Equal, GramRule, Weighting, as_weighting


@dataclass(frozen=True)
class Training:
    """Length, optimiser and selection rule; the same for a tree and for its baselines.

    The weights of the epoch whose validation skill, averaged with that of the two epochs before it,
    is best are kept.

    Attributes:
        epochs: Passes over the training rows. 1 or more.
        learning_rate: Highest step size. Positive.
        weight_decay: Decay of weights (not of biases and norms), as the optimiser takes it.
        gradient_clip: Largest norm of the gradient; longer ones are shortened to it.
        patience: Epochs without a better validation score after which training stops; None never.
        balance: Whether positive labels of a binary task weigh as much in total as its negative
            ones, by the task's `Binary.rate`. Off by default: it distorts the probabilities, and
            ranks no better.
        iterations: Length in steps, in place of ``epochs``; None for epochs.
        optimiser: The rule by which weights move.
        schedule: The course of the learning rate over the steps.
        keep_best: Whether the weights of the best epoch are kept; if not, those of the last step.
        sum_over_tasks: Whether the losses of the tasks are added up, not averaged: gradients, and
            with `SGD` the steps, are then as many times longer as there are tasks.
        weighting: How much each task's loss counts in a step; also a weighting of TorchJD, or any
            function from a Gram matrix to weights (see `as_weighting`).
        exact_gradients: Whether weightings that compare gradients take those of all shared
            parameters, one backward pass per task, in place of those at the shared features.

    Raises:
        InputError: If a number is out of range.
    """

    epochs: int = 12
    learning_rate: float = 1e-3
    weight_decay: float = 2.0
    gradient_clip: float = 10.0
    patience: int | None = None
    balance: bool = False
    iterations: int | None = None
    optimiser: Optimiser = field(default_factory=AdamW)
    schedule: Schedule = field(default_factory=OneCycle)
    keep_best: bool = True
    sum_over_tasks: bool = False
    weighting: Weighting | GramRule = field(default_factory=Equal)
    exact_gradients: bool = False

    def __post_init__(self) -> None:
        """Check every number, and take any function as a weighting."""
        object.__setattr__(self, "weighting", as_weighting(self.weighting))
        positive = {
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "gradient_clip": self.gradient_clip,
            "patience": 1 if self.patience is None else self.patience,
            "iterations": 1 if self.iterations is None else self.iterations,
        }
        for name, value in positive.items():
            if not (isfinite(value) and value > 0):
                raise InputError(f"`{name}` must be finite and above 0. Got {value}")
        if not (isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise InputError(
                f"`weight_decay` must be finite and 0 or more. Got {self.weight_decay}"
            )
        if not isinstance(self.optimiser, Optimiser):
            raise InputError(
                f"`optimiser` must be an optimiser, such as AdamW(). Got {quoted(self.optimiser)}"
            )
        if not isinstance(self.schedule, Schedule):
            raise InputError(
                f"`schedule` must be a schedule, such as OneCycle(). Got {quoted(self.schedule)}"
            )

    @classmethod
    def paper(cls, *, iterations: int = 60_000, decay_every: int = 20_000) -> "Training":
        """Training as in the paper on fully-adaptive sharing; for batches of 32 rows.

        Stochastic gradient descent with momentum .9, learning rate .001 that falls to a tenth
        every ``decay_every`` steps, decay 5e-4 of weights, twice the learning rate for biases,
        gradients of length 20 at most, losses added up over tasks, the weights of the last step.

        Args:
            iterations: Steps of the training that no division interrupts; 100,000 for two data
                sets together, 40,000 for VGG-16 and the low-rank baseline, 10,000 for one task.
            decay_every: Steps between two falls; for these 40,000, 16,000 and 8,000.

        References:
            Lu et al., CVPR 2017, section 4, and the settings of the authors' code. Its momentum
            holds learning rate × gradient, ours the gradient: they differ only right after a fall.

        Example:
            >>> Training.paper(iterations=600, decay_every=200).schedule
            StepDecay(every=200, factor=0.1)
        """
        return cls(
            iterations=iterations,
            learning_rate=1e-3,
            weight_decay=5e-4,
            gradient_clip=20.0,
            optimiser=SGD(momentum=0.9, bias_rate=2.0),
            schedule=StepDecay(decay_every, 0.1),
            keep_best=False,
            sum_over_tasks=True,
        )

    def n_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return self.epochs * steps_per_epoch if self.iterations is None else self.iterations

    def settings(self) -> dict[str, Setting]:
        """All of it as plain values, for the record."""
        weighting = as_weighting(self.weighting)
        return {
            "epochs": self.epochs,
            "iterations": self.iterations,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "gradient_clip": self.gradient_clip,
            "patience": self.patience,
            "balance": self.balance,
            "keep_best": self.keep_best,
            "sum_over_tasks": self.sum_over_tasks,
            **self.optimiser.settings(),
            **self.schedule.settings(),
            "weighting": weighting.word,
            **{f"weighting_{name}": value for name, value in weighting.settings().items()},
            "exact_gradients": self.exact_gradients,
        }
