"""Which rows make which batch: a function of the seed and the epoch, so that a resumed run agrees."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64
from numpy.typing import NDArray

from ramify._core import InputError
from ramify.data._group_packing import GroupPacking


class BatchRows(NamedTuple):
    """The rows of one batch.

    Attributes:
        rows: Their numbers.
        present: For each task, whether one of them has a label of it.
    """

    rows: NDArray[np.int64]
    present: tuple[bool, ...]


@dataclass(frozen=True)
class BatchOrder:
    """Divides rows into batches, anew in each epoch.

    Attributes:
        n_rows: Number of rows.
        batch_size: Rows per batch; with fewer rows there is one batch of them all.
        seed: Of the order.
        shuffle: Whether each epoch has an order of its own.
        drop_last: Whether a last batch with fewer rows is left out. If not, a last batch of one
            row joins the one before it when rows are shuffled: one row has no batch statistics.
        groups: Number of each row's group: where rows are shuffled, batches then hold whole groups,
            see `GroupPacking`, and none is left out. None where rows are told apart only.
    """

    n_rows: int
    batch_size: int
    seed: int
    shuffle: bool = True
    drop_last: bool = False
    groups: Int64[np.ndarray, " row"] | None = field(default=None, compare=False, repr=False)
    _packing: GroupPacking | None = field(init=False, default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the numbers, and pack the groups."""
        if self.batch_size < 1:
            raise InputError(f"`batch_size` must be 1 or more. Got {self.batch_size}")
        if self.n_rows == 0:
            raise InputError("`inputs` must have at least one row. Got none")
        if self.shuffle and self.groups is not None:
            object.__setattr__(self, "_packing", GroupPacking(self.groups, self.batch_size))

    @property
    def edges(self) -> list[int]:
        """Where in the order of an epoch each batch begins, and where the last one ends."""
        if self._packing is not None:
            return self._packing.edges
        edges = [*range(0, self.n_rows, self.batch_size), self.n_rows]
        last, several = edges[-1] - edges[-2], len(edges) > 2
        if several and self.drop_last and last < self.batch_size:
            return edges[:-1]
        if several and self.shuffle and last == 1:
            return [*edges[:-2], self.n_rows]
        return edges

    def order(self, epoch: int) -> Int64[np.ndarray, " row"]:
        """The rows in the order of an epoch."""
        if not self.shuffle:
            return np.arange(self.n_rows, dtype=np.int64)
        rng = np.random.default_rng([self.seed, epoch])
        if self._packing is not None:
            return self._packing.order(rng)
        return rng.permutation(self.n_rows).astype(np.int64)

    def batches(self, epoch: int, label_mask: Bool[np.ndarray, "row task"]) -> Iterator[BatchRows]:
        """The batches of an epoch.

        Args:
            epoch: Number of the epoch.
            label_mask: True where a label was observed.
        """
        order, edges = self.order(epoch), self.edges
        observed = label_mask[order[: edges[-1]]]
        present = np.logical_or.reduceat(observed, edges[:-1], axis=0).tolist()
        for start, stop, here in zip(edges[:-1], edges[1:], present, strict=True):
            yield BatchRows(order[start:stop], tuple(here))
