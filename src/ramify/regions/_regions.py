"""A map per task and picture of what the task's answer rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError
from ramify.data import ImageEncoder
from ramify.networks import TaskModel
from ramify.regions._methods import HiResCam, RegionMethod
from ramify.regions._overlap import Overlap, overlap_of
from ramify.regions._task_path import task_path
from ramify.runs import Model

_BATCH = 64
_FINE = 36


@dataclass(frozen=True)
class Regions:
    """What each task looks at.

    Attributes:
        maps: ``(task, image, height, width)``, each from 0 to 1, or 0 all over where nothing in
            the picture speaks for the task's answer.
        tasks: Names, in the order of the maps.
        groups: The tasks that share the last stage, group by group.
        stage: The stage that was looked at, from 0 at the input.
        method: Name of the method.
    """

    maps: Float[np.ndarray, "task image height width"]
    tasks: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    stage: int
    method: str

    def overlap(
        self,
        share: float = 0.2,
        *,
        groups: Sequence[Sequence[str]] | None = None,
        n_draws: int = 1000,
        seed: int = 0,
    ) -> Overlap:
        """How far tasks look at the same parts, and groups more than other pairs.

        Args:
            share: Part of the pixels that count as a task's region, in (0, 1).
            groups: The groups to judge, each task in at most one; by default those of the network.
            n_draws: Of permutations and of the bootstrap.
            seed: Of the draws.

        Raises:
            InputError: If an argument is out of range, or a group has a task without maps.
        """
        chosen = self.groups if groups is None else groups
        return overlap_of(self.maps, self.tasks, chosen, share=share, n_draws=n_draws, seed=seed)


def activation_regions(
    network: Model | TaskModel,
    images: Shaped[Tensor, "image channel height width"],
    tasks: Sequence[str] | None = None,
    *,
    stage: int | None = None,
    method: RegionMethod | None = None,
) -> Regions:
    """Find what each task looks at in each picture.

    Args:
        network: A trained model, or its network of branches.
        images: For a model bytes as it takes them; for a network what it takes.
        tasks: Their names; by default all.
        stage: From 0 at the input; by default the last that still has 36
            places or more, or else the last with places.
        method: By default `HiResCam`.

    Raises:
        InputError: If there is no picture, the stage has no places, a task is unknown, the model
            reads a table, or captum is missing.

    Example:
        >>> import torch
        >>> from ramify.networks import BranchedNetwork
        >>> from ramify.tasks import Binary, SharingTree, Task, TaskSet
        >>> backbone = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 5)]
        >>> pair = TaskSet([Task("a", Binary()), Task("b", Binary())])
        >>> network = BranchedNetwork(backbone, SharingTree.shared("ab", 2), pair)
        >>> found = activation_regions(network, torch.randn(3, 1, 8, 8), stage=0)
        >>> found.maps.shape, found.stage
        ((2, 3, 8, 8), 0)
    """
    inputs, inner = _inputs(network, images)
    names = tuple(inner.tasks.names if tasks is None else dict.fromkeys(tasks))
    if not names:
        raise InputError("`tasks` must name one task or more. Got none")
    way = HiResCam() if method is None else method
    found, chosen = [], stage
    for name in names:
        path = task_path(inner, name)
        chosen, layer = _layer(path, inputs[:1], stage)
        found.append(_maps(way, path, layer, inputs))
    groups = (tuple(n for n in group if n in names) for group in inner.tree.stages[-1])
    kept = tuple(group for group in groups if group)
    return Regions(np.stack(found), names, kept, 0 if chosen is None else chosen, way.name)


def _inputs(network: Model | TaskModel, images: Tensor) -> tuple[Tensor, TaskModel]:
    if not isinstance(network, Model):
        return _pictures(images), network
    encoder = network.encoder
    if not isinstance(encoder, ImageEncoder):
        raise InputError("activation regions need a model of pictures. This model reads a table")
    if tuple(_pictures(images).shape[1:]) != encoder.shape:
        raise InputError(
            f"`images` must be of {encoder.shape} channels, rows and columns. "
            f"Got {tuple(images.shape[1:])}"
        )
    return encoder(images.to(encoder.mean.device)), network.network


def _pictures(images: Tensor) -> Tensor:
    """The images, checked to be some."""
    if images.ndim != 4 or 0 in images.shape:
        raise InputError(
            "`images` must be one picture or more, (image, channel, height, width). "
            f"Got the shape {tuple(images.shape)}"
        )
    return images


def _layer(path: nn.Sequential, one: Tensor, stage: int | None) -> tuple[int, nn.Module]:
    """The number of the stage and the module whose output has places."""
    stages = list(path)[:-1]
    found: list[tuple[nn.Module | None, int]] = []
    x = one
    with torch.no_grad():
        for each in stages:
            layer, n_places, x = _last_with_places(each, x)
            found.append((layer, n_places))
    possible = [i for i, (layer, _) in enumerate(found) if layer is not None]
    if not possible:
        raise InputError("no stage of the network keeps the places of a picture")
    fine = [i for i in possible if found[i][1] >= _FINE]
    chosen = (fine or possible)[-1] if stage is None else stage
    layer = found[chosen][0] if 0 <= chosen < len(found) else None
    if layer is None:
        raise InputError(
            f"`stage` must be one of the first {len(possible)} stages, whose outputs keep the "
            f"places of a picture. Got one that is not (the network has {len(found)})"
        )
    return chosen, layer


def _last_with_places(stage: nn.Module, x: Tensor) -> tuple[nn.Module | None, int, Tensor]:
    """Within a stage that ends in a global pool or flattens, what goes into that."""
    parts = list(stage) if isinstance(stage, nn.Sequential) else [stage]
    layer, n_places = None, 0
    for part in parts:
        x = part(x)
        if x.ndim == 4 and x.shape[-1] * x.shape[-2] > 1:
            layer, n_places = part, x.shape[-1] * x.shape[-2]
    return layer, n_places, x


def _maps(
    method: RegionMethod, path: nn.Module, layer: nn.Module, inputs: Tensor
) -> NDArray[np.float32]:
    found = []
    for batch in torch.split(inputs, _BATCH):
        maps = method.maps(path, layer, batch.detach().clone().requires_grad_())
        largest = maps.amax(dim=(1, 2), keepdim=True)
        scaled = maps / torch.where(largest > 0, largest, torch.ones_like(largest))
        found.append(scaled.float().cpu().numpy())
    return np.concatenate(found)
