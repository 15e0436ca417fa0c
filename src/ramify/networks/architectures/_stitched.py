"""One network per task, with units between them: cross-stitch and sluice networks."""

import copy
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import Setting, quoted
from ramify.data import Nested
from ramify.networks.architectures._stitch_unit import StageMixture, StitchUnit
from ramify.networks.architectures._stitching import Stitching
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
from ramify.networks.stacked import widths_after
from ramify.tasks import ROW, SharingTree, TaskSet

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
                own=stitching.own,
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
        stitching = read_settings(Stitching, settings, f"a network {quoted(cls.kind)}")
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
