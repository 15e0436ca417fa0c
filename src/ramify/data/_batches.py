"""Batches of a table in memory, in an order that depends on the seed and the epoch only."""

from collections.abc import Iterator, Sized

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ramify._core import ShapeError
from ramify.data._batch import Batch, Batches
from ramify.data._batch_order import BatchOrder


class TableBatches(Batches):
    """Batches of tensors in memory; each iteration goes through them once.

    The order is a function of the seed and the epoch, so that a resumed run sees the same batches.

    Args:
        inputs: The features.
        targets: The labels; 0 where there is none.
        label_mask: True where a label was observed.
        batch_size: Rows per batch; with fewer rows there is one batch of them all.
        seed: Of the order.
        shuffle: Whether each epoch has an order of its own.
        drop_last: Whether a last batch with fewer rows is left out. If not, a last batch of one
            row joins the one before it when rows are shuffled: one row has no batch statistics.
        groups: Number of each row's group, on the CPU, for tasks that compare rows of a group.
            Shuffled batches then hold whole groups, see `GroupPacking`. None for one of all rows.

    Raises:
        InputError: If `batch_size` is below 1 or there is no row.
        ShapeError: If the tensors do not belong together.

    Example:
        >>> mask = torch.ones(5, 1, dtype=torch.bool)
        >>> batches = TableBatches(torch.rand(5, 3), torch.ones(5, 1), mask, 2, seed=0)
        >>> [len(batch.inputs) for batch in batches]
        [2, 3]
    """

    def __init__(
        self,
        inputs: Float[Tensor, "row ..."],
        targets: Float[Tensor, "row task"],
        label_mask: Bool[Tensor, "row task"],
        batch_size: int,
        seed: int,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        groups: Int64[Tensor, " row"] | None = None,
    ) -> None:
        check_rows(inputs, targets, label_mask)
        self._inputs, self._targets, self._label_mask = inputs, targets, label_mask
        self._host_mask = label_mask.detach().cpu().numpy()
        self._order = BatchOrder(
            len(inputs), batch_size, seed, shuffle, drop_last, host_groups(groups, len(inputs))
        )
        self._groups = groups
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._order.edges) - 1

    def n_labels(self) -> int:
        """Number of labels of all tasks."""
        return int(self._host_mask.sum())

    def __iter__(self) -> Iterator[Batch]:
        """Go through the rows once, in the order of the epoch that was set."""
        for rows, present in self._order.batches(self._epoch, self._host_mask):
            chosen = torch.from_numpy(rows).to(self._inputs.device)
            yield Batch(
                self._inputs.index_select(0, chosen),
                self._targets.index_select(0, chosen),
                self._label_mask.index_select(0, chosen),
                present,
                None if self._groups is None else self._groups[torch.from_numpy(rows)],
            )

    def order(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The rows in the order of an epoch."""
        return self._order.order(epoch)


def host_groups(groups: Tensor | None, n_rows: int) -> Int64[np.ndarray, " row"] | None:
    """The groups of rows, or None.

    Raises:
        ShapeError: If there is not one per row.
    """
    if groups is None:
        return None
    if groups.shape != (n_rows,):
        raise ShapeError(
            f"`groups` must have one number per row, {n_rows:,}. Got {tuple(groups.shape)}"
        )
    numbers: Int64[np.ndarray, " row"] = groups.numpy()
    return numbers


def check_rows(inputs: Sized, targets: Tensor, label_mask: Tensor) -> None:
    """Check that every row has its input, its targets and their mask.

    Raises:
        ShapeError: If not.
    """
    if targets.shape != label_mask.shape or len(inputs) != len(targets):
        raise ShapeError(
            "`inputs`, `targets` and `label_mask` must have one row each per example, and targets "
            f"and mask one column per task. Got {len(inputs):,} rows, {tuple(targets.shape)} and "
            f"{tuple(label_mask.shape)}"
        )
