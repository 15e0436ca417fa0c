"""Groups of rows packed into batches, so that rows of one group meet."""

from heapq import heapify, heappop, heappush

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray


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
