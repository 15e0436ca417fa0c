"""Thin networks that start from the filters of a wider, trained one."""

from collections.abc import Mapping

import torch
from torch import nn

from ramify._core import InputError, ShapeError, quoted
from ramify.networks.backbones import Backbone, weight_layers
from ramify.networks.thin._channels import Channels
from ramify.networks.thin._thinning import ChannelContext, Thinning


def thin_from(
    pretrained: Backbone, width: int, *, generator: torch.Generator | None = None
) -> nn.Sequential:
    r"""A thin network whose filters are selected from a trained one: min(ω, own) and 2ω wide.

    Layers are processed from the input up. A layer's filters are first restricted to the channels
    that the layer below has kept, in their order; then `somp` selects from them. The selected
    filters are copied with their biases and the rows of the norms that follow them. Channels that
    are flattened before a dense layer are kept or dropped as a whole, with all their positions.

    Differs from the paper in two points, neither of which changes anything for its own VGG-16.
    A filter is judged together with the batch norm that follows it, as it acts in evaluation:
    without its norm, the length of a filter means nothing. And where layers add to each other,
    their channels are shared: in a `Residual`, and in a `BasicBlock` without a convolution in its
    shortcut, the last layer keeps the channels of the block's input; where the shortcut has a
    convolution, the filters of both paths are judged side by side, as one filter. So the layer
    that opens a row of blocks decides for the row.

    Args:
        pretrained: The wide network, without its output layer (outputs are never copied); an
            ``nn.Sequential`` or a list of modules of convolutions, dense layers, norms,
            `Residual`, `BasicBlock`, and layers without weights that keep channels apart.
            Unchanged.
        width: ω: a convolution keeps at most ω channels, a dense layer at most 2ω.
        generator: For places that are left where the selected filters span all others; by
            default PyTorch's own.

    Returns:
        A new network that shares no memory with the wide one.

    Raises:
        InputError: If the width is below 1, or a layer is of a kind that cannot be thinned.

    References:
        Lu et al., CVPR 2017, section 3.1.

    Example:
        >>> from ramify.networks import vgg16
        >>> wide = vgg16(input_size=32, width=16)
        >>> thin_from(wide, 4)[-1][0].out_features
        8
    """
    if width < 1:
        raise InputError(f"`width` must be 1 or more. Got {width}")
    widths: dict[nn.Module, int] = {
        layer: min(len(layer.weight), width * (1 if isinstance(layer, nn.Conv2d) else 2))
        for _, layer in weight_layers(nn.ModuleList(pretrained))
    }
    return _thinned(pretrained, widths, generator)


def thin_like(
    pretrained: Backbone, thin: Backbone, *, generator: torch.Generator | None = None
) -> nn.Sequential:
    """A thin network of given widths whose filters are selected from a trained one.

    As `thin_from`, for other widths than its rule: those of a ResNet that is narrower by a factor,
    or of any network that a description builds.

    Args:
        pretrained: The wide network, see `thin_from`.
        thin: A network like it of smaller widths; only its shapes matter.
        generator: See `thin_from`.

    Returns:
        A new network with the weights' shapes of `thin`.

    Raises:
        InputError: If `thin` is not like the wide network, or a layer cannot be thinned.
        ShapeError: If a shape of `thin` cannot be had.

    Example:
        >>> from ramify.networks import resnet
        >>> wide, narrow = resnet(width=16), resnet(width=4)
        >>> thin_like(wide, narrow)[0][0].weight.shape
        torch.Size([4, 3, 7, 7])
    """
    wide_layers = [layer for _, layer in weight_layers(nn.ModuleList(pretrained))]
    thin_layers = [layer for _, layer in weight_layers(nn.ModuleList(thin))]
    if [type(layer) for layer in thin_layers] != [type(layer) for layer in wide_layers]:
        raise InputError(
            "`thin` must have the convolutions and dense layers of `pretrained`, in the same "
            f"order. Got {len(thin_layers)} for {len(wide_layers)}"
        )
    for narrow, wide in zip(thin_layers, wide_layers, strict=True):
        if len(narrow.weight) > len(wide.weight):
            raise InputError(
                "`thin` must have no layer that is wider than that of `pretrained`. "
                f"Got {len(narrow.weight)} for {len(wide.weight)} filters"
            )
    widths: dict[nn.Module, int] = {
        w: len(n.weight) for n, w in zip(thin_layers, wide_layers, strict=True)
    }
    network = _thinned(pretrained, widths, generator)
    _check_shapes(network, thin)
    return network


def _thinned(
    pretrained: Backbone, widths: Mapping[nn.Module, int], generator: torch.Generator | None
) -> nn.Sequential:
    modules = nn.Sequential(*pretrained)
    modules.training = modules[0].training
    inputs = Channels.all(_n_inputs(modules))
    network, _ = Thinning(widths, generator).of(modules, ChannelContext(inputs))
    assert isinstance(network, nn.Sequential)  # for the type checker only
    return network


def _n_inputs(modules: nn.Module) -> int:
    """Channels, or features, of the input, as the first layer tells that knows them."""
    for module in modules.modules():
        if isinstance(module, nn.LayerNorm):
            return module.normalized_shape[0]
        for name in ("in_channels", "in_features", "num_features"):
            if hasattr(module, name):
                return int(getattr(module, name))
    raise InputError("`pretrained` must have a convolution or dense layer. Got none")


def _check_shapes(network: nn.Module, thin: Backbone) -> None:
    found = [(name, tuple(parameter.shape)) for name, parameter in network.named_parameters()]
    asked = [tuple(parameter.shape) for parameter in nn.ModuleList(thin).parameters()]
    for (name, shape), other in zip(found, asked, strict=False):
        if shape != other:
            raise ShapeError(
                f"`thin` must have the shapes that follow from its widths. Got {other} where "
                f"{quoted(name)} is {shape}; build both for the same input, with the same norms, "
                "and equal widths where layers add to each other"
            )
    if len(found) != len(asked):
        raise ShapeError(
            f"`thin` must have as many parameters as `pretrained`, {len(found)} tensors. "
            f"Got {len(asked)}; build both with the same norms"
        )
