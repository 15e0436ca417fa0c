"""How a network is trained."""

from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Final, NamedTuple

from ramify._core import InputError, checked, listed, quoted
from ramify.records import Setting
from ramify.training._optimisers import SGD, AdamW, Optimiser
from ramify.training._schedules import OneCycle, Schedule, Stable, StepDecay
from ramify.weighting import Equal, GramRule, Weighting, as_weighting


class _Budget(NamedTuple):
    """What an effort comes to.

    Attributes:
        steps: So many steps are allowed at least.
        epochs: So many epochs are allowed at least: data of many rows has more to learn from.
        patience: Fewest steps without a better validation score after which training stops.
    """

    steps: int
    epochs: int
    patience: int


EFFORTS: Final = {
    "quick": _Budget(500, 4, 150),
    "standard": _Budget(3000, 16, 250),
    "best": _Budget(12_000, 64, 1000),
}
"""How much work is worth while, by name."""

# A check of fewer steps than these sees noise, and costs as much as they do.
_STEPS_BETWEEN_CHECKS: Final = 50
_WARM_UP_EPOCHS: Final = 4
_WARM_UP_STEPS: Final = 400
_WARM_UP_SHARE: Final = 0.25  # of all steps, at most


class Length(NamedTuple):
    """How long a training lasts, for data of so many steps per epoch.

    Attributes:
        n_steps: Most steps, of a warm-up and what follows it together where ``is_shared_out``.
        warm_up_epochs: Epochs of a warm-up that does not say how long it is.
        epochs_between_checks: Epochs after which the network is scored, again and again.
        is_shared_out: Whether a warm-up is a part of ``n_steps``; if not, it comes before them.
    """

    n_steps: int
    warm_up_epochs: int
    epochs_between_checks: int
    is_shared_out: bool


