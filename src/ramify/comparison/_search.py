"""Which settings to try next: what a sampler of a search is, and what it is told."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ramify._core import checked
from ramify.networks import spec_from
from ramify.records import Setting
from ramify.runs import Options


@checked
@dataclass(frozen=True)
class Span:
    """The values that a setting may take.

    Attributes:
        low: The lowest.
        high: The highest.
        is_log: Whether the scale is logarithmic.
    """

    low: float
    high: float
    is_log: bool = False


Space = Mapping[str, Span]
Values = Mapping[str, float]


@dataclass(frozen=True)
class Tried:
    """One trial that is over.

    Attributes:
        values: Of the settings.
        skill: Mean validation skill, higher is better; None if it failed or has none.
    """

    values: Values
    skill: float | None


class Search(ABC):
    """Says which settings to try next.

    A proposal follows from what was tried and from nothing else, so that a search that was stopped
    goes on as if it had not been, with the results of its finished runs for a journal.
    """

    @property
    @abstractmethod
    def packages(self) -> Sequence[str]:
        """Packages on whose version the proposals depend."""

    @abstractmethod
    def check(self) -> None:
        """Make sure that nothing is missing, before anything is trained.

        Raises:
            InputError: If a package is.
        """

    @abstractmethod
    def proposal(self, space: Space, tried: Sequence[Tried]) -> Values:
        """Settings to try next.

        Args:
            space: What may be tried.
            tried: All trials before, in order.
        """


def rounded(value: float) -> float:
    """Three digits, which is as fine as a setting is tried."""
    return float(f"{value:.3g}")


RATE, DECAY, DROPOUT = "learning_rate", "weight_decay", "dropout"
_RATE_FACTOR, _DECAY_FACTORS, _MOST_DROPOUT = 5.0, (0.01, 5.0), 0.7


def space_of(options: Options) -> Space:
    """What may be tried around some options.

    The learning rate is multiplied by 1/5 to 5, the weight decay, unless it is 0, by 1/100 to 5;
    dropout lies between 0 and 0.7 where the backbone has such a setting.

    Args:
        options: What is given.
    """
    training = options.training
    rate, decay = training.rate, training.decay
    space = {RATE: _around(rate, 1 / _RATE_FACTOR, _RATE_FACTOR)}
    if decay > 0:
        space[DECAY] = _around(decay, *_DECAY_FACTORS)
    if DROPOUT in options.backbone.settings():
        space[DROPOUT] = Span(0.0, _MOST_DROPOUT)
    return space


def given(options: Options, space: Space) -> Values:
    """The settings as they are in some options, at the nearest place of the space."""
    known = {RATE: options.training.rate, DECAY: options.training.decay}
    if DROPOUT in space:
        known[DROPOUT] = float(str(options.backbone.settings()[DROPOUT]))
    return {name: min(max(known[name], span.low), span.high) for name, span in space.items()}


def with_values(options: Options, values: Values) -> Options:
    """The options with other settings.

    Args:
        options: The options.
        values: By the names of `space_of`.
    """
    training = replace(
        options.training,
        learning_rate=values.get(RATE, options.training.rate),
        weight_decay=values.get(DECAY, options.training.decay),
    )
    backbone = options.backbone
    if DROPOUT in values:
        changed = {**backbone.settings(), DROPOUT: values[DROPOUT]}
        backbone = spec_from(backbone.kind, changed)
    return replace(options, training=training, backbone=backbone)


def searched(settings: dict[str, Setting], space: Space) -> dict[str, Setting]:
    """Those of some settings that a search changes."""
    return {name: value for name, value in settings.items() if name in space}


def _around(value: float, low: float, high: float) -> Span:
    # Rounded as proposals are, so that these stay within.
    return Span(rounded(value * low), rounded(value * high), is_log=True)
