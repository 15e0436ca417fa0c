"""Ways of sharing as loops over tasks, from plain modules."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def two_stitched(
    first: Sequence[nn.Module], second: Sequence[nn.Module], alphas: Sequence[Tensor], x: Tensor
) -> tuple[Tensor, Tensor]:
    """A cross-stitch network of two tasks, written out by hand.

    Args:
        first: Stages of the first task's network.
        second: Those of the second.
        alphas: For each stage the four weights.
        x: Inputs.
    """
    a, b = x, x
    for one, two, alpha in zip(first, second, alphas, strict=True):
        a, b = one(a), two(b)
        a, b = alpha[0, 0] * a + alpha[0, 1] * b, alpha[1, 0] * a + alpha[1, 1] * b
    return a, b


def stitched(features: Sequence[Tensor], alpha: Tensor, n_subspaces: int) -> list[Tensor]:
    """Mixed features, subspace by subspace; those of one task stand side by side in alpha."""
    parts = [part for x in features for part in x.chunk(n_subspaces, dim=1)]
    mixed = []
    for i in range(len(parts)):
        total = torch.zeros_like(parts[0])
        for j in range(len(parts)):
            total = total + alpha[i, j] * parts[j]
        mixed.append(total)
    per_task = [mixed[t * n_subspaces : (t + 1) * n_subspaces] for t in range(len(features))]
    return [torch.cat(group, dim=1) for group in per_task]


def stitched_by_channel(features: Sequence[Tensor], alpha: Tensor) -> list[Tensor]:
    """Mixed features, channel by channel."""
    mixed = []
    for i in range(len(features)):
        channels = []
        for c in range(features[0].shape[1]):
            total = torch.zeros_like(features[0][:, c])
            for j, x in enumerate(features):
                total = total + alpha[i, j, c] * x[:, c]
            channels.append(total)
        mixed.append(torch.stack(channels, dim=1))
    return mixed


def gated(experts: Sequence[Tensor], gate: Tensor, x: Tensor) -> Tensor:
    """A mixture of experts, row by row.

    Args:
        experts: What each expert gives, ``(batch, …)``.
        gate: ``(expert, feature)``.
        x: What the gate reads, ``(batch, feature)``.
    """
    rows: list[Tensor] = []
    for n in range(len(x)):
        share = torch.softmax(torch.stack([g @ x[n] for g in gate]), 0)
        rows.append(sum((share[e] * y[n] for e, y in enumerate(experts)), 0 * experts[0][n]))
    return torch.stack(rows)


def from_task_axis(tasks: Tensor, bases: Tensor) -> Tensor:
    """Weights of every task as a sum over bases."""
    every = [
        sum((s * basis for s, basis in zip(share, bases, strict=True)), 0 * bases[0])
        for share in tasks
    ]
    return torch.stack(every)


def from_tucker(factors: Sequence[Tensor], core: Tensor) -> Tensor:
    """Weights as a sum over every entry of the core, of outer products."""
    total = torch.zeros([len(factor) for factor in factors], dtype=core.dtype)
    for place in torch.cartesian_prod(*[torch.arange(n) for n in core.shape]):
        outer = core[tuple(place)]
        for factor, k in zip(factors, place, strict=True):
            outer = outer[..., None] * factor[:, k]
        total = total + outer
    return total


def from_train(cores: Sequence[Tensor]) -> Tensor:
    """Every weight as a product of matrices."""
    first, *middle, last = cores
    sizes = [len(first), *(core.shape[1] for core in middle), last.shape[1]]
    total = torch.zeros(sizes, dtype=first.dtype)
    for place in torch.cartesian_prod(*[torch.arange(n) for n in sizes]):
        t, *inner, end = place.tolist()
        row = first[t]
        for core, i in zip(middle, inner, strict=True):
            row = row @ core[:, i]
        total[tuple(place)] = row @ last[:, end]
    return total
