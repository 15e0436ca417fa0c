"""Several copies of one layer as a single module: dense and recurrent layers, those of channels, whole blocks.

Features have the shape ``(group, batch, …, feature)``, those of channels ``(group, batch, channel, …)``;
every parameter has the group as its first axis, and an input of a single group feeds all groups.
Inside a layer of channels those of all groups stand side by side, ``(batch, group × channel, …)``.
Results keep that order in memory, so that turning the axes between two layers is only a view.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

Run = Callable[[Tensor], Tensor]
"""One copy, at work on the features of its own group."""


class Stacked(nn.Module, ABC):
    """Several copies of a layer: all in one operation, or one by one.

    Parameters and buffers have the names of the layer's own, and the group as their first axis.
    """

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Run all copies in one operation.

        Args:
            x: ``(group, batch, …)``; a single group feeds all copies.

        Returns:
            ``(group, batch, …)``.
        """

    @abstractmethod
    def each(self, n_groups: int) -> Sequence[Run]:
        """The copies one by one, for as long as no parameter is replaced.

        Args:
            n_groups: How many copies there are, for layers whose parameters do not tell.
        """


class StackedLinear(Stacked):
    """Several `torch.nn.Linear` of one shape as one batched product.

    Args:
        layers: The layers.
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(stacked_tensors([layer.weight for layer in layers]))
        self.bias = stacked_parameter([layer.bias for layer in layers])

    def forward(
        self, x: Float[Tensor, "source batch *more in"]
    ) -> Float[Tensor, "group batch *more out"]:
        """Apply layer *g* to the features of group *g*."""
        n_groups, n_out, n_in = self.weight.shape
        if len(x) == 1 and n_groups > 1:  # one wide product instead of many narrow ones
            wide = functional.linear(x.squeeze(0), self.weight.reshape(n_groups * n_out, n_in))
            y = wide.view(*wide.shape[:-1], n_groups, n_out).movedim(-2, 0)
            return y if self.bias is None else y + _beside(self.bias, y)
        rows, turned = x.flatten(1, -2), self.weight.transpose(1, 2)
        if self.bias is None:
            y = torch.bmm(rows, turned)
        else:
            y = torch.baddbmm(self.bias[:, None], rows, turned)
        return y.view(n_groups, *x.shape[1:-1], n_out)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The layers one by one."""
        pairs = zip(self.weight.unbind(), parts(self.bias, n_groups), strict=True)
        return [partial(functional.linear, weight=w, bias=b) for w, b in pairs]


class StackedEmbedding(Stacked):
    """Several `torch.nn.Embedding` of one size.

    Args:
        layers: The embeddings; they look rows up and do nothing else with them.
    """

    def __init__(self, layers: Sequence[nn.Embedding]) -> None:
        super().__init__()
        self.weight = nn.Parameter(stacked_tensors([layer.weight for layer in layers]))
        self.padding_idx = layers[0].padding_idx

    def forward(self, x: Int[Tensor, "source batch *more"]) -> Tensor:
        """Look the rows of table *g* up for group *g*."""
        n_groups, n_rows, width = self.weight.shape
        if len(x) == 1:  # one wide table instead of many narrow ones
            wide = self.weight.transpose(0, 1).reshape(n_rows, n_groups * width)
            found = functional.embedding(x.squeeze(0), wide, self.padding_idx)
            return found.view(*x.shape[1:], n_groups, width).movedim(-2, 0)
        runs = zip(self.each(n_groups), x, strict=True)
        return torch.stack([run(words) for run, words in runs])

    def each(self, n_groups: int) -> Sequence[Run]:
        """The tables one by one."""
        look_up = partial(functional.embedding, padding_idx=self.padding_idx)
        return [partial(look_up, weight=table) for table in self.weight.unbind()]


class StackedLayerNorm(Stacked):
    """Several `torch.nn.LayerNorm` over the last axis.

    Args:
        layers: The norms.
    """

    def __init__(self, layers: Sequence[nn.LayerNorm]) -> None:
        super().__init__()
        self.weight = stacked_parameter([layer.weight for layer in layers])
        self.bias = stacked_parameter([layer.bias for layer in layers])
        self.eps = layers[0].eps

    def forward(self, x: Float[Tensor, "group batch *more feature"]) -> Tensor:
        """Normalise each row, then scale and shift by group."""
        y = functional.layer_norm(x, x.shape[-1:], eps=self.eps)
        if self.weight is not None:
            y = y * _beside(self.weight, y)
        return y if self.bias is None else y + _beside(self.bias, y)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The norms one by one."""
        pairs = zip(parts(self.weight, n_groups), parts(self.bias, n_groups), strict=True)
        return [partial(_layer_norm, weight=w, bias=b, eps=self.eps) for w, b in pairs]


def stacked_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors of one shape side by side, without their history."""
    return torch.stack([tensor.detach() for tensor in tensors])


def stacked_parameter(parameters: Sequence[Tensor | None]) -> nn.Parameter | None:
    """Parameters of one shape as one; None where the layers have none."""
    known = [parameter for parameter in parameters if parameter is not None]
    return nn.Parameter(stacked_tensors(known)) if known else None


def parts(tensor: Tensor | None, n_groups: int) -> Sequence[Tensor | None]:
    """The part of each group; None for each where there is nothing."""
    return [None] * n_groups if tensor is None else tensor.unbind()


def _layer_norm(x: Tensor, *, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], weight, bias, eps)


def _beside(vectors: Tensor, features: Tensor) -> Tensor:
    """One vector per group, shaped to go with features of any number of axes."""
    n_groups, n_features = vectors.shape
    return vectors.view(n_groups, *(1,) * (features.ndim - 2), n_features)


