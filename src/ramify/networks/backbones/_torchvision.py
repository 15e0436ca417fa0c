"""Weights of torchvision's VGG-16 and ResNets by the names that it gives them, without it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ramify._core import InputError, ModelFileError, ShapeError, quoted
from ramify.networks.backbones._resnet import BasicBlock


def read_state(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a safetensors file or a file of `torch.save`.

    A file named ``*.safetensors`` is read as such; any other as a state dict, with PyTorch's
    restricted reader, which takes tensors and plain containers and refuses everything else.

    Args:
        path: The file.

    Raises:
        ModelFileError: If the file is missing, damaged, or holds something else.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "weights.pth"
        >>> torch.save({"conv1.weight": torch.zeros(2)}, file)
        >>> list(read_state(file))
        ['conv1.weight']
    """
    try:
        state: object = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except FileNotFoundError:
        raise ModelFileError(f"no weights at {quoted(path)}; name an existing file") from None
    except OSError as error:
        raise ModelFileError(f"cannot read the weights {quoted(path)}: {error.strerror}") from None
    except Exception:  # noqa: BLE001  # a damaged file makes PyTorch's reader raise anything
        raise ModelFileError(
            f"cannot read the weights {quoted(path)}: it is no safetensors file and no plain state "
            "dict of torch.save, or it is damaged; save the state dict alone"
        ) from None
    if not isinstance(state, Mapping) or not all(_is_entry(k, v) for k, v in state.items()):
        raise ModelFileError(
            f"{quoted(path)} must hold a state dict: tensors by name and nothing else. "
            f"Got {_described(state)}; save the state dict alone"
        )
    return dict(state)


def _is_entry(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor)


def _described(state: object) -> str:
    if not isinstance(state, Mapping):
        return f"a {type(state).__name__}"
    name = next(name for name, value in state.items() if not _is_entry(name, value))
    return f"a {type(state[name]).__name__} under {quoted(name)}"


_VGG_SIDE = 7  # torchvision averages or repeats what is left of an image to 7 × 7
_PARTS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_OUTPUTS = ("classifier.6.", "fc.")
_Norm = nn.modules.batchnorm._BatchNorm


def load_torchvision(network: nn.Sequential, weights: Path | Mapping[str, Tensor]) -> None:
    """Take over the weights of a torchvision VGG-16, VGG-16-BN, ResNet-18 or ResNet-34, in place.

    Output layers are not taken over. Batch norms of the network that the weights do not have (all
    of VGG-16; those of the dense layers of VGG-16-BN) are made to change nothing in evaluation.
    Then both compute the same, at every image size whose sides are divisible by 32: torchvision
    averages or repeats what the convolutions leave to 7 × 7, which here becomes part of the first
    dense layer.

    Args:
        network: What `vgg16` or `resnet` built, with or without output layer; a ResNet with the
            ``imagenet`` stem.
        weights: A state dict, or a file that `read_state` reads.

    Raises:
        InputError: If a tensor is missing, or there is one that the network has no place for.
        ShapeError: If a tensor does not have the shape that the network needs.
        ModelFileError: If the file cannot be read.

    References:
        torchvision.models: ``vgg.py`` and ``resnet.py``.
    """
    state = read_state(weights) if isinstance(weights, Path) else weights
    blocks = any(isinstance(module, BasicBlock) for module in network.modules())
    layers = list(_resnet_layers(network) if blocks else _vgg_layers(network, state))
    places = {
        f"{name}.{part}": tensor
        for layer, name in layers
        if name is not None
        for part, tensor in _state_of(layer)
    }
    found = dict(state)
    first = next((n for n in places if n.startswith("classifier.0.weight")), None)
    if first is not None and first in found:
        found[first] = _without_pooling(found[first], places[first])
    _check(places, found)
    with torch.no_grad():
        for name in places.keys() & found.keys():
            places[name].copy_(found[name])
        for layer, absent in layers:
            if absent is None:
                _make_identity(layer)


def _vgg_layers(
    network: nn.Sequential, state: Mapping[str, Tensor]
) -> Iterator[tuple[nn.Module, str | None]]:
    """The layers with state, and what torchvision calls each; None if it has no such layer."""
    with_norms = any(name.endswith("running_mean") for name in state)
    place, dense = 0, iter(("classifier.0", "classifier.3"))
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            name = next(dense, None)
            if name is not None:  # else it is the output layer
                yield layer, name
        elif isinstance(layer, nn.BatchNorm1d) or (isinstance(layer, _Norm) and not with_norms):
            yield layer, None
        elif isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            yield layer, f"features.{place}"
            place += 1
        elif isinstance(layer, nn.ReLU | nn.MaxPool2d):
            place += 1


def _resnet_layers(network: nn.Sequential) -> Iterator[tuple[nn.Module, str]]:
    stem = next(iter(network.children()))
    for name, kind in (("conv1", nn.Conv2d), ("bn1", nn.BatchNorm2d)):
        yield next(layer for layer in stem.modules() if isinstance(layer, kind)), name
    row, place = 1, 0
    for block in (module for module in network.modules() if isinstance(module, BasicBlock)):
        if block.conv1.stride != (1, 1):
            row, place = row + 1, 0
        for part in ("conv1", "bn1", "conv2", "bn2"):
            yield block.get_submodule(part), f"layer{row}.{place}.{part}"
        for i, layer in enumerate(block.shortcut.children()):
            yield layer, f"layer{row}.{place}.downsample.{i}"
        place += 1


def _state_of(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for part in _PARTS:
        tensor = getattr(layer, part, None)
        if tensor is not None:
            yield part, tensor


def _without_pooling(weight: Tensor, place: Tensor) -> Tensor:
    """The first dense layer together with the pooling to 7 × 7 before it, for square images."""
    n_channels, rest = divmod(weight.shape[1], _VGG_SIDE**2)
    side = round((place.shape[1] / max(n_channels, 1)) ** 0.5)
    if rest or side in {0, _VGG_SIDE} or place.shape[1] != n_channels * side**2:
        return weight  # fits as it is, or is refused for its shape
    units = torch.eye(side**2, dtype=weight.dtype).view(-1, 1, side, side)
    pooling = functional.adaptive_avg_pool2d(units, _VGG_SIDE).flatten(1)  # (left, pooled)
    wide = weight.view(len(weight), n_channels, -1) @ pooling.T
    return wide.flatten(1)


def _check(places: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    for name, tensor in places.items():
        if name not in found:
            if name.endswith("num_batches_tracked"):  # older files lack it
                continue
            raise InputError(
                f"`weights` must hold {quoted(name)}, and do not; give the state dict of the "
                "torchvision network that `network` is built like, batch norms and depth included"
            )
        if found[name].shape != tensor.shape:
            raise ShapeError(
                f"{quoted(name)} of `weights` must have the shape {tuple(tensor.shape)}. "
                f"Got {tuple(found[name].shape)}; build the network of the weights' width, input "
                "size and stem"
            )
    for name in found:
        if name not in places and not name.startswith(_OUTPUTS):
            raise InputError(
                f"`weights` hold {quoted(name)}, which `network` has no place for; build it like "
                "the torchvision network of the weights, affine batch norms and depth included"
            )


def _make_identity(norm: nn.Module) -> None:
    assert isinstance(norm, _Norm)  # for the type checker only
    if norm.running_mean is not None and norm.running_var is not None:
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    if norm.affine:
        nn.init.ones_(norm.weight)
        nn.init.zeros_(norm.bias)
