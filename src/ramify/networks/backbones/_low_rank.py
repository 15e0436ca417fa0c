"""Networks whose layers are products of two thin ones: the paper's low-rank baseline."""

import copy
import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import scipy.linalg
import torch
from torch import Tensor, nn

from ramify._core import InputError, quoted
from ramify.networks.backbones._stage_copies import check_plain
from ramify.networks.backbones._stages import Backbone

Layer = nn.Conv2d | nn.Linear
Same = TypeVar("Same", bound=Layer)


def weight_layers(network: nn.Module) -> Iterator[tuple[str, Layer]]:
    """Convolutions and dense layers with their names, from input to output.

    In a `BasicBlock` the order is: the two convolutions, then that of the shortcut.
    """
    for name, module in network.named_modules():
        if isinstance(module, Layer):
            yield name, module


def like(layer: Same, weight: Tensor, bias: Tensor | None) -> Same:
    """A layer like another, with other weights and the widths that follow from them.

    Args:
        layer: The other one; its stride, padding and so on are taken over.
        weight: ``(out, in, …)``; copied.
        bias: ``(out,)``, or None for none; copied.
    """
    trains = layer.weight.requires_grad
    contiguous = weight.detach().clone(memory_format=torch.contiguous_format)
    fresh = nn.Parameter(contiguous, requires_grad=trains)
    again = copy.deepcopy(layer, {id(layer.weight): fresh})  # its own weights may be large
    own = None if bias is None else nn.Parameter(bias.detach().clone(), requires_grad=trains)
    again.register_parameter("bias", own)
    if isinstance(again, nn.Conv2d):
        again.out_channels, again.in_channels = weight.shape[:2]
        again.kernel_size = tuple(weight.shape[2:])
    else:
        again.out_features, again.in_features = weight.shape
    return again


VGG16_RANKS = (8, 8, 16, 16, 32, 32, 32, 64, 64, 64, 64, 64, 64, 64, 64)
"""The paper's ranks for the fifteen stages of VGG-16; that of its output layer is 16."""


def low_rank(backbone: Backbone, ranks: Sequence[int]) -> nn.Sequential:
    r"""A network in which every layer is a few basis filters and their mixtures.

    A convolution becomes one of the same size with *r* linear filters, followed by a 1 × 1
    convolution to its full width; a dense layer becomes two. With the weights flattened to
    :math:`W = U S V^\top`, the basis is :math:`\sqrt{S_r}\, V_r^\top` and the mixture
    :math:`U_r \sqrt{S_r}`: the best approximation of rank *r*. The bias goes to the mixture, and
    what follows a layer still follows it. There are as many stages as before.

    Args:
        backbone: An ``nn.Sequential`` or a list of modules; unchanged. With an output layer, its
            rank comes last.
        ranks: One rank per convolution and dense layer, from input to output.

    Returns:
        A new network that shares no memory with the backbone.

    Raises:
        InputError: If there is not one rank per layer, a rank is not between 1 and the rank that
            the layer may have, or a convolution is grouped.

    References:
        Baseline of Lu et al., CVPR 2017, section 5.1; the ranks of its VGG-16 are
        ``VGG16_RANKS``.

    Example:
        >>> from torch import nn
        >>> network = low_rank([nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)], ranks=(2, 3))
        >>> [tuple(w.shape) for w in network.parameters() if w.ndim == 2]
        [(2, 6), (5, 2), (3, 5), (4, 3)]
    """
    network = nn.Sequential(*[copy.deepcopy(module) for module in backbone])
    network.training = network[0].training
    layers = list(weight_layers(network))
    if len(ranks) != len(layers):
        raise InputError(
            f"`ranks` must have one entry per convolution and dense layer, {len(layers)}. "
            f"Got {len(ranks)}"
        )
    for (name, layer), rank in zip(layers, ranks, strict=True):
        check_plain(layer, "backbone")
        network.set_submodule(name, _factorised(name, layer, rank))
    return network


def _factorised(name: str, layer: Layer, rank: int) -> nn.Sequential:
    if isinstance(layer, nn.Conv2d) and layer.groups != 1:
        raise InputError(
            f"`backbone` must have no grouped convolution. Got {layer.groups} groups in layer "
            f"{quoted(name)}"
        )
    weight = layer.weight
    highest = min(len(weight), math.prod(weight.shape[1:]))
    if not 1 <= rank <= highest:
        raise InputError(
            f"`ranks` must be from 1 to {highest} for layer {quoted(name)}. Got {rank}"
        )
    mixture, basis = _factors(weight.detach().flatten(1), rank)
    if isinstance(layer, nn.Linear):
        pair: list[Layer] = [like(layer, basis, None), like(layer, mixture, layer.bias)]
    else:
        mixing = nn.Conv2d(rank, len(weight), 1, device="meta")
        mixing.requires_grad_(weight.requires_grad)
        pair = [
            like(layer, basis.view(rank, *weight.shape[1:]), None),
            like(mixing, mixture[:, :, None, None], layer.bias),
        ]
    return nn.Sequential(*pair).train(layer.training)


def _factors(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Mixture ``(out, rank)`` and basis ``(rank, weight)`` whose product is nearest to the weights.

    From the eigenvectors of the smaller matrix of inner products: for the first dense layer of
    VGG-16 a singular value decomposition takes many times longer. Their product is a projection
    of the weights whatever the sizes, which only share it out between the two.
    """
    if len(weight) > weight.shape[1]:
        basis, mixture = _factors(weight.T, rank)
        return mixture.T, basis.T
    wide = weight.double()
    squares, left = _leading(wide @ wide.T, rank)
    least = 1e-16 * squares[0] + torch.finfo(wide.dtype).tiny
    root = squares.maximum(least) ** 0.25
    return (left * root).to(weight), (left.T @ wide / root[:, None]).to(weight)


def _leading(gram: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The largest eigenvalues and their vectors, largest first."""
    if gram.device.type == "cpu":  # LAPACK can stop after a few, and PyTorch cannot
        last = len(gram) - 1
        values, vectors = scipy.linalg.eigh(gram.numpy(), subset_by_index=[last - n + 1, last])
        squares, left = torch.from_numpy(values), torch.from_numpy(vectors)
    else:
        squares, left = torch.linalg.eigh(gram)
    return squares[-n:].flip(0), left[:, -n:].flip(1)
