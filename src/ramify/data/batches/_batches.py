"""Batches, those of a table in memory, and which of their rows may be compared."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ramify._core import InputError, ShapeError, quoted
from ramify.data.batches._nested import Nested, leaves, mapped, n_rows_of
from ramify.data.batches._order import BatchOrder
from ramify.data.batches._units import Units
from ramify.tasks import ROW, Task, TaskSet

_SAMPLED: Final = 1 << 17
_BITS: Final = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows to learn from.

    Attributes:
        inputs: The features, or the pixels; or a structure of tensors.
        targets: The labels, a line for each unit; 0 where there is none.
        label_mask: True where a label was observed.
        present: For each task, whether it has a label here; known without asking the device.
        groups: Number of each row's group, on the CPU, for tasks that compare rows of a group; None
            if all rows are one group.
        units: How the lines of the targets belong to the rows; None where they are the rows.
        weights: How much each label counts, 0 or more; None for all alike.
    """

    inputs: Nested
    targets: Float[Tensor, "unit task"]
    label_mask: Bool[Tensor, "unit task"]
    present: tuple[bool, ...]
    groups: Int64[Tensor, " batch"] | None = None
    units: Units | None = None
    weights: Float[Tensor, "unit task"] | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return n_rows_of(self.inputs)

    @property
    def all_present(self) -> bool:
        """Whether every task has a label in this batch."""
        return all(self.present)

    @property
    def host_mask(self) -> Bool[Tensor, "batch task"] | None:
        """Which rows have a label, where it is known without asking the device, else None."""
        if self.label_mask.device.type != "cpu":
            return None
        return self.label_mask if self.units is None else self.units.any_by_row(self.label_mask)

    def only(self, tasks: Sequence[int]) -> "Batch":
        """The same rows with the labels of some tasks, all others hidden.

        Args:
            tasks: Places of the tasks that keep theirs.
        """
        kept = [t in tasks for t in range(len(self.present))]
        mask = self.label_mask & self.label_mask.new_tensor(kept)
        present = tuple(here and keeps for here, keeps in zip(self.present, kept, strict=True))
        return replace(self, label_mask=mask, present=present)

    def of_tasks(self, tasks: TaskSet, places: Sequence[int]) -> "Batch":
        """The same rows with the labels of some tasks, and of units that they are about.

        Args:
            tasks: Those tasks.
            places: Their places among those of the batch.
        """
        lines = slice(None)
        units = self.units
        if units is not None and (tasks.unit == ROW or not tasks.has_rows):
            start = units.n_rows * units.has_rows
            lines = slice(0, start) if tasks.unit == ROW else slice(start, None)
            units = None if tasks.unit == ROW else replace(units, has_rows=False)
        chosen = list(places)
        return replace(
            self,
            targets=self.targets[lines][:, chosen],
            label_mask=self.label_mask[lines][:, chosen],
            present=tuple(self.present[place] for place in chosen),
            units=units,
            weights=None if self.weights is None else self.weights[lines][:, chosen],
        )


