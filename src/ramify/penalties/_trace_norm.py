"""The trace norm of stacked weights, and the step that makes their rank low."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Splits = Callable[[int], list[tuple[int, ...]]]
"""From the number of axes to the axes of the rows, for one or several matrices."""


def task_axis_splits(n_axes: int) -> list[tuple[int, ...]]:
    """One matrix, tasks × all the rest: "last axis flattening", whose task axis is the last.

    Args:
        n_axes: Of the tensor, the task's among them.
    """
    return [(0,)] if n_axes > 1 else []


def every_axis_splits(n_axes: int) -> list[tuple[int, ...]]:
    """One matrix per axis, this one × all the rest, as for a Tucker decomposition.

    Args:
        n_axes: Of the tensor, the task's among them.
    """
    return [(axis,) for axis in range(n_axes)] if n_axes > 1 else []


def chain_splits(n_axes: int) -> list[tuple[int, ...]]:
    """One matrix per cut between neighbouring axes, as for a tensor train.

    Args:
        n_axes: Of the tensor, the task's among them.
    """
    return [tuple(range(cut)) for cut in range(1, n_axes)]


SPLITS: dict[str, Splits] = {
    "last-axis": task_axis_splits,
    "tucker": every_axis_splits,
    "tt": chain_splits,
}
"""The ways by the names that the papers give them."""


def unfolded(tensor: Tensor, rows: tuple[int, ...]) -> Tensor:
    """The tensor as a matrix.

    Args:
        tensor: Of any number of axes.
        rows: The axes that index rows; the others, in order, index columns.
    """
    columns = [axis for axis in range(tensor.ndim) if axis not in rows]
    return tensor.permute(*rows, *columns).flatten(0, len(rows) - 1).flatten(1)


def folded(matrix: Tensor, rows: tuple[int, ...], like: Tensor) -> Tensor:
    """The tensor of which `unfolded` made the matrix.

    Args:
        matrix: The matrix.
        rows: As for `unfolded`.
        like: A tensor of the shape that is wanted.
    """
    columns = [axis for axis in range(like.ndim) if axis not in rows]
    order = [*rows, *columns]
    back = sorted(range(like.ndim), key=order.__getitem__)
    return matrix.reshape([like.shape[axis] for axis in order]).permute(back)


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
