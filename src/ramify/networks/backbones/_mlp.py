"""The built-in backbone for tables."""

import itertools
from collections.abc import Sequence

from torch import nn

from ramify._core import InputError
from ramify.networks.backbones._stages import Residual


def mlp(
    n_inputs: int,
    hidden: Sequence[int] = (256, 256),
    *,
    dropout: float = 0.6,
    input_dropout: float = 0.1,
) -> nn.Sequential:
    """A multilayer perceptron in stages: linear, layer norm, ReLU, dropout; residual where it fits.

    A stage whose width is that of the stage before it adds to its input.

    Args:
        n_inputs: Width of the input.
        hidden: Width of each stage, from input to output.
        dropout: Share of hidden units that are dropped in training, in [0, 1).
        input_dropout: Share of inputs that are dropped in training, in [0, 1).

    Raises:
        InputError: If a width is below 1, there is none, or a share is out of range.

    Example:
        >>> len(mlp(1024, hidden=(64, 64)))
        2
    """
    if not hidden or n_inputs < 1 or min(hidden) < 1:
        raise InputError(
            "`n_inputs` and every width in `hidden` must be 1 or more, with at least one width. "
            f"Got {n_inputs} and {list(hidden)}"
        )
    for name, share in (("dropout", dropout), ("input_dropout", input_dropout)):
        if not 0 <= share < 1:
            raise InputError(f"`{name}` must be 0 or more and below 1. Got {share}")
    widths = (n_inputs, *hidden)
    stages = [
        _stage(before, after, dropout, input_dropout if i == 0 else 0.0)
        for i, (before, after) in enumerate(itertools.pairwise(widths))
    ]
    return nn.Sequential(*stages)


def _stage(before: int, after: int, dropout: float, input_dropout: float) -> nn.Module:
    layers = [nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU(), nn.Dropout(dropout)]
    if input_dropout:
        return nn.Sequential(nn.Dropout(input_dropout), *layers)
    block = nn.Sequential(*layers)
    return Residual(block) if before == after else block