def beside(x: Float[Tensor, "group batch channel *more"]) -> Float[Tensor, "batch wide *more"]:
    """The channels of all groups side by side."""
    return x.transpose(0, 1).flatten(1, 2)


def apart(
    x: Float[Tensor, "batch wide *more"], n_groups: int
) -> Float[Tensor, "group batch channel *more"]:
    """The channels of each group by themselves."""
    return x.view(len(x), n_groups, x.shape[1] // n_groups, *x.shape[2:]).transpose(0, 1)


class StackedConv2d(Stacked):
    """Several `torch.nn.Conv2d` of one shape as one grouped convolution.

    An input that feeds all groups is read once, by one wide convolution.

    Args:
        layers: Convolutions that pad with zeros.
    """

    def __init__(self, layers: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        first = layers[0]
        self.weight = nn.Parameter(stacked_tensors([layer.weight for layer in layers]))
        self.bias = stacked_parameter([layer.bias for layer in layers])
        self.stride, self.padding, self.dilation = first.stride, first.padding, first.dilation
        self.groups = first.groups

    def forward(
        self, x: Float[Tensor, "source batch channel height width"]
    ) -> Float[Tensor, "group batch out high wide"]:
        """Apply convolution *g* to the features of group *g*."""
        n_groups = len(self.weight)
        weight = self.weight.flatten(0, 1)
        bias = None if self.bias is None else self.bias.flatten()
        # One input for all: the filters of all groups are one set, and the input is not copied.
        if len(x) == 1 and self.groups == 1:
            return apart(self._run(x.squeeze(0), weight=weight, bias=bias, groups=1), n_groups)
        wide = beside(x.expand(n_groups, *x.shape[1:]))
        y = self._run(wide, weight=weight, bias=bias, groups=n_groups * self.groups)
        return apart(y, n_groups)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The convolutions one by one."""
        pairs = zip(self.weight.unbind(), parts(self.bias, n_groups), strict=True)
        return [partial(self._run, weight=w, bias=b, groups=self.groups) for w, b in pairs]

    def _run(self, x: Tensor, *, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        return functional.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, groups)


class StackedBatchNorm(Stacked):
    """Several batch norms, each with the statistics of its own group.

    Args:
        layers: Batch norms that keep running statistics, with a momentum.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, layers: Sequence[nn.modules.batchnorm._BatchNorm]) -> None:
        super().__init__()
        self.eps, self.momentum = layers[0].eps, layers[0].momentum
        self.weight = stacked_parameter([layer.weight for layer in layers])
        self.bias = stacked_parameter([layer.bias for layer in layers])
        means = [layer.running_mean for layer in layers if layer.running_mean is not None]
        variances = [layer.running_var for layer in layers if layer.running_var is not None]
        self.register_buffer("running_mean", stacked_tensors(means))
        self.register_buffer("running_var", stacked_tensors(variances))

    def forward(self, x: Float[Tensor, "source batch channel *more"]) -> Tensor:
        """Normalise each channel of each group over the batch, then scale and shift."""
        n_groups = len(self.running_mean)
        y = self._run(
            beside(x.expand(n_groups, *x.shape[1:])),
            mean=self.running_mean.view(-1),
            variance=self.running_var.view(-1),
            weight=None if self.weight is None else self.weight.view(-1),
            bias=None if self.bias is None else self.bias.view(-1),
        )
        return apart(y, n_groups)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The norms one by one."""
        weights, biases = parts(self.weight, n_groups), parts(self.bias, n_groups)
        means, variances = self.running_mean.unbind(), self.running_var.unbind()
        every = zip(means, variances, weights, biases, strict=True)
        return [partial(self._run, mean=m, variance=v, weight=w, bias=b) for m, v, w, b in every]

    def reset_running_stats(self) -> None:
        """Forget the statistics: means 0, variances 1."""
        self.running_mean.zero_()
        self.running_var.fill_(1)

    def _run(
        self,
        x: Tensor,
        *,
        mean: Tensor,
        variance: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
    ) -> Tensor:
        momentum = 0.1 if self.momentum is None else self.momentum
        return functional.batch_norm(
            x, mean, variance, weight, bias, self.training, momentum, self.eps
        )


class StackedGroupNorm(Stacked):
    """Several `torch.nn.GroupNorm` of one shape.

    Args:
        layers: The norms.
    """

    def __init__(self, layers: Sequence[nn.GroupNorm]) -> None:
        super().__init__()
        self.num_groups, self.eps = layers[0].num_groups, layers[0].eps
        self.weight = stacked_parameter([layer.weight for layer in layers])
        self.bias = stacked_parameter([layer.bias for layer in layers])

    def forward(self, x: Float[Tensor, "source batch channel *more"]) -> Tensor:
        """Normalise each row's groups of channels, then scale and shift by copy."""
        if self.weight is None or self.bias is None:
            n_groups, weight, bias = len(x), None, None
        else:
            n_groups, weight, bias = len(self.weight), self.weight.view(-1), self.bias.view(-1)
        wide = beside(x.expand(n_groups, *x.shape[1:]))
        y = functional.group_norm(wide, n_groups * self.num_groups, weight, bias, self.eps)
        return apart(y, n_groups)

    def each(self, n_groups: int) -> Sequence[Run]:
        """The norms one by one."""
        pairs = zip(parts(self.weight, n_groups), parts(self.bias, n_groups), strict=True)
        norm = partial(functional.group_norm, num_groups=self.num_groups, eps=self.eps)
        return [partial(norm, weight=w, bias=b) for w, b in pairs]


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
