"""Layers that hold several copies of one layer and run them all in one operation.

Features have the shape ``(group, batch, …, feature)``; every parameter has the group as its first
axis. An input of a single group feeds all groups.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class StackedLinear(nn.Module):
    """Several `torch.nn.Linear` of one shape as one batched product."""

    def __init__(self, weight: Float[Tensor, "group out in"], bias: Tensor | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)

    @classmethod
    def of(cls, layers: list[nn.Linear]) -> "StackedLinear":
        """Stack layers of one shape."""
        weight = torch.stack([layer.weight.detach() for layer in layers])
        bias = None if layers[0].bias is None else _stacked([layer.bias for layer in layers])
        return cls(weight, bias)

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


class StackedLayerNorm(nn.Module):
    """Several `torch.nn.LayerNorm` over the last axis."""

    def __init__(self, weight: Tensor | None, bias: Tensor | None, eps: float) -> None:
        super().__init__()
        self.weight = None if weight is None else nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)
        self.eps = eps

    @classmethod
    def of(cls, layers: list[nn.LayerNorm]) -> "StackedLayerNorm":
        """Stack layers of one shape."""
        weight = None if layers[0].weight is None else _stacked([x.weight for x in layers])
        bias = None if layers[0].bias is None else _stacked([x.bias for x in layers])
        return cls(weight, bias, layers[0].eps)

    def forward(self, x: Float[Tensor, "group batch *more feature"]) -> Tensor:
        """Normalise each row, then scale and shift by group."""
        y = functional.layer_norm(x, x.shape[-1:], eps=self.eps)
        if self.weight is not None:
            y = y * _beside(self.weight, y)
        return y if self.bias is None else y + _beside(self.bias, y)


class StackedBatchNorm(nn.Module):
    """Several `torch.nn.BatchNorm1d`, each with the statistics of its own group."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, layers: list[nn.BatchNorm1d]) -> None:
        super().__init__()
        first = layers[0]
        self.eps, self.momentum = first.eps, first.momentum
        affine = first.affine
        self.weight = nn.Parameter(_stacked([x.weight for x in layers])) if affine else None
        self.bias = nn.Parameter(_stacked([x.bias for x in layers])) if affine else None
        self.register_buffer("running_mean", _stacked([_known(x.running_mean) for x in layers]))
        self.register_buffer("running_var", _stacked([_known(x.running_var) for x in layers]))

    def forward(self, x: Float[Tensor, "source batch feature"]) -> Tensor:
        """Normalise each feature of each group over the batch, then scale and shift."""
        n_groups, n_features = self.running_mean.shape
        wide = x.expand(n_groups, -1, -1).transpose(0, 1).flatten(1)  # (batch, group × feature)
        y = functional.batch_norm(
            wide,
            self.running_mean.view(-1),
            self.running_var.view(-1),
            None if self.weight is None else self.weight.view(-1),
            None if self.bias is None else self.bias.view(-1),
            self.training,
            0.1 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y.view(len(y), n_groups, n_features).transpose(0, 1)


def _beside(vectors: Tensor, features: Tensor) -> Tensor:
    """One vector per group, shaped to go with features of any number of axes."""
    n_groups, n_features = vectors.shape
    return vectors.view(n_groups, *(1,) * (features.ndim - 2), n_features)


def _stacked(tensors: list[Tensor]) -> Tensor:
    return torch.stack([tensor.detach() for tensor in tensors])


def _known(tensor: Tensor | None) -> Tensor:
    if tensor is None:
        raise TypeError("a BatchNorm1d without running statistics cannot be stacked")
    return tensor
