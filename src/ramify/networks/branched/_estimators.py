"""The stages that selective sharing puts between the shared features and the heads."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from ramify._core import InputError
from ramify.networks.stacked import ChannelsLast
from ramify.tasks import ROW, Unit


def estimator_stages(n_features: int, widths: Sequence[int], unit: Unit = ROW) -> list[nn.Module]:
    """Dense stages with a ReLU each, for a network's last stages.

    Args:
        n_features: Width of the features that they read; features of pictures are flattened.
        widths: Width of each stage.
        unit: What the positions of the features are, which are then kept.

    Raises:
        InputError: If a width is below 1.

    Example:
        >>> len(estimator_stages(16, [8, 4]))
        2
    """
    if min(widths, default=1) < 1:
        raise InputError(f"`estimator` must be widths of 1 or more. Got {list(widths)}")
    stages = [
        nn.Sequential(nn.Linear(before, after), nn.ReLU())
        for before, after in pairwise((n_features, *widths))
    ]
    if not stages or (unit != ROW and not unit.channels_first):
        return list(stages)
    before = nn.Flatten() if unit == ROW else ChannelsLast()
    return [nn.Sequential(before, *stages[0]), *stages[1:]]
