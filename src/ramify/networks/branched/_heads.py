"""The last linear layer of every task, in one operation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ramify.tasks import TaskSet

Change = Callable[[Tensor], Tensor]
Layout = tuple[Tensor | None, Tensor | None]
"""Which columns each branch computes, and where each column then stands; None with one branch."""


class StackedHeads(nn.Module):
    """One linear head per task; each reads the features of its task's branch.

    The weights are one matrix ``(column, feature)`` whatever the tree, so a tree may change and
    the heads keep their weights. With one branch all heads are a single product; with several,
    the columns of each branch are gathered and all branches are one batched product.

    Args:
        n_features: Width of the features.
        tasks: The tasks.
    """

    position: Tensor | None
    columns: Tensor | None
    reads: Tensor | None
    offsets: Tensor | None

    def __init__(self, n_features: int, tasks: TaskSet) -> None:
        super().__init__()
        start = nn.Linear(n_features, tasks.n_columns)
        reads = _reading(tasks)
        weight = start.weight.detach()
        self.weight = nn.Parameter(weight if reads is None else weight * reads)
        # Starting at the base rates saves the first epochs, in which rare labels would only be
        # learned to be rare, and keeps them out of the affinity.
        self.bias = nn.Parameter(
            torch.tensor([value for task in tasks for value in task.kind.start_outputs])
        )
        self.register_buffer("reads", reads, persistent=False)
        self.register_buffer("offsets", _offsets(tasks), persistent=False)
        self.register_buffer("task_of_column", torch.tensor(tasks.task_of_column), persistent=False)
        self.register_buffer("columns", None, persistent=False)
        self.register_buffer("position", None, persistent=False)
        self._change: Change | None = None

    def attach(self, branch_of_task: Sequence[int]) -> None:
        """Say which branch each task reads from.

        Args:
            branch_of_task: For each task, the index of its branch.
        """
        self.columns, self.position = self.layout(branch_of_task)

    @torch.no_grad()
    def of_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "StackedHeads":
        """The heads of some tasks, with copies of their weights; `attach` them.

        Args:
            tasks: Those.
            places: Their places among all.
        """
        with torch.random.fork_rng([]):  # start weights are drawn and then replaced
            again = StackedHeads(self.weight.shape[1], tasks).to(self.weight)
        own = self.task_of_column_list
        columns = [c for place in places for c, task in enumerate(own) if task == place]
        again.weight.copy_(self.weight[columns])
        again.bias.copy_(self.bias[columns])
        return again

    def layout(self, branch_of_task: Sequence[int]) -> Layout:
        """What `attach` would set, for `laid_out`.

        Args:
            branch_of_task: As for `attach`.
        """
        columns, position = _layout(np.asarray(branch_of_task)[self.task_of_column_list])
        device = self.weight.device
        return (
            None if columns is None else torch.tensor(columns, device=device),
            None if position is None else torch.tensor(position, device=device),
        )

    @contextmanager
    def laid_out(self, layout: Layout) -> Iterator[None]:
        """Within the block, tasks read from other branches.

        Args:
            layout: What `layout` gave.
        """
        usual = self.columns, self.position
        self.columns, self.position = layout
        try:
            yield
        finally:
            self.columns, self.position = usual

    @property
    def task_of_column_list(self) -> list[int]:
        """For each column, the place of its task."""
        return [int(t) for t in self.get_buffer("task_of_column").tolist()]

    @contextmanager
    def reweighing(self, change: Change) -> Iterator[None]:
        """Within the block, forward passes send a changed gradient on to the features.

        The heads themselves learn from the gradient at the outputs as it is: what balances tasks
        that share features must not keep a task's own head from learning.

        Args:
            change: From the gradient at the outputs, ``(batch, column)``, to the one that goes on;
                called in the backward pass.
        """
        self._change = change
        try:
            yield
        finally:
            self._change = None

    def forward(self, x: Float[Tensor, "branch batch feature"]) -> Float[Tensor, "batch column"]:
        """Outputs of all tasks."""
        weight = self.weight if self.reads is None else self.weight * self.reads
        bias = self.bias if self.offsets is None else self.bias * self.offsets
        if self._change is None:
            return self._outputs(x, weight, bias)
        onwards = self._outputs(x, weight.detach(), bias.detach())
        if onwards.requires_grad:
            onwards.register_hook(self._change)  # type: ignore[no-untyped-call]  # of torch
        # Adds exactly 0: one way for the heads' gradient, another for the features'.
        return self._outputs(x.detach(), weight, bias) + (onwards - onwards.detach())

    def _outputs(self, x: Tensor, heads: Tensor, bias: Tensor) -> Tensor:
        if self.columns is None or self.position is None:
            return functional.linear(x.squeeze(0), heads, bias)
        # Not heads[columns]: its backward pass adds up in no fixed order.
        chosen = heads.index_select(0, self.columns.flatten())
        weight = chosen.view(*self.columns.shape, -1)  # (branch, widest, feature)
        wide = torch.bmm(x, weight.transpose(1, 2))  # (branch, batch, widest)
        flat = wide.transpose(0, 1).flatten(1)
        return flat.index_select(1, self.position) + bias


def _offsets(tasks: TaskSet) -> Tensor | None:
    """For each column, 0 if only differences of rows count and 1 if not; None if all count.

    A loss of differences has no gradient there but for rounding, which Adam would blow up.
    """
    if not tasks.compares_rows:
        return None
    return torch.tensor([float(not tasks[t].kind.compares_rows) for t in tasks.task_of_column])


def _reading(tasks: TaskSet) -> Tensor | None:
    """For each column, 1 if it reads features and 0 if it is its bias only; None if all read."""
    if not tasks.constant_columns:
        return None
    reads = torch.ones(tasks.n_columns, 1)
    reads[list(tasks.constant_columns)] = 0
    return reads


def _layout(
    branch_of_column: np.ndarray,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Which columns each branch computes (padded by repeating), and where each column then is."""
    n_branches = int(branch_of_column.max()) + 1
    if n_branches == 1:
        return None, None
    members = [np.flatnonzero(branch_of_column == b) for b in range(n_branches)]
    widest = max(len(m) for m in members)
    columns = np.stack([np.pad(m, (0, widest - len(m)), mode="edge") for m in members])
    position = np.empty(len(branch_of_column), dtype=np.int64)
    for b, m in enumerate(members):
        position[m] = b * widest + np.arange(len(m))
    return columns, position
