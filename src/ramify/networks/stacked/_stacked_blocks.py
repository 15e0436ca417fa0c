"""Layers without weights, and blocks of layers, on several groups at once."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from ramify.networks.stacked._stacked import Run, Stacked
from ramify.networks.stacked._stacked_channels import apart, beside


class StackedElementwise(Stacked):
    """A layer that treats every element alike, or only looks along the last axis.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer as it is."""
        y: Tensor = self.layer(x)
        return y

    def each(self, n_groups: int) -> Sequence[Run]:
        """The same layer for each."""
        return [self.layer] * n_groups


class StackedChannels(Stacked):
    """A layer without weights that treats every channel alike, such as a pool.

    Args:
        layer: The layer, on ``(batch, channel, …)``.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Float[Tensor, "group batch channel *more"]) -> Tensor:
        """Apply the layer to the channels of all groups side by side."""
        return apart(self.layer(beside(x)), len(x))

    def each(self, n_groups: int) -> Sequence[Run]:
        """The same layer for each."""
        return [self.layer] * n_groups


class ChannelsLast(nn.Module):
    """Features ``(batch, channel, *positions)`` as ``(batch, *positions, channel)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Move the channels."""
        return x.movedim(1, -1)


class StackedChannelsLast(Stacked):
    """`ChannelsLast`, one axis further on."""

    def forward(self, x: Tensor) -> Tensor:
        """Move the channels."""
        return x.movedim(2, -1)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The same for each."""
        return [ChannelsLast()] * n_groups


class StackedFlatten(Stacked):
    """`torch.nn.Flatten` of axes after the batch.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: nn.Flatten) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Flatten, one axis further on."""
        start, end = self.layer.start_dim, self.layer.end_dim
        return x.flatten(start + 1, end if end < 0 else end + 1)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The same layer for each."""
        return [self.layer] * n_groups


Rule = Callable[[Mapping[str, Run], Tensor], Tensor]
"""What a block does with an input, given its children by name."""


class StackedBlock(Stacked):
    """A block that only calls its children, and adds what they give.

    Args:
        children: The block's children, stacked, by name.
        rule: What the block does with them.
    """

    def __init__(self, children: Mapping[str, Stacked], rule: Rule) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)
        self._known, self._rule = dict(children), rule  # to ask a module for children takes long

    def forward(self, x: Tensor) -> Tensor:
        """Run the block on all groups at once."""
        return self._rule(self._known, x)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The blocks one by one."""
        runs = {name: child.each(n_groups) for name, child in self._known.items()}
        return [
            partial(self._rule, {name: every[g] for name, every in runs.items()})
            for g in range(n_groups)
        ]


def in_turn(children: Mapping[str, Run], x: Tensor) -> Tensor:
    """What `torch.nn.Sequential` does."""
    for run in children.values():
        x = run(x)
    return x


def residual(children: Mapping[str, Run], x: Tensor) -> Tensor:
    """What `Residual` does."""
    return x + children["inner"](x)


def basic_block(children: Mapping[str, Run], x: Tensor) -> Tensor:
    """What `BasicBlock` does."""
    relu = children["relu"]
    y = relu(children["bn1"](children["conv1"](x)))
    return relu(children["bn2"](children["conv2"](y)) + children["shortcut"](x))
