"""How wide the features between two stages are, from the layers that read them."""

from collections.abc import Sequence

from torch import Tensor, nn

from ramify._core import InputError, ShapeError
from ramify.networks.stacked._stacked_layers import StackedConv2d, StackedLinear


def widths_after(stages: Sequence[nn.Module], n_features: int) -> list[int]:
    """Number of channels, or features, that each stage puts out.

    Args:
        stages: From input to output, plain or as branches.
        n_features: What the last one puts out.

    Raises:
        InputError: If a stage has neither a dense layer nor a convolution.

    Example:
        >>> widths_after([nn.Linear(6, 8), nn.Linear(8, 4)], 4)
        [8, 4]
    """
    return [*(width_read(stage) for stage in stages[1:]), n_features]


def width_read(stage: nn.Module) -> int:
    """Number of channels, or features, that a stage takes in, by its first layer with weights.

    Raises:
        InputError: If it has no dense layer, convolution or recurrent layer.
    """
    for layer in stage.modules():
        if isinstance(layer, nn.Linear):
            return layer.in_features
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            return layer.in_channels
        if isinstance(layer, nn.RNNBase):
            return layer.input_size
        if isinstance(layer, StackedLinear):
            return layer.weight.shape[2]
        if isinstance(layer, StackedConv2d):
            return layer.weight.shape[2] * layer.groups
    raise InputError(
        "`backbone` must have an nn.Linear, a convolution or a recurrent layer in every stage, which "
        f"tells how wide its input is. Got a stage of type {type(stage).__name__}"
    )


def vectors(x: Tensor) -> Tensor:
    """Features as vectors, ``(branch, batch, channel)``: maps are averaged over space.

    Args:
        x: ``(branch, batch, channel, …)``.
    """
    return x if x.ndim == 3 else x.flatten(3).mean(3)


def as_read(x: Tensor, width: int) -> Tensor:
    """Features as vectors of the width that a stage reads: flattened, or averaged over space.

    Args:
        x: ``(branch, batch, channel, …)``.
        width: What the stage reads.

    Raises:
        ShapeError: If neither has that width.
    """
    if x[0, 0].numel() == width:
        return x.flatten(2)
    check_width(x, width)
    return vectors(x)


def check_width(x: Tensor, width: int) -> None:
    """Refuse features that are not as wide as a stage says that it reads.

    Args:
        x: ``(branch, batch, channel, …)``.
        width: What was expected.

    Raises:
        ShapeError: If they are not.
    """
    if x.shape[2] != width:
        raise ShapeError(
            f"a stage must read the {x.shape[2]} channels that it gets, and its first layer reads "
            f"{width}; flatten or reshape at the end of a stage, not at the start of the next"
        )
