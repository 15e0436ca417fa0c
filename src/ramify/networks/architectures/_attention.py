"""One shared network, of whose stages every task attends to its own part."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ramify._core import InputError, Setting, quoted
from ramify.data import Nested
from ramify.networks.backbones import (
    Backbone,
    Parts,
    copied_stages,
    feature_width,
    read_settings,
    unit_of,
    without_reader,
)
from ramify.networks.branched import (
    OwnedWeights,
    ParameterRule,
    StackedHeads,
    TaskNetwork,
    each_its_own,
    rows_of,
    rows_of_heads,
)
from ramify.networks.stacked import StackedLinear, check_width, take_groups, widths_after
from ramify.tasks import ROW, SharingTree, TaskSet


class AttentionUnit(nn.Module):
    r"""A mask of each task over shared features.

    .. math:: a_t = 2\, \sigma(H_t \max(0, G_t z + P_t a_t^{-} + c_t) + d_t) \odot z

    with the shared features *z* and what the task attended to at the stage before, at every
    place of a map alike (1 × 1 convolutions). H and d start at 0, so that at first every task sees
    the shared features as they are. The paper has no factor 2 and normalises over the batch.

    Args:
        n_tasks: Number of tasks.
        width: Channels of the stage.
        before: Channels of the stage before; None at the first one.
        hidden: Width of the mask's hidden layer.

    References:
        Liu, Johns, Davison. *End-to-End Multi-Task Learning with Attention*, CVPR 2019, section 3.
    """

    def __init__(self, n_tasks: int, width: int, before: int | None, hidden: int) -> None:
        super().__init__()
        self.gather = StackedLinear([nn.Linear(width, hidden)] * n_tasks)
        self.previous: StackedLinear | None = None
        if before is not None:
            self.previous = StackedLinear([nn.Linear(before, hidden, bias=False)] * n_tasks)
        mask = nn.Linear(hidden, width)
        nn.init.zeros_(mask.weight)
        nn.init.zeros_(mask.bias)
        self.mask = StackedLinear([mask] * n_tasks)

    def forward(
        self,
        shared: Float[Tensor, "one batch channel *places"],
        attended: Float[Tensor, "task batch below *somewhere"] | None,
    ) -> Float[Tensor, "task batch channel *places"]:
        """What each task attends to.

        Args:
            shared: Features of the stage.
            attended: What the tasks attended to at the stage before.
        """
        z = shared.movedim(2, -1)  # a map's places before its channels
        hidden = self.gather(z)
        if self.previous is not None and attended is not None:
            hidden = hidden + self.previous(_resized(attended, shared).movedim(2, -1))
        mask = 2 * torch.sigmoid(self.mask(functional.relu(hidden)))
        return (mask * z).movedim(-1, 2)


def _resized(x: Tensor, like: Tensor) -> Tensor:
    """Averaged over space to the size of other features."""
    if x.shape[3:] == like.shape[3:]:
        return x
    if x.ndim == like.ndim == 5:
        pooled = functional.adaptive_avg_pool2d(x.flatten(0, 1), like.shape[3:])  # type: ignore[arg-type]
        return pooled.view(*x.shape[:2], *pooled.shape[1:])
    mean = x.flatten(3).mean(3)
    return mean.view(*mean.shape, *(1,) * (like.ndim - 3)).expand(*mean.shape, *like.shape[3:])


@dataclass(frozen=True)
class _Settings:
    hidden: int = 32


class AttentionNetwork(TaskNetwork):
    """One shared network; at every stage each task has a mask over the features.

    The masks of all tasks are one batched operation per stage. At first all masks are 1, and it
    computes what hard sharing does.

    Args:
        backbone: An ``nn.Sequential`` or a list of modules. Copied, never changed.
        tasks: The tasks.
        hidden: Width of each mask's hidden layer.
        n_features: As for `BranchedNetwork`.

    Raises:
        InputError: If ``hidden`` is below 1.

    References:
        Liu, Johns, Davison. *End-to-End Multi-Task Learning with Attention*, CVPR 2019.

    Example:
        >>> import torch
        >>> from ramify.tasks import Binary, Task
        >>> tasks = TaskSet([Task(name, Binary()) for name in "ab"])
        >>> network = AttentionNetwork([nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 4)], tasks)
        >>> network(torch.zeros(5, 8)).shape
        torch.Size([5, 2])
    """

    kind: ClassVar[str] = "attention"

    def __init__(
        self, backbone: Backbone, tasks: TaskSet, *, hidden: int = 32, n_features: int | None = None
    ) -> None:
        super().__init__()
        if hidden < 1:
            raise InputError(f"`hidden` must be 1 or more. Got {hidden}")
        parts = copied_stages(backbone)
        self.unit = unit_of(tasks, parts)
        self.reader, parts = without_reader(parts)
        width = feature_width(parts, self.unit) if n_features is None else n_features
        self.tasks, self._hidden = tasks, hidden
        self._tree = SharingTree.shared(tasks.names, len(parts))
        self.heads = StackedHeads(width, tasks)
        self.heads.attach(range(len(tasks)))
        self.stages = nn.ModuleList(parts)
        self._widths = widths_after(parts, width)
        below = [None, *self._widths]
        self.units = nn.ModuleList(
            AttentionUnit(len(tasks), width, before, hidden)
            for width, before in zip(self._widths, below, strict=False)
        )

    def maps(self, inputs: Nested) -> Float[Tensor, "task batch ..."]:
        """What every task attends to at the last stage."""
        shared = inputs if self.reader is None else self.reader(inputs)
        attended: Tensor | None = None
        for i, (stage, unit) in enumerate(zip(self.stages, self.units, strict=True)):
            shared = stage(shared)
            attended = self._attended(i, unit, shared.unsqueeze(0), attended)
        assert attended is not None  # for the type checker only
        return attended.movedim(2, -1) if self.unit != ROW else attended

    def _attended(
        self, stage: int, unit: nn.Module, seen: Tensor, before: Tensor | None
    ) -> Float[Tensor, "task batch channel ..."]:
        """What every task attends to at a stage."""
        if self.unit == ROW:
            is_last = stage + 1 == len(self.stages)
            # The next stage may flatten maps.
            if is_last or seen[0, 0].numel() == self._widths[stage]:
                seen = seen.flatten(2)
        elif not self.unit.channels_first:
            seen = seen.movedim(-1, 2)
        check_width(seen, self._widths[stage])
        found: Tensor = unit(seen, before)
        return found

    def read(self, features: Float[Tensor, "task unit feature"]) -> Tensor:
        """What the heads make of the features."""
        outputs: Tensor = self.heads(features)
        return outputs

    @property
    def tree(self) -> SharingTree:
        """All tasks share all stages."""
        return self._tree

    @property
    def components(self) -> NDArray[np.int64]:
        """One part."""
        return np.zeros(len(self.tasks), np.int64)

    def owned_weights(self) -> list[OwnedWeights]:
        """The masks and the heads."""
        n_tasks = len(self.tasks)
        masks: Iterator[Tensor] = self.units.parameters()
        return [*rows_of(masks, each_its_own(n_tasks)), *rows_of_heads(self.heads, n_tasks)]

    def for_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "AttentionNetwork":
        """A network for some of the tasks, without the masks of the others."""
        again = copy.deepcopy(self)
        again.tasks, again._tree = tasks, self._tree.restricted(tasks.names)
        take_groups(again.units, places)
        again.heads = self.heads.of_tasks(tasks, places)
        again.heads.attach(range(len(tasks)))
        return again

    def parameter_rules(self) -> list[ParameterRule]:
        """None is treated in its own way."""
        return []

    def settings(self) -> Mapping[str, Setting]:
        """The width of the masks' hidden layers."""
        return {"hidden": self._hidden}

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """A network like one that was saved."""
        hidden = read_settings(_Settings, settings, f"a network {quoted(cls.kind)}").hidden
        return cls(parts.backbone, parts.tasks, hidden=hidden, n_features=parts.n_features)
