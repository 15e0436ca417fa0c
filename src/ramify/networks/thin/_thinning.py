"""The walk through a wide network, from the input up, that makes it thin."""

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ramify._core import InputError
from ramify.networks.backbones import BasicBlock, Layer, Residual, check_plain
from ramify.networks.thin._channels import Channels, Norm, filters_of, thin_layer, thin_norm
from ramify.networks.thin._somp import somp

Thinned = tuple[nn.Module, Channels]
"""A thin module, and the channels that it puts out."""


@dataclass(frozen=True)
class ChannelContext:
    """What a module's surroundings ask of it.

    Attributes:
        inputs: The channels that it gets.
        outputs: The channels that it must put out, where a sum needs them; else None.
        norm: What follows it.
    """

    inputs: Channels
    outputs: Channels | None = None
    norm: nn.Module | None = None


class Thinning:
    """Makes modules thin, one after the other.

    Args:
        widths: How many filters each layer keeps.
        generator: For places that SOMP leaves.
    """

    def __init__(self, widths: Mapping[nn.Module, int], generator: torch.Generator | None) -> None:
        self._widths, self._generator = widths, generator

    def of(self, module: nn.Module, context: ChannelContext) -> Thinned:
        """A thin module in the place of a wide one."""
        check_plain(module, "pretrained")
        if isinstance(module, Layer):
            outputs = context.outputs
            if outputs is None:
                filters = filters_of(module, context.inputs, context.norm)
                outputs = self._selected(module, filters)
            return thin_layer(module, context.inputs, outputs), outputs
        if isinstance(module, Norm):
            return thin_norm(module, context.inputs), context.inputs
        if isinstance(module, nn.Sequential):
            return self._in_turn(module, context)
        if isinstance(module, Residual):
            inner, outputs = self.of(module.inner, ChannelContext(context.inputs, context.inputs))
            return Residual(inner).train(module.training), outputs
        if isinstance(module, BasicBlock):
            return self._block(module, context)
        if next(module.parameters(), None) is not None:
            raise InputError(
                "`pretrained` must be made of convolutions, dense layers, batch and layer norms, "
                f"Residual, BasicBlock and layers without weights. Got {type(module).__name__}"
            )
        return copy.deepcopy(module), context.inputs

    def _in_turn(self, modules: nn.Sequential, context: ChannelContext) -> Thinned:
        thin: OrderedDict[str, nn.Module] = OrderedDict()
        channels = context.inputs
        children = list(modules._modules.items())
        asked = _asked(list(modules), context.outputs)
        norms = [*list(modules)[1:], context.norm]
        for (name, module), outputs, norm in zip(children, asked, norms, strict=True):
            assert module is not None  # for the type checker only
            thin[name], channels = self.of(module, ChannelContext(channels, outputs, norm))
        return nn.Sequential(thin).train(modules.training), channels

    def _block(self, block: BasicBlock, context: ChannelContext) -> Thinned:
        thin = copy.deepcopy(block)
        first, inside = self.of(block.conv1, ChannelContext(context.inputs, norm=block.bn1))
        outputs = context.inputs
        if not isinstance(block.shortcut, nn.Identity):
            outputs = context.outputs or self._for_sum(block, context.inputs, inside)
            thin.shortcut, _ = self.of(block.shortcut, ChannelContext(context.inputs, outputs))
        second, _ = self.of(block.conv2, ChannelContext(inside, outputs))
        parts = {
            "conv1": first,
            "bn1": thin_norm(block.bn1, inside),
            "conv2": second,
            "bn2": thin_norm(block.bn2, outputs),
        }
        for name, part in parts.items():
            setattr(thin, name, part)
        return thin, outputs

    def _for_sum(self, block: BasicBlock, inputs: Channels, inside: Channels) -> Channels:
        """Channels for the sum of both paths, whose filters are one filter over all their inputs."""
        projection, norm = block.shortcut.children()
        if not (isinstance(block.conv2, Layer) and isinstance(projection, Layer)):
            raise InputError(
                "`pretrained` must have plain convolutions in a BasicBlock. "
                f"Got {type(block.conv2).__name__} and {type(projection).__name__}"
            )
        paths = [filters_of(block.conv2, inside, block.bn2), filters_of(projection, inputs, norm)]
        return self._selected(block.conv2, torch.cat(paths, dim=1))

    def _selected(self, layer: Layer, filters: Tensor) -> Channels:
        n, width = len(filters), self._widths[layer]
        if width == n:
            return Channels.all(n)
        return Channels(n, somp(filters, width, generator=self._generator))


def _asked(modules: Sequence[nn.Module], outputs: Channels | None) -> list[Channels | None]:
    """The channels that each of several modules in turn must put out, so that the last ones do.

    What passes channels on hands the wish down to what comes before it.
    """
    asked: list[Channels | None] = [None] * len(modules)
    for i in reversed(range(len(modules))):
        asked[i] = outputs
        if not _passes_on(modules[i]):
            break
    return asked


def _passes_on(module: nn.Module) -> bool:
    """Whether a module puts out the very channels that it gets."""
    if isinstance(module, nn.Sequential):
        return all(_passes_on(child) for child in module)
    if isinstance(module, BasicBlock):
        return isinstance(module.shortcut, nn.Identity)
    return not isinstance(module, Layer)
