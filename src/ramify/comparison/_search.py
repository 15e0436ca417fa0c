"""A small search over settings of training, the same for every method."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ramify.networks import spec_from
from ramify.records import Setting
from ramify.runs import Options

_DROPOUT = "dropout"
_RATE_FACTOR, _DECAY_FACTORS, _MOST_DROPOUT = 5.0, (0.01, 5.0), 0.7


@dataclass(frozen=True)
class TrialSettings:
    """What one trial changes.

    Attributes:
        rate_factor: What the learning rate is multiplied by.
        decay_factor: What the weight decay is multiplied by.
        dropout: Share of hidden units dropped, in a backbone that has such a setting.
    """

    rate_factor: float
    decay_factor: float
    dropout: float

    def applied(self, options: Options) -> Options:
        """The options with this trial's settings, rounded to three digits."""
        training = replace(
            options.training,
            learning_rate=_rounded(options.training.learning_rate * self.rate_factor),
            weight_decay=_rounded(options.training.weight_decay * self.decay_factor),
        )
        backbone = options.backbone
        if _DROPOUT in backbone.settings():
            drop = {**backbone.settings(), _DROPOUT: _rounded(self.dropout)}
            backbone = spec_from(backbone.kind, drop)
        return replace(options, training=training, backbone=backbone)


class Search(ABC):
    """Says which settings to try.

    All are asked for at once, before any is tried, so that they can run side by side and every
    method gets the same ones. A sampler of another library, such as an Optuna study of which
    ``ask`` is called as often as there are trials, fits behind this.
    """

    @abstractmethod
    def proposals(self, n_trials: int) -> Sequence[TrialSettings]:
        """Settings to try.

        Args:
            n_trials: How many.
        """


@dataclass(frozen=True)
class RandomSearch(Search):
    """Settings at random: factors on a logarithmic scale, dropout on a plain one.

    The learning rate is multiplied by 1/5 to 5, the weight decay by 1/100 to 5; dropout lies
    between 0 and 0.7.

    Attributes:
        seed: Of the draws; they do not depend on the seeds of the comparison.

    References:
        Bergstra, Bengio. *Random Search for Hyper-Parameter Optimization*, JMLR 2012.

    Example:
        >>> RandomSearch().proposals(3) == RandomSearch().proposals(5)[:3]
        True
    """

    seed: int = 0

    def proposals(self, n_trials: int) -> Sequence[TrialSettings]:
        """Draw settings; the first ones stay the same when more are asked for."""
        return [_drawn(np.random.default_rng([self.seed, i])) for i in range(n_trials)]


def searched(options: Options) -> dict[str, Setting]:
    """The settings that a search changes, as they are in some options."""
    names = ("learning_rate", "weight_decay", _DROPOUT)
    return {name: value for name, value in options.settings().items() if name in names}


def _drawn(rng: np.random.Generator) -> TrialSettings:
    low, high = np.log(_DECAY_FACTORS)
    span = np.log(_RATE_FACTOR)
    return TrialSettings(
        rate_factor=float(np.exp(rng.uniform(-span, span))),
        decay_factor=float(np.exp(rng.uniform(low, high))),
        dropout=float(rng.uniform(0, _MOST_DROPOUT)),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
