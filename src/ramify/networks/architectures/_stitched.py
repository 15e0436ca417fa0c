"""One network per task, with units between them: cross-stitch and sluice networks."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from typing import ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, Setting, ShapeError, checked, quoted
from ramify.data import Nested
from ramify.networks.backbones import Parts, read_settings
from ramify.networks.branched import (
    BranchedNetwork,
    Branches,
    Features,
    OwnedWeights,
    ParameterRule,
    Relation,
    TaskNetwork,
    check_separate,
    each_its_own,
    rows_of,
    rows_of_branches,
    rows_of_heads,
)
from ramify.networks.stacked import vectors, widths_after
from ramify.tasks import ROW, SharingTree, TaskSet


@checked
@dataclass(frozen=True)
class Stitching:
    """Where the networks of the tasks are stitched together, and how.

    Attributes:
        self_weight: Share of its own features that each stream starts with, in [0, 1].
        stages: After which stages, from 0 at the input; None for all.
        per_channel: Whether every channel has weights of its own.
        n_subspaces: Equal parts of each task's channels that are stitched like tasks.
        mixes_stages: Whether the heads read a mixture of all stages that are as wide as the last.
        last: Share of the last stage in that mixture at the start; None for equal shares.
        rate: Multiple of the learning rate for all these weights; 0 keeps them as they start.

    Raises:
        InputError: If a setting is out of range, or subspaces are stitched channel by channel.
    """

    self_weight: float = 0.9
    stages: tuple[int, ...] | None = None
    per_channel: bool = False
    n_subspaces: int = 1
    mixes_stages: bool = False
    last: float | None = None
    rate: float = 10.0

    def __post_init__(self) -> None:
        """Check every setting."""
        for name, share in (("self_weight", self.self_weight), ("last", self.last)):
            if share is not None and not 0 <= share <= 1:
                raise InputError(f"`{name}` must be in [0, 1]. Got {share}")
        if not (isfinite(self.rate) and self.rate >= 0):
            raise InputError(f"`rate` must be finite and 0 or more. Got {self.rate}")
        if self.n_subspaces < 1:
            raise InputError(f"`n_subspaces` must be 1 or more. Got {self.n_subspaces}")
        if self.per_channel and self.n_subspaces > 1:
            raise InputError("`per_channel` and `n_subspaces` exclude each other; give one of them")

    @property
    def couples(self) -> bool:
        """Whether a network can ever see another one's features."""
        return self.self_weight < 1 or self.rate > 0

    def places(self, n_tasks: int, n_stages: int) -> list[int]:
        """The stages after which networks of so many tasks and stages are stitched.

        Raises:
            InputError: If one does not exist.
        """
        every = range(n_stages) if self.stages is None else self.stages
        wrong = [i for i in every if not 0 <= i < n_stages]
        if wrong:
            raise InputError(f"`stages` must be from 0 to {n_stages - 1}. Got {wrong[0]}")
        return sorted(set(every)) if n_tasks > 1 else []

    def settings(self) -> dict[str, Setting]:
        """Every setting as a plain value."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


class StitchUnit(nn.Module):
    r"""Every task's features become a mixture of those of all tasks.

    .. math:: \tilde x_i = \sum_j \alpha_{ij} x_j

    A stream is a task, or one of the equal parts (subspaces) of its channels. Weights start
    convex: ``self_weight`` for the stream itself, the rest evenly for the others.

    Args:
        n_tasks: Number of tasks.
        self_weight: Share of its own features that a stream starts with, in [0, 1].
        n_subspaces: Parts of each task's channels.
        n_channels: Number of channels, for weights of each channel; None for one weight for all.

    References:
        Misra et al., CVPR 2016, equations 1 and 2; Ruder et al., AAAI 2019, equation 1.

    Example:
        >>> unit = StitchUnit(2, self_weight=0.9)
        >>> unit.weight.tolist()[0] == [torch.tensor(0.9).item(), torch.tensor(0.1).item()]
        True
    """

    def __init__(
        self,
        n_tasks: int,
        *,
        self_weight: float,
        n_subspaces: int = 1,
        n_channels: int | None = None,
    ) -> None:
        super().__init__()
        n = n_tasks * n_subspaces
        others = (1 - self_weight) / max(1, n - 1)
        weight = torch.full((n, n), others).fill_diagonal_(self_weight if n > 1 else 1.0)
        if n_channels is not None:
            weight = weight[:, :, None].repeat(1, 1, n_channels)
        self.n_subspaces = n_subspaces
        self.weight = nn.Parameter(weight)

    def forward(
        self, x: Float[Tensor, "task batch channel *more"]
    ) -> Float[Tensor, "task batch channel *more"]:
        """Mix."""
        if self.weight.ndim == 3:
            flat = x.reshape(*x.shape[:3], -1)
            return torch.einsum("ijc,jbcp->ibcp", self.weight, flat).reshape(x.shape)
        if self.n_subspaces == 1:
            return (self.weight @ x.flatten(1)).view(x.shape)
        n_tasks, n_rows, n_channels = x.shape[:3]
        if n_channels % self.n_subspaces:
            raise ShapeError(
                f"`n_subspaces` must divide the width of every stitched stage. Got "
                f"{self.n_subspaces} for {n_channels} channels"
            )
        parts = x.reshape(n_tasks, n_rows, self.n_subspaces, -1).transpose(1, 2)
        mixed = self.weight @ parts.flatten(0, 1).flatten(1)
        return mixed.view(parts.shape).transpose(1, 2).reshape(x.shape)

    def between_tasks(self) -> Float[Tensor, "task task"]:
        """How much of each task's features goes into each other's, on average over parts."""
        weight = self.weight.detach()
        if weight.ndim == 3:
            return weight.mean(2)
        n, parts = len(weight) // self.n_subspaces, self.n_subspaces
        return weight.view(n, parts, n, parts).sum(3).mean(1)


class StageMixture(nn.Module):
    r"""What a task's head reads is a mixture of its network's stages, :math:`\sum_k \beta_{mk} x_{mk}`.

    Args:
        n_tasks: Number of tasks.
        n_stages: Number of stages that take part.
        last: Share of the last one at the start, in [0, 1]; None for an equal share of each.

    References:
        Ruder et al., AAAI 2019, equation 3.
    """

    def __init__(self, n_tasks: int, n_stages: int, *, last: float | None = None) -> None:
        super().__init__()
        share = 1 / n_stages if last is None or n_stages == 1 else last
        others = (1 - share) / max(1, n_stages - 1)
        weight = torch.full((n_tasks, n_stages), others)
        weight[:, -1] = share
        self.weight = nn.Parameter(weight)

    def forward(self, stages: list[Tensor]) -> Float[Tensor, "task batch feature"]:
        """Mix features ``(task, batch, …)`` of the stages; maps are averaged over space."""
        every = torch.stack([vectors(x) for x in stages], dim=1)  # (task, stage, batch, feature)
        return torch.einsum("tk,tkbf->tbf", self.weight, every)


_MEANING: Final = (
    "Weight with which features of one task's network go into another's, the mean of both ways; 0 "
    "is nothing, negative is taken away, and the diagonal is what a network keeps of its own."
)


class StitchedNetwork(TaskNetwork):
    """One network per task; after chosen stages each goes on with a mixture of all features.

    All networks run as one batched operation per stage. With a single task there is nothing to
    stitch.

    Args:
        columns: One network per task, that is a tree that shares nothing; new, or trained, which
            is the better start. Copied, never changed.
        stitching: Where and how.

    Raises:
        InputError: If the networks share a stage, or a stage to stitch does not exist.

    References:
        Misra, Shrivastava, Gupta, Hebert. *Cross-stitch Networks for Multi-task Learning*, CVPR
        2016; Ruder, Bingel, Augenstein, Søgaard. *Latent Multi-task Architecture Learning*, AAAI
        2019.

    Example:
        >>> from ramify.tasks import Binary, Task, TaskSet
        >>> tasks = TaskSet([Task(name, Binary()) for name in "ab"])
        >>> columns = BranchedNetwork([nn.Linear(8, 4)], SharingTree.separate("ab", 1), tasks)
        >>> StitchedNetwork(columns, Stitching())(torch.zeros(5, 8)).shape
        torch.Size([5, 2])
    """

    kind: ClassVar[str] = "stitched"

    def __init__(self, columns: BranchedNetwork, stitching: Stitching) -> None:
        super().__init__()
        check_separate(columns)
        columns = copy.deepcopy(columns)
        n_tasks, n_stages = len(columns.tasks), columns.tree.n_stages
        self._places = list(range(n_tasks))  # of the tasks among those that have a network
        self.tasks, self._tree, self.stitching = columns.tasks, columns.tree, stitching
        self.stages, self.heads = columns.stages, columns.heads
        self.unit, self.reader = columns.unit, columns.reader
        places = stitching.places(n_tasks, n_stages)
        like = self.heads.weight
        widths: list[int | None] = [None] * n_stages
        if stitching.per_channel or stitching.mixes_stages:
            known = widths_after(list(self.stages), self.heads.weight.shape[1])
            widths = list(known)
        units = {
            str(i): StitchUnit(
                n_tasks,
                self_weight=stitching.self_weight,
                n_subspaces=stitching.n_subspaces,
                n_channels=widths[i] if stitching.per_channel else None,
            )
            for i in places
        }
        self.units = nn.ModuleDict(units).to(like)
        self._mixed = [i for i in range(n_stages) if widths[i] == widths[-1]]
        self.mixture: StageMixture | None = None
        if stitching.mixes_stages:
            mixture = StageMixture(n_tasks, len(self._mixed), last=stitching.last)
            self.mixture = mixture.to(like)
        for parameter in self._weights():
            parameter.requires_grad_(stitching.rate > 0)
        self._last_unit = max(places, default=-1) if stitching.couples else -1

    def maps(self, inputs: Nested) -> Float[Tensor, "task batch ..."]:
        """What the last stages give, mixed; or mixtures of stages."""
        n_tasks = len(self._tree.tasks)
        x = self.entered(inputs)
        seen = []
        for i, stage in enumerate(self.stages):
            assert isinstance(stage, Branches)  # for the type checker only
            x = stage(x, [0] * n_tasks if i == 0 else range(n_tasks))
            if str(i) in self.units:
                x = self.by_channel(self.units[str(i)], _whole(x))
            if self.mixture is not None and i in self._mixed:
                seen.append(self._read_by_heads(_whole(x)))  # the next may flatten it
        if self.mixture is not None:
            y: Tensor = self.mixture([each.flatten(1, -2) for each in seen])
            return y.view(seen[-1].shape)
        return self.channels_last(_whole(x))

    def read(self, features: Float[Tensor, "task unit feature"]) -> Tensor:
        """What the heads make of the features."""
        if len(self._places) < len(features):
            features = features[self._places]
        outputs: Tensor = self.heads(features)
        return outputs

    def _read_by_heads(self, x: Float[Tensor, "task batch ..."]) -> Tensor:
        """A stage's features as the heads read them: vectors, or those of every position."""
        if self.unit == ROW:
            return self.vectors(x, self.heads.weight.shape[1])
        return self.channels_last(x)

    @property
    def tree(self) -> SharingTree:
        """Every task has a copy of every stage."""
        return self._tree

    @property
    def components(self) -> NDArray[np.int64]:
        """One part, unless no network sees another one's features."""
        n_tasks = len(self.tasks)
        return np.zeros(n_tasks, np.int64) if self._last_unit >= 0 else np.arange(n_tasks)

    def owned_weights(self) -> list[OwnedWeights]:
        """What comes after the last unit, and that unit's own rows."""
        n_tasks = len(self.tasks)
        own = each_its_own(n_tasks)
        owned: list[OwnedWeights] = []
        for i, stage in enumerate(self.stages):
            assert isinstance(stage, Branches)  # for the type checker only
            if i > self._last_unit and n_tasks > 1:
                owned += rows_of_branches(stage, own)
        if self._last_unit >= 0:
            weight = self.units.get_submodule(str(self._last_unit)).get_parameter("weight")
            owned += rows_of([weight], each_its_own(n_tasks, self.stitching.n_subspaces))
        if self.mixture is not None and n_tasks > 1:
            owned += rows_of([self.mixture.weight], own)
        return [*owned, *rows_of_heads(self.heads, n_tasks)]

    def for_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "StitchedNetwork":
        """A network with the heads of some of the tasks; they read the others' features."""
        again = copy.deepcopy(self)
        again.tasks, again.heads = tasks, self.heads.of_tasks(tasks, places)
        again.heads.attach(range(len(tasks)))
        again._places = [self._places[place] for place in places]
        return again

    def parameter_rules(self) -> list[ParameterRule]:
        """The weights of units learn faster and do not decay: 0 is no natural value of theirs."""
        rate = self.stitching.rate
        return [ParameterRule(each, rate, decays=False) for each in self._weights()]

    def settings(self) -> Mapping[str, Setting]:
        """The stitching."""
        return self.stitching.settings()

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """A network like one that was saved."""
        now = {"self_weight" if name == "own" else name: s for name, s in settings.items()}
        stitching = read_settings(Stitching, now, f"a network {quoted(cls.kind)}")
        return cls(BranchedNetwork.rebuilt(parts, {}), stitching)

    def between_tasks(self) -> dict[int, Float[Tensor, "task task"]]:
        """For each stitched stage, how much of each task's features goes into each other's."""
        every = {int(i): unit for i, unit in self.units.items() if isinstance(unit, StitchUnit)}
        return {i: unit.between_tasks() for i, unit in every.items()}

    def relations(self) -> list[Relation]:
        """How much of two tasks' features goes into each other's, after each stitched stage."""
        found = {
            i: weights.double().cpu()[self._places][:, self._places]
            for i, weights in self.between_tasks().items()
        }
        return [
            Relation(f"stitch units, stage {i + 1}", ((w + w.T) / 2).numpy(), _MEANING)
            for i, w in found.items()
        ]

    def _weights(self) -> list[nn.Parameter]:
        mixture = [] if self.mixture is None else [self.mixture.weight]
        return [*self.units.parameters(), *mixture]


def _whole(x: Features) -> Tensor:
    return torch.stack(x) if isinstance(x, list) else x
