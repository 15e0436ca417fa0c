"""Which rows each branch has to run where tasks have rows of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ramify.networks.branched._branches import Features
from ramify.tasks import SharingTree

# Picking rows and putting them back takes time too; see benchmarks/own_rows.py.
_LARGEST_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class OwnRows:
    """The rows of a batch that each branch of a network runs.

    Attributes:
        picks: For each stage that has more branches than the one below, the rows that its branches
            read: their places among all rows of all branches below, counted through.
        rows: For each branch of the last stage, the batch's rows that it ran.
        n_rows: Rows of the batch.
    """

    picks: Mapping[int, Int64[Tensor, "branch row"]]
    rows: Int64[Tensor, "branch row"]
    n_rows: int

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        picks = {i: places.to(device) for i, places in self.picks.items()}
        return type(self)(picks, self.rows.to(device), self.n_rows)

    def read_by(self, stage: int, below: Features) -> Features:
        """What the branches of a stage read.

        Args:
            stage: Which stage.
            below: ``(branch, row, …)`` of the branches below.
        """
        if stage not in self.picks:
            return below
        places = self.picks[stage]
        x = torch.cat(below) if isinstance(below, list) else below.flatten(0, 1)
        return x.index_select(0, places.flatten()).view(*places.shape, *x.shape[1:])

    def put_back(self, features: Tensor) -> Tensor:
        """Features in the batch's order, 0 for rows that a branch did not run.

        Args:
            features: ``(branch, row, …)`` of the last stage.

        Returns:
            ``(branch, batch, …)``.
        """
        n_branches, _, *shape = features.shape
        start = torch.arange(n_branches, device=self.rows.device).unsqueeze(1) * self.n_rows
        places = (self.rows + start).flatten()
        whole = features.new_zeros(n_branches * self.n_rows, *shape)
        whole = whole.index_copy(0, places, features.flatten(0, 1))
        return whole.view(n_branches, self.n_rows, *shape)


class RowRouter:
    """Finds, for a batch, the rows that have a label of each branch's tasks.

    Where every row belongs to one task, such as a pupil to a school, a branch that serves few
    tasks would run most rows for nothing. All branches of a stage run the same number of rows, so
    that they stay one operation: some of them run rows that they need not.

    Args:
        tree: Which tasks share which stages.

    Example:
        >>> router = RowRouter(SharingTree.separate(("a", "b", "c"), 1))
        >>> router.rows(torch.eye(3, dtype=torch.bool)).rows.tolist()
        [[0], [1], [2]]
    """

    def __init__(self, tree: SharingTree) -> None:
        self._levels = [
            _Level(
                i,
                tree.widths[i],
                torch.from_numpy(tree.assignment(i)),
                torch.from_numpy(tree.parents(i)),
            )
            for i in range(tree.n_stages)
            if tree.widths[i] > (tree.widths[i - 1] if i else 1)
        ]

    def rows(self, label_mask: Bool[Tensor, "batch task"]) -> OwnRows | None:
        """The rows of a batch, or None where too few would be spared.

        Args:
            label_mask: True where a label was observed; on the CPU.
        """
        n_rows, n_labels = len(label_mask), int(label_mask.count_nonzero())
        if not self._levels or n_labels > _LARGEST_SHARE * label_mask.numel():
            return None  # at once, for this is asked at every step
        rows, picks = torch.arange(n_rows).unsqueeze(0), {}
        for level in self._levels:
            below = rows[level.parents]
            wanted = level.wanted(label_mask).gather(1, below)
            most = max(int(wanted.sum(1).max()), 1)
            places = wanted.byte().argsort(dim=1, descending=True, stable=True)[:, :most]
            picks[level.stage] = places + level.parents.unsqueeze(1) * rows.shape[1]
            rows = below.gather(1, places)
        n_run = sum(places.numel() for places in picks.values())
        n_all = n_rows * sum(level.n_branches for level in self._levels)
        return OwnRows(picks, rows, n_rows) if n_run < _LARGEST_SHARE * n_all else None


class _Level(NamedTuple):
    """A stage with more branches than the one below: how many, of which tasks, and on which."""

    stage: int
    n_branches: int
    branch_of_task: Int64[Tensor, " task"]
    parents: Int64[Tensor, " branch"]

    def wanted(self, label_mask: Tensor) -> Bool[Tensor, "branch batch"]:
        """Whether some task of a branch has a label in a row."""
        found = torch.zeros(self.n_branches, len(label_mask))
        return found.index_add_(0, self.branch_of_task, label_mask.T.to(found)).bool()
