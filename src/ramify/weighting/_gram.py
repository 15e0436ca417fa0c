"""What the rules on Gram matrices share: cosines and the shortest mixture; all in float64."""

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from ramify.weighting._base import Matrix, Vector
from ramify.weighting._nonnegative import least_from_all

# Gradients come in float32: smaller eigenvalues of their cosines are noise.
NOISE = 1e-6


def gram_at_features(
    output_gradients: Float[Tensor, "batch column"],
    head_weights: Float[Tensor, "column feature"],
    task_of_column: Int[Tensor, " column"],
    n_tasks: int,
) -> Float[Tensor, "task task"]:
    r"""Inner products of the tasks' gradients at the features that their linear heads read.

    With :math:`D` the gradient of the sum of all losses at the outputs, the gradient of task *t* at
    the features is :math:`\sum_{c \in t} d_c w_c^\top`, so

    .. math:: G_{st} = \sum_{c \in s} \sum_{k \in t} (D^\top D)_{ck} (W W^\top)_{ck}.

    No gradient at the features is formed and no task is passed back by itself. The product
    :math:`D^\top D` is a sum over rows: the Gram matrix of a batch on several ranks is the sum
    of their Gram matrices, exactly, if D holds the gradient of the whole batch's losses.

    Args:
        output_gradients: D.
        head_weights: W; all heads read the same features.
        task_of_column: For each column of the outputs, the place of its task.
        n_tasks: Number of tasks.

    Example:
        >>> import torch
        >>> d = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        >>> w = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
        >>> gram_at_features(d, w, torch.tensor([0, 1]), 2)
        tensor([[2., 0.],
                [0., 8.]])
    """
    by_column = (output_gradients.T @ output_gradients) * (head_weights @ head_weights.T)
    if len(task_of_column) == n_tasks:
        return by_column
    rows = by_column.new_zeros(n_tasks, len(by_column)).index_add_(0, task_of_column, by_column)
    return by_column.new_zeros(n_tasks, n_tasks).index_add_(1, task_of_column, rows)


def cosines_of(gram: Float[np.ndarray, "task task"]) -> tuple[Matrix, Vector]:
    """Cosines between the gradients, and the gradients' lengths.

    Args:
        gram: With a positive diagonal.
    """
    lengths = np.sqrt(gram.diagonal())
    return (gram / lengths[:, None] / lengths).clip(-1, 1), lengths


def shortest_mixture(
    cosines: Float[np.ndarray, "task task"], lengths: Float[np.ndarray, " task"]
) -> Vector:
    r"""Shares on the simplex that make the mixture of vectors shortest, exactly.

    For :math:`x \ge 0`, :math:`\|R x\|^2 + (1^\top x - 1)^2` is least at a multiple of the shares:
    at the best multiple its value is :math:`q / (1 + q)`, which grows with the squared length *q*
    of the mixture. So the quadratic program has no constraint but the signs.

    Args:
        cosines: Of the vectors.
        lengths: Positive.
    """
    unit = lengths.min() / lengths
    found = least_from_all(cosines + np.outer(unit, unit), -unit) * unit
    shares: Vector = found / found.sum()
    return shares
