"""Layers over channels that hold several copies of one layer and run them all in one operation.

Features have the shape ``(group, batch, channel, …)``; every parameter has the group as its first
axis. An input of a single group feeds all groups. Inside a layer the channels of all groups stand
side by side, ``(batch, group × channel, …)``. Results keep that order in memory, so that turning
the axes between two layers is only a view.
"""

from collections.abc import Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ramify.networks.stacked._stacked import Run, Stacked
from ramify.networks.stacked._stacked_layers import parts, stacked_parameter, stacked_tensors


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
