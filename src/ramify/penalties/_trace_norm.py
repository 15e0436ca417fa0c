"""The trace norm of stacked weights, and the step that makes their rank low."""

import torch
from jaxtyping import Float
from torch import Tensor

from ramify.penalties._splits import Splits, folded, task_axis_splits, unfolded


def trace_norm(
    weights: Float[Tensor, " task *axes"], splits: Splits = task_axis_splits
) -> Float[Tensor, ""]:
    r"""Sum of the singular values of every unfolding, :math:`\sum_n \|W_{(n)}\|_*`.

    Args:
        weights: One set of weights per task.
        splits: The unfoldings, one of `SPLITS`.

    References:
        Yang, Hospedales. *Trace Norm Regularised Deep Multi-Task Learning*, arXiv 1606.04038.

    Example:
        >>> trace_norm(torch.tensor([[3.0, 0.0], [0.0, 4.0]])).item()
        7.0
    """
    matrices = [unfolded(weights, rows) for rows in splits(weights.ndim)]
    norms = [torch.linalg.svdvals(matrix).sum() for matrix in matrices]
    return torch.stack(norms).sum() if norms else weights.new_zeros(())


@torch.no_grad()
def trace_norm_shrunk(
    weights: Float[Tensor, " task *axes"], step: float, splits: Splits = task_axis_splits
) -> Float[Tensor, " task *axes"]:
    r"""The proximal step: singular values fall by the step, and small ones to exactly 0.

    .. math:: U\, \mathrm{diag}(\max(\sigma - \eta, 0))\, V^\top

    With a single unfolding this is the proximal operator of `trace_norm`. With several, each is
    shrunk after the other, which is one round of an incremental proximal method.

    Args:
        weights: One set of weights per task.
        step: Step size times strength, 0 or more.
        splits: The unfoldings, one of `SPLITS`.

    References:
        Cai, Candès, Shen, SIAM J. Optim. 2010, theorem 2.1; Bertsekas, Math. Program. 2011, for
        several norms in turn.
    """
    for rows in splits(weights.ndim):
        weights = folded(_shrunk(unfolded(weights, rows), step), rows, weights)
    return weights


def _shrunk(matrix: Tensor, step: float) -> Tensor:
    """By the eigenvectors of the smaller matrix of inner products, many times faster than an SVD."""
    if len(matrix) > matrix.shape[1]:
        return _shrunk(matrix.T, step).T
    wide = matrix.double()
    squares, vectors = torch.linalg.eigh(wide @ wide.T)
    values = squares.clamp(min=0).sqrt()
    kept = (values - step).clamp(min=0) / values.clamp(min=torch.finfo(values.dtype).tiny)
    shrunk: Tensor = (vectors * kept) @ (vectors.T @ wide)
    return shrunk.to(matrix)