class Batches(ABC):
    """The batches of one epoch after the other: of a table, of pictures, or of a loader."""

    @abstractmethod
    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of batches of an epoch."""

    @abstractmethod
    def n_labels(self) -> int:
        """Number of labels of all tasks in an epoch."""

    @abstractmethod
    def __iter__(self) -> Iterator[Batch]:
        """Go through the rows once."""

    @abstractmethod
    def digest(self) -> str:
        """The same text for the same data, and another one for other data, as far as can be told.

        Asking changes nothing: no batch is drawn.
        """

    @abstractmethod
    def check(self, tasks: TaskSet) -> None:
        """Refuse labels that are none of their task's, as far as they are at hand.

        Args:
            tasks: The tasks.

        Raises:
            InputError: If there are some.
        """


def digest_of(*parts: object) -> str:
    """Of texts, numbers and tensors; of a large tensor a sample, evenly spread, and a sum.

    Args:
        *parts: The parts.
    """
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            # As whole numbers, whose sum is exact in whatever order it is made.
            bits = part.detach().flatten().view(_BITS[part.element_size()])
            sample = bits[:: max(1, len(bits) // _SAMPLED)].cpu().numpy()
            total = int(bits.sum(dtype=torch.int64))
            found.update(f"{part.dtype}{tuple(part.shape)}{total}".encode() + sample.tobytes())
        else:
            found.update(repr(part).encode())
        found.update(b"\0")
    return found.hexdigest()[:16]


class TableBatches(Batches):
    """Batches of tensors in memory; each iteration goes through them once.

    The order is a function of the seed and the epoch, so that a resumed run sees the same batches.

    Args:
        inputs: The features; a tensor, or tuples, lists or dictionaries of tensors.
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
        inputs: Nested,
        targets: Float[Tensor, "row task"],
        label_mask: Bool[Tensor, "row task"],
        batch_size: int,
        seed: int,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        groups: Int64[Tensor, " row"] | None = None,
    ) -> None:
        n_rows = n_rows_of(inputs)
        check_rows(range(n_rows), targets, label_mask)
        self._inputs, self._targets, self._label_mask = inputs, targets, label_mask
        self._host_mask = label_mask.detach().cpu().numpy()
        self._order = BatchOrder(
            n_rows, batch_size, seed, shuffle, drop_last, host_groups(groups, n_rows)
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
            chosen = torch.from_numpy(rows).to(self._targets.device)
            yield Batch(
                mapped(self._inputs, partial(_rows_of, rows=chosen)),
                self._targets.index_select(0, chosen),
                self._label_mask.index_select(0, chosen),
                present,
                None if self._groups is None else self._groups[torch.from_numpy(rows)],
            )

    def digest(self) -> str:
        """Of inputs, labels, groups, and how they are divided into batches."""
        groups = () if self._groups is None else (self._groups,)
        inputs = [part for pair in leaves(self._inputs) for part in pair]
        return digest_of(self._order, *inputs, self._targets, self._label_mask, *groups)

    def check(self, tasks: TaskSet) -> None:
        """Refuse labels that are none of their task's."""
        check_labels(self._targets, self._label_mask, tasks)

    def order(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The rows in the order of an epoch."""
        return self._order.order(epoch)


def _rows_of(tensor: Tensor, rows: Int64[Tensor, " chosen"]) -> Tensor:
    return tensor.index_select(0, rows.to(tensor.device))


def check_labels(targets: Tensor, label_mask: Tensor, tasks: TaskSet) -> None:
    """Refuse labels that are none of their task's.

    Args:
        targets: A column per task.
        label_mask: True where there is a label.
        tasks: The tasks.

    Raises:
        InputError: If there are some; it names the first task.
        ShapeError: If there is not one column per task.
    """
    if targets.shape[1] != len(tasks):
        raise ShapeError(
            f"`targets` must have one column per task, {len(tasks)}. Got {targets.shape[1]}"
        )
    ranges = [task.kind.label_range for task in tasks]
    low, high = (targets.new_tensor([bound[i] for bound in ranges]) for i in (0, 1))
    whole = torch.tensor([each.whole for each in ranges], device=targets.device)
    fits = (targets >= low) & (targets <= high) & ~(whole & (targets != targets.round()))
    wrong = label_mask & ~(fits & targets.isfinite())
    if not wrong.any():
        return
    line, place = wrong.nonzero()[0].tolist()
    task, got = tasks[place], targets[line, place].item()
    raise InputError(
        f"labels of task {quoted(task.name)} must be {_range_in_words(task)}. Got {got:g}"
    )


def _range_in_words(task: Task) -> str:
    low, high, whole = task.kind.label_range
    if whole:
        return f"whole numbers from {low:g} to {high:g}, the places of its {task.kind.name} labels"
    if low == -inf:
        return "finite; where there is none, its mask is False, or it is NaN and has no mask"
    return f"{low:g} or more" if high == inf else f"from {low:g} to {high:g}"


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


def pairs_within(groups: Int64[Tensor, " row"]) -> Int64[Tensor, "2 pair"]:
    """All pairs of rows of one group, each once; as many as the groups have, not as all rows.

    Args:
        groups: Number of each row's group, on the CPU.

    Example:
        >>> pairs_within(torch.tensor([7, 5, 7, 5, 7])).T.tolist()
        [[1, 3], [0, 2], [0, 4], [2, 4]]
    """
    numbers = groups.numpy()
    order = np.argsort(numbers, kind="stable")
    _, starts, sizes = np.unique(numbers[order], return_index=True, return_counts=True)
    ends = np.repeat(starts + sizes, sizes)
    # The row at place p of the order is paired with those after it, up to its group's end.
    places = np.arange(len(order))
    n_after = ends - places - 1
    first = np.repeat(places, n_after)
    skipped = np.repeat(np.cumsum(n_after) - n_after, n_after)
    second = first + 1 + np.arange(len(first)) - skipped
    return torch.from_numpy(np.stack([order[first], order[second]]))
