"""Batches of a table in memory, in an order that depends on the seed and the epoch only."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify._core import InputError, ShapeError


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows to learn from.

    Attributes:
        inputs: The features.
        targets: The labels; 0 where there is none.
        label_mask: True where a label was observed.
        present: For each task, whether it has a label here; known without asking the device.
    """

    inputs: Float[Tensor, "batch feature"]
    targets: Float[Tensor, "batch task"]
    label_mask: Bool[Tensor, "batch task"]
    present: tuple[bool, ...]

    @property
    def all_present(self) -> bool:
        """Whether every task has a label in this batch."""
        return all(self.present)


class TableBatches:
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
        inputs: Float[Tensor, "row feature"],
        targets: Float[Tensor, "row task"],
        label_mask: Bool[Tensor, "row task"],
        batch_size: int,
        seed: int,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> None:
        _check(inputs, targets, label_mask, batch_size)
        self._inputs, self._targets, self._label_mask = inputs, targets, label_mask
        self._host_mask = label_mask.detach().cpu().numpy()
        self._seed, self._shuffle, self._epoch = seed, shuffle, 0
        self._edges = _edges(len(inputs), batch_size, merge=shuffle, drop_last=drop_last)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._edges) - 1

    def __iter__(self) -> Iterator[Batch]:
        """Go through the rows once, in the order of the epoch that was set."""
        order = self.order(self._epoch)
        starts, end = self._edges[:-1], self._edges[-1]
        present = np.logical_or.reduceat(self._host_mask[order[:end]], starts, axis=0).tolist()
        rows = torch.from_numpy(order).to(self._inputs.device)
        for start, stop, here in zip(starts, self._edges[1:], present, strict=True):
            chosen = rows[start:stop]
            yield Batch(
                self._inputs.index_select(0, chosen),
                self._targets.index_select(0, chosen),
                self._label_mask.index_select(0, chosen),
                tuple(here),
            )

    def order(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The rows in the order of an epoch."""
        n_rows = len(self._inputs)
        if not self._shuffle:
            return np.arange(n_rows, dtype=np.int64)
        return np.random.default_rng([self._seed, epoch]).permutation(n_rows).astype(np.int64)


def _edges(n_rows: int, batch_size: int, *, merge: bool, drop_last: bool) -> list[int]:
    edges = [*range(0, n_rows, batch_size), n_rows]
    last, several = edges[-1] - edges[-2], len(edges) > 2
    if several and drop_last and last < batch_size:
        return edges[:-1]
    if several and merge and last == 1:
        return [*edges[:-2], n_rows]
    return edges


def _check(inputs: Tensor, targets: Tensor, label_mask: Tensor, batch_size: int) -> None:
    if batch_size < 1:
        raise InputError(f"`batch_size` must be 1 or more. Got {batch_size}")
    if targets.shape != label_mask.shape or len(inputs) != len(targets):
        raise ShapeError(
            "`inputs`, `targets` and `label_mask` must have one row each per example, and targets "
            f"and mask one column per task. Got {tuple(inputs.shape)}, {tuple(targets.shape)} and "
            f"{tuple(label_mask.shape)}"
        )
    if len(inputs) == 0:
        raise InputError("`inputs` must have at least one row. Got none")
