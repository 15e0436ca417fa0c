"""Which rows of a network's tensors serve which tasks."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from ramify.networks.branched._branches import Branches
from ramify.networks.branched._heads import StackedHeads
from ramify.networks.branched._task_network import OwnedWeights

Serves = Bool[Tensor, "row task"]


def each_its_own(n_tasks: int, per_task: int = 1) -> Serves:
    """Rows of which every task has so many, task after task.

    Args:
        n_tasks: Number of tasks.
        per_task: Rows of each.
    """
    return torch.eye(n_tasks, dtype=torch.bool).repeat_interleave(per_task, 0)


def rows_of_branches(branches: Branches, serves: Serves) -> Iterator[OwnedWeights]:
    """Every tensor of a stage's copies with its tasks.

    Args:
        branches: The copies of a stage.
        serves: For each copy, the tasks that it serves.
    """
    for tensor, copy in branches.rows():
        rows = serves if copy is None else serves[copy : copy + 1]
        yield OwnedWeights(tensor, rows.to(tensor.device))


def rows_of_heads(
    heads: StackedHeads, n_tasks: int, places: Sequence[int] | None = None
) -> Iterator[OwnedWeights]:
    """The heads' tensors with their tasks.

    Args:
        heads: The heads.
        n_tasks: Number of all tasks.
        places: For each task of the heads, its place among all; None for all in order.
    """
    own = heads.task_of_column_list
    of_column = own if places is None else [places[t] for t in own]
    yield from rows_of([heads.weight, heads.bias], each_its_own(n_tasks)[of_column])


def rows_of(tensors: Iterable[Tensor], serves: Serves) -> Iterator[OwnedWeights]:
    """Tensors whose first axis is that of the rows.

    Args:
        tensors: The tensors.
        serves: For each row, the tasks that it serves.
    """
    return (OwnedWeights(tensor, serves.to(tensor.device)) for tensor in tensors)
