"""Tasks of a graph stay near each other; or all stay near a given point."""

from math import inf, isinf

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError, ShapeError


def complete_graph(n_tasks: int, weight: float = 1.0) -> Float[Tensor, "task task"]:
    r"""Every pair of tasks joined by an edge of one weight.

    With ``weight = 1 / n_tasks`` the distance along it is that to the tasks' mean:
    :math:`\sum_{s<t} \|w_s - w_t\|^2 = T \sum_t \|w_t - \bar w\|^2`.

    Args:
        n_tasks: Number of tasks.
        weight: Of every edge.
    """
    return weight * (torch.ones(n_tasks, n_tasks) - torch.eye(n_tasks))


def graph_distance(
    weights: Float[Tensor, " task *axes"], graph: Float[Tensor, "task task"]
) -> Float[Tensor, ""]:
    r"""Half the squared distances along the edges of a task graph.

    .. math:: \frac12 \sum_{s<t} g_{st} \|w_s - w_t\|^2 = \frac12 \mathrm{tr}(W^\top L W)

    with the Laplacian *L* of the graph; its gradient is :math:`L W`.

    Args:
        weights: One set of weights per task.
        graph: Weight of the edge between two tasks, symmetric, 0 or more.

    Raises:
        InputError: If the graph has a negative weight or is not symmetric.
        ShapeError: If it is not over the tasks of the weights.

    References:
        Duong, Cohn, Bird, Cook. *Low Resource Dependency Parsing*, ACL 2015, for the distance of
        two networks; Evgeniou, Micchelli, Pontil, JMLR 2005, section 3.1.3, for the graph.

    Example:
        >>> w = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]])
        >>> graph_distance(w, complete_graph(3)).item()
        5.0
    """
    flat = weights.flatten(1)
    return (flat * (_laplacian(graph, len(flat)).to(flat) @ flat)).sum() / 2


def pull(graph: Float[Tensor, "task task"], step: float) -> Float[Tensor, "task task"]:
    r"""The proximal step of `graph_distance` as one matrix for weights of any shape.

    .. math:: (I + \eta L)^{-1}

    An infinite step gives each task the mean of the tasks that the graph joins it with.

    Args:
        graph: As for `graph_distance`.
        step: Step size times strength, 0 or more, or infinite.
    """
    values, vectors = torch.linalg.eigh(_laplacian(graph, len(graph)).double())
    joint = values <= 1e-9 * values.abs().max()  # the mean of what is joined does not move
    shrunk = torch.zeros_like(values) if isinf(step) else 1 / (1 + step * values.clamp(min=0))
    kept = torch.where(joint, 1.0, shrunk)
    matrix: Tensor = (vectors * kept) @ vectors.T
    return matrix


def pulled(weights: Float[Tensor, " task *axes"], by: Float[Tensor, "task task"]) -> Tensor:
    """Weights after the proximal step that `pull` gave.

    Args:
        weights: One set of weights per task.
        by: What `pull` gave.
    """
    return (by.to(weights) @ weights.flatten(1)).view_as(weights)


def anchor_distance(
    weights: Float[Tensor, " task *axes"], anchor: Float[Tensor, " *axes"]
) -> Float[Tensor, ""]:
    r"""Half the squared distance of every task to given weights, :math:`\frac12\sum_t\|w_t-a\|^2`.

    Args:
        weights: One set of weights per task.
        anchor: What all are held near; it stays as it is.
    """
    return (weights - anchor).square().sum() / 2


def anchor_pulled(
    weights: Float[Tensor, " task *axes"], anchor: Float[Tensor, " *axes"], step: float
) -> Tensor:
    r"""The proximal step of `anchor_distance`, :math:`(w + \eta a) / (1 + \eta)`.

    Args:
        weights: One set of weights per task.
        anchor: What all are held near.
        step: Step size times strength, 0 or more, or infinite.
    """
    share = 1.0 if step == inf else step / (1 + step)
    return torch.lerp(weights, anchor.expand_as(weights), share)


def _laplacian(graph: Tensor, n_tasks: int) -> Tensor:
    if graph.shape != (n_tasks, n_tasks):
        raise ShapeError(
            f"`graph` must be (task, task) over {n_tasks} tasks. Got {tuple(graph.shape)}"
        )
    if bool((graph < 0).any()) or not torch.equal(graph, graph.T):
        raise InputError(
            "`graph` must be symmetric, with weights of 0 or more; see `complete_graph`"
        )
    return torch.diag(graph.sum(0)) - graph
