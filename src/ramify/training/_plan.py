"""What one training of a network is for, and how it ended."""

from dataclasses import dataclass
from math import inf

from ramify.sharing import Proposal


@dataclass(frozen=True)
class Epoch:
    """One point of a training curve."""

    phase: str
    epoch: int
    loss: float
    validation_score: float | None
    widths: list[int]


@dataclass(frozen=True)
class Plan:
    """What a segment is for.

    Attributes:
        phase: Its name, for people.
        generation: How many changes of the tree came before it; seeds its random numbers.
        n_steps: How long it lasts.
        grows: Whether the way of sharing may change the network.
        before: Steps of the same course of the learning rate that went before.
        after: Steps of the same course that are still to come.
        epochs_before: Epochs of the same phase that went before.
        ends_at: When it ends at the latest, a time of `time.monotonic`.
    """

    phase: str
    generation: int
    n_steps: int
    grows: bool
    before: int = 0
    after: int = 0
    epochs_before: int = 0
    ends_at: float = inf


@dataclass(frozen=True)
class Outcome:
    """How a segment ended.

    Attributes:
        proposals: What to go on with; empty if training is over.
        curve: Its epochs.
        n_steps: How many steps it took.
        out_of_time: Whether it ended because the time was up.
    """

    proposals: list[Proposal]
    curve: list[Epoch]
    n_steps: int
    out_of_time: bool = False