@checked
@dataclass(frozen=True)
class Training:
    """Length, optimiser and selection rule; the same for a tree and for its baselines.

    With neither ``epochs`` nor ``iterations`` the length follows from the data: at most 3,000 steps
    or 16 epochs, whichever is more, a warm-up that learns a tree included. The learning rate rises
    over 50 steps and then stays; what is scored and kept are the weights averaged over about the
    last tenth of the steps, so that a training may stop anywhere. It is scored after each epoch, or
    after as many epochs as make 50 steps, and stops once no better score came for 250 steps, or for
    half as many steps as the best one took, whichever is more.

    The weights whose validation skill, averaged with that of the two scorings before it, is best are
    kept.

    Attributes:
        epochs: Passes over the training rows, on a learning rate that rises and falls over them
            (see `OneCycle`); 1 or more. None for a length that follows from the data.
        learning_rate: Highest step size, positive; None for 2e-3, or with ``epochs`` or
            ``iterations`` 1e-3.
        weight_decay: Decay of weights (not of biases and norms), as the optimiser takes it; None
            for 1, or with ``epochs`` or ``iterations`` 2.
        gradient_clip: Largest norm of the gradient; longer ones are shortened to it.
        patience: Scorings without a better one after which training stops; None for never with
            ``epochs`` or ``iterations``, else for what is said above.
        balance: Whether positive labels of a binary task weigh as much in total as its negative
            ones, by the task's `Binary.rate`. Off by default: it distorts the probabilities, and
            ranks no better.
        iterations: Length in steps, in place of ``epochs``; None for epochs.
        steps: At most so many steps, of a length that follows from the data; None for what
            ``effort`` says.
        effort: ``quick`` (at most 500 steps or 4 epochs), ``standard``, or ``best`` (12,000 steps
            or 64 epochs, with four times the patience).
        optimiser: The rule by which weights move.
        schedule: The course of the learning rate over the steps; None for `Stable`, or with
            ``epochs`` or ``iterations`` `OneCycle`.
        keep_best: Whether the best weights are kept; if not, those of the last step.
        sum_over_tasks: Whether the losses of the tasks are added up, not averaged: gradients, and
            with `SGD` the steps, are then as many times longer as there are tasks.
        weighting: How much each task's loss counts in a step; also a weighting of TorchJD, or any
            function from a Gram matrix to weights (see `as_weighting`).
        exact_gradients: Whether weightings that compare gradients take those of all shared
            parameters, one backward pass per task, in place of those at the shared features.

    Raises:
        InputError: If a number is out of range, the effort is unknown, or several lengths are given.

    References:
        Hu et al. *MiniCPM*, 2024, for a learning rate that needs no known end; Izmailov et al.
        *Averaging Weights Leads to Wider Optima and Better Generalization*, UAI 2018, for averaged
        weights in the place of its fall.
    """

    epochs: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    gradient_clip: float = 10.0
    patience: int | None = None
    balance: bool = False
    iterations: int | None = None
    steps: int | None = None
    effort: str = "standard"
    optimiser: Optimiser = field(default_factory=AdamW)
    schedule: Schedule | None = None
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
            "patience": self.patience,
            "iterations": self.iterations,
            "steps": self.steps,
        }
        for name, value in positive.items():
            if value is not None and not (isfinite(value) and value > 0):
                raise InputError(f"`{name}` must be finite and above 0. Got {value}")
        if not (isfinite(self.decay) and self.decay >= 0):
            raise InputError(
                f"`weight_decay` must be finite and 0 or more. Got {self.weight_decay}"
            )
        if self.effort not in EFFORTS:
            raise InputError(
                f"must be among {listed(EFFORTS)}", argument="effort", got=quoted(self.effort)
            )
        if self.steps is not None and not self.stops_by_itself:
            raise InputError(
                "must be given without `epochs` and `iterations`, which are lengths of their own",
                argument="steps",
                got=str(self.steps),
                remedy="leave one of them out",
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

    @property
    def stops_by_itself(self) -> bool:
        """Whether the length follows from the data, and the weights are averaged."""
        return self.epochs is None and self.iterations is None

    @property
    def rate(self) -> float:
        """The highest step size: what was given, or the usual one."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 2e-3 if self.stops_by_itself else 1e-3

    @property
    def decay(self) -> float:
        """The decay of weights: what was given, or the usual one."""
        if self.weight_decay is not None:
            return self.weight_decay
        return 1.0 if self.stops_by_itself else 2.0

    @property
    def course(self) -> Schedule:
        """The course of the learning rate: what was given, or the usual one."""
        if self.schedule is not None:
            return self.schedule
        return Stable() if self.stops_by_itself else OneCycle()

    def length(self, steps_per_epoch: int) -> Length:
        """How long a training lasts.

        Args:
            steps_per_epoch: Batches of an epoch.
        """
        if self.iterations is not None:
            return Length(self.iterations, _WARM_UP_EPOCHS, 1, is_shared_out=False)
        if self.epochs is not None:
            n_steps = self.epochs * steps_per_epoch
            return Length(n_steps, _WARM_UP_EPOCHS, 1, is_shared_out=False)
        budget = EFFORTS[self.effort]
        epochs = max(budget.epochs, ceil(budget.steps / steps_per_epoch))
        n_steps = epochs * steps_per_epoch if self.steps is None else self.steps
        wanted = max(_WARM_UP_EPOCHS, ceil(_WARM_UP_STEPS / steps_per_epoch))
        warm_up = max(1, min(wanted, round(_WARM_UP_SHARE * n_steps / steps_per_epoch)))
        checks = ceil(_STEPS_BETWEEN_CHECKS / steps_per_epoch)
        return Length(n_steps, warm_up, checks, is_shared_out=True)

    def warm_up_epochs(self, asked: int | None) -> int:
        """Epochs of a warm-up that come before those of a training by epochs.

        Args:
            asked: How many a strategy wants; None for the usual number.
        """
        return _WARM_UP_EPOCHS if asked is None else asked

    def longest_wait(self, best_step: int, steps_between_checks: int) -> float:
        """Steps without a better score after which training stops.

        Args:
            best_step: That of the best score.
            steps_between_checks: From one scoring to the next.
        """
        if self.patience is not None:
            return self.patience * steps_between_checks
        if not self.stops_by_itself:
            return inf
        # What took long to become better may take long to do so again.
        return max(EFFORTS[self.effort].patience, best_step / 2)

    def settings(self) -> dict[str, Setting]:
        """All of it as plain values, for the record."""
        weighting = as_weighting(self.weighting)
        return {
            "epochs": self.epochs,
            "iterations": self.iterations,
            **self._by_itself(),
            "learning_rate": self.rate,
            "weight_decay": self.decay,
            "gradient_clip": self.gradient_clip,
            "patience": self.patience,
            "balance": self.balance,
            "keep_best": self.keep_best,
            "sum_over_tasks": self.sum_over_tasks,
            **self.optimiser.settings(),
            **self.course.settings(),
            "weighting": weighting.word,
            **{f"weighting_{name}": value for name, value in weighting.settings().items()},
            "exact_gradients": self.exact_gradients,
        }

    def _by_itself(self) -> dict[str, Setting]:
        if not self.stops_by_itself:
            return {}
        return {"steps": self.steps, "effort": self.effort}
