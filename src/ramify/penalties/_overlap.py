"""How much the subspaces of a layer see the same."""

import torch
from jaxtyping import Float
from torch import Tensor


def subspace_overlap(
    weights: Float[Tensor, "task out *axes"], n_subspaces: int
) -> Float[Tensor, ""]:
    r"""Squared inner products of the filters of different subspaces, summed over tasks.

    .. math:: \sum_m \sum_{a<b} \|G_{m,a}^\top G_{m,b}\|_F^2

    where the columns of :math:`G_{m,a}` are the filters of task *m* in subspace *a*: the outputs of
    a layer are divided into consecutive parts of equal width.

    Args:
        weights: Of one layer, one set per task.
        n_subspaces: Number of parts; it divides the number of outputs.

    References:
        Ruder, Bingel, Augenstein, Søgaard. *Latent Multi-task Architecture Learning*, AAAI 2019,
        equation 4.

    Example:
        >>> subspace_overlap(torch.tensor([[[1.0, 0.0], [2.0, 3.0]]]), 2).item()
        4.0
    """
    filters = weights.flatten(2)
    inner = filters @ filters.transpose(1, 2)  # (task, out, out)
    part = torch.arange(inner.shape[1], device=inner.device) * n_subspaces // inner.shape[1]
    apart = part[:, None] < part
    return (inner.square() * apart).sum()
