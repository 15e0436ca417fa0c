"""Sums over samples for every pair of tasks, of signs and of labels, packed and in blocks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from time import perf_counter
from typing import Final

import torch
from jaxtyping import Float, Int8, Shaped
from torch import Tensor

from ramify._core import InputError, machine_memory

N_BLOCKS: Final = 10
BYTES_PER_PAIR: Final = 100  # at most: 80 of the sums, the rest of batches that wait and of a step

# From so many tasks on, adding to the sums takes longer than finding what to add: batches wait.
_WAITS_FROM: Final = 128
_MOST_BATCHES, _MOST_ROWS = 32, 2048
_FREE_BYTES = 1_200_000  # that each block may let wait, however few the tasks
# Weights of batches that are counted together are whole numbers up to this, so that the products
# of signs fit into bytes and are exact: in any order of summation, on any processor.
_LARGEST_WHOLE, _LARGEST_RATIO = 127, 20.0
_TILE: Final = 512  # tasks by tasks: what is counted fits into the processor's cache

Total = Callable[[Tensor], Tensor]
_Product = Callable[[Tensor, Tensor], Tensor]


@dataclass
class _Waiting:
    """Batches of one block that are not counted yet."""

    signs: list[Int8[Tensor, "row task"]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


class PairCounts:
    r"""Weighted sums of :math:`s_i s_j`, :math:`s_i m_j` and :math:`m_i m_j` over samples, by block.

    Signs *s* are +1, −1 or 0, and :math:`m = s^2` says whether there is one. The first and the last
    sum are symmetric and have the same diagonal, so they share one matrix: signs at and above the
    diagonal, numbers below. A pair takes 8 bytes in each of the ten blocks, in single precision.

    Of few tasks each batch is counted when it comes. Of 128 or more on a single CPU, up to 32
    batches of a block wait and are counted together, which saves most of the passes through the
    sums. Their weights are then rounded to whole numbers, the largest to 127.

    Args:
        n_tasks: Number of tasks.

    Raises:
        InputError: If this machine has not the memory for so many pairs.
    """

    def __init__(self, n_tasks: int) -> None:
        check_pairs_fit(n_tasks)
        self.n_tasks = n_tasks
        self._sums = torch.zeros(N_BLOCKS, 2, n_tasks, n_tasks)
        self._waiting = [_Waiting() for _ in range(N_BLOCKS)]
        self._upper = _upper(min(n_tasks, _WAITS_FROM), self._sums)

    @property
    def waits(self) -> bool:
        """Whether batches of one rank wait to be counted together."""
        return self.n_tasks >= _WAITS_FROM and self._sums.device.type == "cpu"

    def add(
        self,
        signs: Shaped[Tensor, "row task"],
        block: int,
        weight: float,
        total: Total | None = None,
    ) -> None:
        """Count one batch.

        Args:
            signs: Of its samples; bytes where batches wait, else in the precision of the sums.
            block: Which block it goes to.
            weight: Of each of its samples; not below that of the block's last batch.
            total: Adds a tensor up over all ranks, each with samples of its own; None for one rank.
        """
        sums = self._sums[block]
        if total is not None:
            products = torch.zeros_like(sums)
            self._count(products, signs, 1.0)
            sums.add_(total(products), alpha=weight)
        elif self.waits:
            self._wait(block, signs, weight)
        else:
            self._count(sums, signs, weight)

    def of_blocks(self, times: Float[Tensor, " block"]) -> Float[Tensor, "2 task task"]:
        """The packed sums over blocks, each of which counts so many times."""
        for block in range(N_BLOCKS):
            self._settle(block)
        every = bool((times == 1).all())
        sums = self._sums
        return sums.sum(0) if every else torch.tensordot(times.to(sums), sums, dims=1)

    def divide(self, divisor: float) -> None:
        """Divide the sums and the weights of what waits."""
        self._sums /= divisor
        for waiting in self._waiting:
            waiting.weights = [weight / divisor for weight in waiting.weights]

    def to(self, like: Tensor) -> None:
        """Take the sums for good to where a tensor is, in its precision."""
        if self._sums.device != like.device or self._sums.dtype != like.dtype:
            self._sums, self._upper = self._sums.to(like), self._upper.to(like)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as tensors."""
        places = [
            (block, len(signs), weight)
            for block, each in enumerate(self._waiting)
            for signs, weight in zip(each.signs, each.weights, strict=True)
        ]
        none = torch.zeros(0, self.n_tasks, dtype=torch.int8)
        return {
            "pairs": self._sums,
            "waiting": torch.cat([none, *(s for each in self._waiting for s in each.signs)]),
            "waiting_batches": torch.tensor(places, dtype=torch.float64).reshape(-1, 3),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_dict` gave, or what version 0.1 kept before sums were packed."""
        packed = "counts" not in state
        self._sums = state["pairs"].clone() if packed else _packed(state["counts"], self.n_tasks)
        self._upper = self._upper.to(self._sums)
        self._waiting = [_Waiting() for _ in range(N_BLOCKS)]
        if not packed:
            return
        blocks, lengths, weights = state["waiting_batches"].T.tolist()
        rows = torch.split(state["waiting"], [int(n) for n in lengths])
        for block, signs, weight in zip(map(int, blocks), rows, weights, strict=True):
            self._waiting[block].signs.append(signs.clone())
            self._waiting[block].weights.append(weight)

    def _count(self, sums: Tensor, signs: Tensor, weight: float) -> None:
        if self.n_tasks >= _WAITS_FROM:
            signs = signs.to(torch.int8)
            _add_products(sums, signs, signs, weight)
            return
        both = torch.cat([signs, signs * signs], dim=1)
        products, n = both.T @ both, self.n_tasks
        sums[0].add_(torch.lerp(products[n:, n:], products[:n, :n], self._upper), alpha=weight)
        sums[1].add_(products[:n, n:], alpha=weight)

    def _wait(self, block: int, signs: Int8[Tensor, "row task"], weight: float) -> None:
        earlier = self._waiting[block].weights
        if earlier and weight > _LARGEST_RATIO * earlier[0]:
            self._settle(block)
        waiting = self._waiting[block]
        waiting.signs.append(signs)
        waiting.weights.append(weight)
        n_rows = sum(map(len, waiting.signs))
        most = min(max(self.n_tasks * 4 // 5, _FREE_BYTES // self.n_tasks), _MOST_ROWS)
        if n_rows >= most or len(waiting.signs) == _MOST_BATCHES:
            self._settle(block)

    def _settle(self, block: int) -> None:
        """Count the batches of a block that wait."""
        waiting = self._waiting[block]
        if not waiting.signs:
            return
        self._waiting[block] = _Waiting()
        newest = waiting.weights[-1]
        whole = [round(_LARGEST_WHOLE * weight / newest) for weight in waiting.weights]
        times = torch.tensor(whole, dtype=torch.int8).repeat_interleave(
            torch.tensor([len(signs) for signs in waiting.signs])
        )
        signs, scale = torch.cat(waiting.signs), newest / _LARGEST_WHOLE
        _add_products(self._sums[block], signs, signs * times[:, None], scale)


def check_pairs_fit(n_tasks: int) -> None:
    """Say before the first step that sums over pairs of tasks would not fit into memory.

    Raises:
        InputError: If they would not.
    """
    needed, there = BYTES_PER_PAIR * n_tasks**2, machine_memory()
    if there is not None and needed > there:
        raise InputError(
            f"an affinity between {n_tasks:,} tasks takes up to {needed / 2**30:,.1f} GiB of memory, "
            f"and this machine has {there / 2**30:,.1f} GiB; choose fewer tasks, or a strategy that "
            "compares no tasks, such as one shared network"
        )


def unpacked(
    sums: Float[Tensor, "2 task task"],
) -> Iterator[tuple[slice, slice, tuple[Tensor, Tensor, Tensor, Tensor]]]:
    """The sums in panels of float64: rows of tasks by the columns from their first on.

    Yields:
        The rows; the columns; and, for these pairs (i, j), the sums of :math:`s_i s_j`,
        :math:`s_i m_j`, :math:`m_i s_j` and :math:`m_i m_j`.
    """
    for rows in _tiles(sums.shape[-1]):
        columns = slice(rows.start, None)
        above, below = sums[0, rows, columns].double(), sums[0, columns, rows].T.double()
        here, there = sums[1, rows, columns].double(), sums[1, columns, rows].T.double()
        # In the square at the diagonal both halves have to be seen.
        square = slice(len(above))
        upper = torch.ones_like(above[:, square], dtype=torch.bool).triu()
        products = torch.where(upper, above[:, square], below[:, square])
        numbers = torch.where(upper, below[:, square], above[:, square])
        rest = slice(len(above), None)
        yield (
            rows,
            columns,
            (
                torch.cat([products, above[:, rest]], dim=1),
                here,
                there,
                torch.cat([numbers, below[:, rest]], dim=1),
            ),
        )


def _packed(
    products: Float[Tensor, "block two_task two_task"], n_tasks: int
) -> Float[Tensor, "block 2 task task"]:
    """From the products of signs and labels, side by side, with one another."""
    signs, labels = slice(n_tasks), slice(n_tasks, None)
    upper = _upper(n_tasks, products)
    shared = torch.lerp(products[:, labels, labels], products[:, signs, signs], upper)
    return torch.stack([shared, products[:, signs, labels]], dim=1)


def _upper(size: int, like: Tensor) -> Float[Tensor, "row column"]:
    """1 at and above the diagonal, 0 below: what `torch.lerp` chooses by, exactly and fast."""
    return like.new_ones(size, size).triu_()


@dataclass
class _Factors:
    """What products of signs and labels are taken of."""

    by_sign: Shaped[Tensor, "task row"]
    by_label: Shaped[Tensor, "task row"]
    signs: Shaped[Tensor, "row task"]
    labels: Shaped[Tensor, "row task"]
    product: _Product
    upper: Float[Tensor, "tile tile"]

    def crossed(self, rows: slice, columns: slice) -> Tensor:
        """Signs of some tasks times labels of others."""
        return self.product(self.by_sign[rows], self.labels[:, columns])

    def shared(self, rows: slice, columns: slice) -> Tensor:
        """Signs times signs at and above the diagonal, labels times labels below."""
        if rows.start < columns.start:
            return self.product(self.by_sign[rows], self.signs[:, columns])
        numbers = self.product(self.by_label[rows], self.labels[:, columns])
        if rows.start > columns.start:
            return numbers
        products = self.product(self.by_sign[rows], self.signs[:, columns])
        upper = self.upper[: len(products), : len(products)]
        return torch.lerp(numbers.to(upper), products.to(upper), upper)


def _add_products(
    sums: Float[Tensor, "2 task task"],
    signs: Int8[Tensor, "row task"],
    times_signs: Int8[Tensor, "row task"],
    scale: float,
) -> None:
    """Add packed products of samples, each times a whole number, times a scale; tile by tile."""
    in_bytes = signs.device.type == "cpu" and _bytes_are_faster()
    kind = torch.int8 if in_bytes else sums.dtype
    factors = _Factors(
        times_signs.T.contiguous().to(kind),
        (times_signs * signs).T.contiguous().to(kind),
        signs.to(kind),
        (signs * signs).to(kind),
        _product_of_bytes if in_bytes else _product,
        _upper(_TILE, sums),
    )
    n_tasks = sums.shape[-1]
    for rows in _tiles(n_tasks):
        for columns in _tiles(n_tasks):
            sums[0, rows, columns].add_(factors.shared(rows, columns), alpha=scale)
            sums[1, rows, columns].add_(factors.crossed(rows, columns), alpha=scale)


def _tiles(n_tasks: int) -> Iterator[slice]:
    """Equal parts of the tasks."""
    n_tiles = -(-n_tasks // _TILE)
    size = -(-n_tasks // n_tiles)
    for start in range(0, n_tasks, size):
        yield slice(start, min(start + size, n_tasks))


def _product(left: Tensor, right: Tensor) -> Tensor:
    return left @ right


def _product_of_bytes(left: Tensor, right: Tensor) -> Tensor:
    return torch._int_mm(left, right)


@cache
def _bytes_are_faster() -> bool:
    """Whether this processor multiplies bytes faster than single precision; both give the same."""
    single = torch.ones(_TILE, _TILE)
    try:
        return _seconds(_product_of_bytes, single.to(torch.int8)) < _seconds(_product, single)
    except (AttributeError, RuntimeError):  # not every torch has such a product
        return False


def _seconds(product: _Product, matrix: Tensor) -> float:
    """The shortest of a few trials, after one that gets everything ready."""
    times = []
    for _ in range(4):
        start = perf_counter()
        product(matrix, matrix)
        times.append(perf_counter() - start)
    return min(times[1:])
