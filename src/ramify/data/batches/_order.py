"""Which rows make which batch: a function of the seed and the epoch, so that a resumed run agrees."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64
from numpy.typing import NDArray

from ramify._core import InputError


class GroupPacking:
    """Deals whole groups to batches of about equal size, anew in each epoch.

    There are as many batches as rows alone would need, or as there are groups if those are fewer.
    Groups go, the largest first, each to the batch that has fewest rows so far, so a batch has at
    most twice the rows that were asked for. A group with more rows than a batch is divided at
    random into parts that are treated like groups: only rows of one part meet in that epoch. How
    many rows each batch has depends on the sizes only, which rows on the random numbers.

    Args:
        groups: Number of each row's group.
        batch_size: Rows per batch.

    Example:
        >>> packing = GroupPacking(np.array([0, 1, 1, 0, 2, 2]), batch_size=4)
        >>> packing.edges
        [0, 4, 6]
        >>> packing.order(np.random.default_rng(0)).tolist()
        [3, 0, 5, 4, 2, 1]
    """

    def __init__(self, groups: Int64[np.ndarray, " row"], batch_size: int) -> None:
        _, self._groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
        self._sizes = _parts(counts, batch_size)
        n_batches = min(-(-len(groups) // batch_size), len(self._sizes))
        self._batch_of_place, loads = _dealt(np.sort(self._sizes)[::-1], n_batches)
        self.edges: list[int] = [0, *np.cumsum(loads).tolist()]

    def order(self, rng: np.random.Generator) -> Int64[np.ndarray, " row"]:
        """The rows of the first batch, then those of the second, and so on."""
        shuffled = rng.permutation(len(self._groups))
        rows = shuffled[np.argsort(self._groups[shuffled], kind="stable")]
        parts = rng.permutation(len(self._sizes))
        by_size = parts[np.argsort(-self._sizes[parts], kind="stable")]
        batch = np.empty(len(parts), dtype=np.int64)
        batch[by_size] = self._batch_of_place
        return rows[np.argsort(np.repeat(batch, self._sizes), kind="stable")].astype(np.int64)


def _parts(counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Sizes of the groups, those of more than the most rows in parts of nearly equal size."""
    n_parts = -(-counts // most)
    small, larger = np.repeat(counts // n_parts, n_parts), np.repeat(counts % n_parts, n_parts)
    number = np.arange(len(small)) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
    sizes: NDArray[np.int64] = small + (number < larger)
    return sizes


def _dealt(sizes: NDArray[np.int64], n_batches: int) -> tuple[NDArray[np.int64], list[int]]:
    """For each size the batch that it goes to, and the rows of each batch."""
    fullness = [(0, batch) for batch in range(n_batches)]
    heapify(fullness)
    batch_of = np.empty(len(sizes), dtype=np.int64)
    for place, size in enumerate(sizes.tolist()):
        load, batch = heappop(fullness)
        batch_of[place] = batch
        heappush(fullness, (load + size, batch))
    return _without_lone_rows(batch_of, np.bincount(batch_of, sizes).astype(np.int64))


def _without_lone_rows(
    batch_of: NDArray[np.int64], loads: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[int]]:
    """Batches of one row, which has no batch statistics, put into the smallest of the others."""
    lone = loads == 1
    if not lone.any() or len(loads) == 1:
        return batch_of, loads.tolist()
    if lone.all():  # asked for
        return batch_of, loads.tolist()
    host = int(np.where(lone, loads.max() + 1, loads).argmin())
    moved = np.where(lone, host, np.arange(len(loads)))
    kept, renumbered = np.unique(moved[batch_of], return_inverse=True)
    joined = np.bincount(moved, loads)[kept].astype(np.int64)
    return renumbered.astype(np.int64), joined.tolist()


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
