"""Dense layers that hold several copies of one layer and run them all in one operation.

Features have the shape ``(group, batch, …, feature)``; every parameter has the group as its first
axis. An input of a single group feeds all groups.
"""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from ramify.networks.stacked._stacked import Run, Stacked


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
