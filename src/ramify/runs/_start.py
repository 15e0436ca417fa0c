"""The weights that all networks of a run start from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from ramify._core import InputError, quoted
from ramify.networks import (
    BackboneSpec,
    BranchedNetwork,
    MLPSpec,
    TaskModel,
    load_torchvision,
    stages_of,
    thin_like,
)
from ramify.runs._model import Model


@contextmanager
def naming(argument: str, path: Path) -> Iterator[None]:
    """Put an argument and what it names before the message of an error, which keeps its class.

    Args:
        argument: As Python has it.
        path: What it names.

    Example:
        >>> with naming("start_from", Path("old")):
        ...     raise InputError("must be 8", argument="width", got="4")
        Traceback (most recent call last):
        ...
        ramify._core._errors.InputError: `start_from` 'old' cannot be used: `width` must be 8. Got 4
    """
    try:
        yield
    except InputError as error:
        raise type(error)(f"{quoted(path)} cannot be used: {error}", argument=argument) from None


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
    with naming("start_from", start_from):
        load_torchvision(wide, start_from)
    return _thinned(wide, spec, shape, start_from)


def _of_run(directory: Path, spec: BackboneSpec, shape: Sequence[int]) -> nn.Sequential:
    with naming("start_from", directory):
        model = Model.load(directory)
    kind = model.network.kind if model.backbone is None else model.backbone.kind
    if kind != spec.kind:
        raise InputError(
            f"must name a run with a network of the kind {quoted(spec.kind)}. "
            f"{quoted(directory)} has {quoted(kind)}",
            argument="start_from",
        )
    if model.encoder.shape != tuple(shape):
        raise InputError(
            f"must name a run on inputs of the same shape, {tuple(shape)}. {quoted(directory)} has "
            f"{model.encoder.shape}",
            argument="start_from",
        )
    return shared_backbone(model.network)


def shared_backbone(network: TaskModel) -> nn.Sequential:
    """The stages of a network in which all tasks share everything, or all but estimators.

    Args:
        network: Unchanged, and not copied.

    Raises:
        InputError: If it branches, or shares in another way.
    """
    if not isinstance(network, BranchedNetwork):
        raise InputError(
            "must name a run with one shared network",
            argument="start_from",
            got=f"one of the kind {quoted(network.kind)}",
        )
    n_stages = network.tree.n_stages - len(network.estimator)
    if max(network.tree.widths[:n_stages]) > 1:
        raise InputError(
            "must name a run with one shared network",
            argument="start_from",
            got=f"one that branches to {max(network.tree.widths)} groups",
        )
    stages = list(network.stages)[:n_stages]
    return nn.Sequential(*[stage.get_submodule("copies.0") for stage in stages])


def _full(spec: BackboneSpec) -> BackboneSpec:
    """The network that torchvision has weights of."""
    full = spec.full()
    if full is None:
        raise InputError(
            "takes a file of weights for vgg16 and resnets only",
            argument="start_from",
            got=f"one for {quoted(spec.kind)}",
            remedy="name the directory of a run",
        )
    return full


def _thinned(
    wide: nn.Sequential, spec: BackboneSpec, shape: Sequence[int], source: Path
) -> nn.Sequential:
    wanted = spec.build(shape)
    if isinstance(spec, MLPSpec):
        same = [tuple(p.shape) for p in wide.parameters()]
        if same != [tuple(p.shape) for p in wanted.parameters()]:
            raise InputError(
                "takes a multilayer perceptron of the same `hidden` only", argument="start_from"
            )
        return nn.Sequential(*stages_of(wide))
    # Of the run's own seed: only places that the selected filters leave open are drawn.
    generator = torch.Generator().manual_seed(int(torch.initial_seed() % 2**63))
    with naming("start_from", source):
        return thin_like(wide, wanted, generator=generator)
