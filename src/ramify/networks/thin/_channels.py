"""Which channels of some features a thin network keeps, and what follows for other layers."""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor, nn

from ramify._core import InputError
from ramify.networks.backbones import Layer, like

Norm = nn.modules.batchnorm._NormBase | nn.LayerNorm


@dataclass(frozen=True)
class Channels:
    """The channels that are kept, in the order in which the thin network has them.

    Attributes:
        n: How many channels there were.
        kept: Their indices.
    """

    n: int
    kept: Int[Tensor, " kept"]

    @classmethod
    def all(cls, n: int) -> "Channels":
        """All of them, as they are."""
        return cls(n, torch.arange(n))

    def of(self, size: int) -> Int[Tensor, " row"]:
        """The kept ones of values that stand side by side, equally many for each channel.

        Flattening an image gives each channel as many values in a row as it had pixels.

        Args:
            size: How many values there were.
        """
        positions, rest = divmod(size, self.n)
        if rest:
            raise InputError(
                "`pretrained` must keep channels apart from layer to layer, so that a layer after "
                f"{self.n} channels has a multiple of {self.n} inputs. Got {size}"
            )
        return (
            self.kept[:, None] * positions + torch.arange(positions, device=self.kept.device)
        ).flatten()


def thin_layer(layer: Layer, inputs: Channels, outputs: Channels) -> Layer:
    """A layer between the kept channels."""
    weight = _restricted(layer, inputs)[outputs.kept]
    bias = None if layer.bias is None else layer.bias[outputs.kept]
    return like(layer, weight, bias)


def filters_of(layer: Layer, inputs: Channels, norm: nn.Module | None) -> Tensor:
    """Filters over the kept inputs, one per row, together with the batch norm that follows.

    Args:
        layer: The layer.
        inputs: Which of its input channels are kept.
        norm: What follows the layer; only a batch norm with running statistics matters.
    """
    filters = _restricted(layer, inputs).detach().flatten(1)
    if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.running_var is not None:
        scale = (norm.running_var + norm.eps).rsqrt()
        if norm.affine:
            scale = scale * norm.weight.detach()
        filters = filters * scale[:, None]
    return filters


def thin_norm(norm: Norm, channels: Channels) -> Norm:
    """The rows of a norm that belong to the kept channels."""
    thin = copy.deepcopy(norm)
    if isinstance(thin, nn.LayerNorm):
        if len(thin.normalized_shape) != 1:
            raise InputError(
                "`pretrained` must have layer norms over one axis only. Got one over the shape "
                f"{thin.normalized_shape}"
            )
        rows = channels.of(thin.normalized_shape[0])
        thin.normalized_shape = (len(rows),)
    else:
        rows = channels.of(thin.num_features)
        thin.num_features = len(rows)
    for name, parameter in thin.named_parameters():
        fresh = nn.Parameter(parameter.detach()[rows], requires_grad=parameter.requires_grad)
        setattr(thin, name, fresh)
    for name, buffer in thin.named_buffers():
        if buffer.ndim == 1:  # not the count of batches
            setattr(thin, name, buffer[rows])
    return thin


def _restricted(layer: Layer, inputs: Channels) -> Tensor:
    if isinstance(layer, nn.Conv2d) and layer.groups != 1:
        raise InputError(
            f"`pretrained` must have no grouped convolution. Got one with {layer.groups} groups"
        )
    return layer.weight[:, inputs.of(layer.weight.shape[1])]
