"""The weights that all networks of a run start from."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from ramify._core import InputError, quoted
from ramify.networks import (
    BackboneSpec,
    BranchedNetwork,
    MLPSpec,
    ResNetSpec,
    TaskNetwork,
    VGGSpec,
    load_torchvision,
    stages_of,
    thin_like,
)
from ramify.runs._model import Model
from ramify.runs._naming import naming


def starting_backbone(
    spec: BackboneSpec, shape: Sequence[int], start_from: Path | None
) -> nn.Sequential:
    """A backbone with random weights, or with filters selected from a trained one.

    Args:
        spec: What is wanted.
        shape: Shape of one row of input.
        start_from: Directory of a run with one shared network of the same kind, at least as wide;
            or a file with the weights of torchvision's network of the same kind. None for random
            weights.

    Raises:
        InputError: If the trained network is of another kind, branches, or does not fit.
        ModelFileError: If the files are damaged.
    """
    if start_from is None:
        return spec.build(shape)
    if start_from.is_dir():
        return _thinned(_of_run(start_from, spec, shape), spec, shape, start_from)
    wide = _full(spec).build(shape)
    with naming("--start-from", start_from):
        load_torchvision(wide, start_from)
    return _thinned(wide, spec, shape, start_from)


def _of_run(directory: Path, spec: BackboneSpec, shape: Sequence[int]) -> nn.Sequential:
    with naming("--start-from", directory):
        model = Model.load(directory)
    if model.backbone.kind != spec.kind:
        raise InputError(
            f"--start-from must name a run with a network of the kind {quoted(spec.kind)}. "
            f"{quoted(directory)} has {quoted(model.backbone.kind)}"
        )
    if model.encoder.shape != tuple(shape):
        raise InputError(
            f"--start-from must name a run on inputs of the same shape, {tuple(shape)}. "
            f"{quoted(directory)} has {model.encoder.shape}"
        )
    return shared_backbone(model.network)


def shared_backbone(network: TaskNetwork) -> nn.Sequential:
    """The stages of a network in which all tasks share everything, or all but estimators.

    Args:
        network: Unchanged, and not copied.

    Raises:
        InputError: If it branches, or shares in another way.
    """
    if not isinstance(network, BranchedNetwork):
        raise InputError(
            "--start-from must name a run with one shared network, such as one of --sharing hard. "
            f"Got one of the kind {quoted(network.kind)}"
        )
    n_stages = network.tree.n_stages - len(network.estimator)
    if max(network.tree.widths[:n_stages]) > 1:
        raise InputError(
            "--start-from must name a run with one shared network, such as one of --sharing hard. "
            f"Got one that branches to {max(network.tree.widths)} groups"
        )
    stages = list(network.stages)[:n_stages]
    return nn.Sequential(*[stage.get_submodule("copies.0") for stage in stages])


def _full(spec: BackboneSpec) -> BackboneSpec:
    """The network that torchvision has weights of."""
    if isinstance(spec, VGGSpec):
        return VGGSpec(None, spec.batch_norm, spec.affine)
    if isinstance(spec, ResNetSpec):
        return ResNetSpec(spec.depth, "imagenet", 64)
    raise InputError(
        "--start-from takes a file of weights for vgg16 and resnets only. "
        f"Got one for {quoted(spec.kind)}; name the directory of a run"
    )


def _thinned(
    wide: nn.Sequential, spec: BackboneSpec, shape: Sequence[int], source: Path
) -> nn.Sequential:
    wanted = spec.build(shape)
    if isinstance(spec, MLPSpec):
        same = [tuple(p.shape) for p in wide.parameters()]
        if same != [tuple(p.shape) for p in wanted.parameters()]:
            raise InputError("--start-from takes a multilayer perceptron of the same --hidden only")
        return nn.Sequential(*stages_of(wide))
    # Of the run's own seed: only places that the selected filters leave open are drawn.
    generator = torch.Generator().manual_seed(int(torch.initial_seed() % 2**63))
    with naming("--start-from", source):
        return thin_like(wide, wanted, generator=generator)
