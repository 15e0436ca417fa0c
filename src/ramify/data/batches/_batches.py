"""Batches: of a table in memory, of a user's own loader, and which of their rows may be compared."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ramify._core import InputError, ShapeError, counted
from ramify.data.batches._order import BatchOrder


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows to learn from.

    Attributes:
        inputs: The features, or the pixels.
        targets: The labels; 0 where there is none.
        label_mask: True where a label was observed.
        present: For each task, whether it has a label here; known without asking the device.
        groups: Number of each row's group, on the CPU, for tasks that compare rows of a group; None
            if all rows are one group.
    """

    inputs: Float[Tensor, "batch ..."]
    targets: Float[Tensor, "batch task"]
    label_mask: Bool[Tensor, "batch task"]
    present: tuple[bool, ...]
    groups: Int64[Tensor, " batch"] | None = None

    @property
    def all_present(self) -> bool:
        """Whether every task has a label in this batch."""
        return all(self.present)

    @property
    def host_mask(self) -> Bool[Tensor, "batch task"] | None:
        """The mask where it is known without asking the device, else None."""
        return self.label_mask if self.label_mask.device.type == "cpu" else None

    def only(self, tasks: Sequence[int]) -> "Batch":
        """The same rows with the labels of some tasks, all others hidden.

        Args:
            tasks: Places of the tasks that keep theirs.
        """
        kept = [t in tasks for t in range(len(self.present))]
        mask = self.label_mask & self.label_mask.new_tensor(kept)
        present = tuple(here and keeps for here, keeps in zip(self.present, kept, strict=True))
        return replace(self, label_mask=mask, present=present)


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


def as_batches(loader: Iterable[Sequence[Tensor]]) -> "LoaderBatches":
    """Adapt a loader of ``(inputs, targets)``, with ``label_mask`` and ``groups`` if wanted.

    Without a mask, NaN among the targets means not labelled. Under a mask, a target that is not
    observed may hold anything. Groups, a whole number per row in fourth place, say which rows a
    ranking compares; without them all rows of a batch are one group.

    Args:
        loader: Such as a `torch.utils.data.DataLoader`; iterated anew in each epoch.

    Example:
        >>> rows = [(torch.zeros(2, 3), torch.tensor([[1.0], [float("nan")]]))]
        >>> next(iter(as_batches(rows))).label_mask.tolist()
        [[True], [False]]
    """
    return LoaderBatches(loader)


class LoaderBatches(Batches):
    """What `as_batches` gives."""

    def __init__(self, loader: Iterable[Sequence[Tensor]]) -> None:
        self._loader = loader

    def set_epoch(self, epoch: int) -> None:
        """Tell the loader's sampler the epoch, if it wants to know."""
        sampler = getattr(self._loader, "sampler", None)
        tell = getattr(sampler, "set_epoch", None)
        if tell is not None:
            tell(epoch)

    def __len__(self) -> int:
        """Number of batches, if the loader knows it."""
        if not isinstance(self._loader, Sized):
            raise InputError(
                "a loader must know its number of batches, for the learning rate to fall in time. "
                "Got one without a length; wrap it in a list or give it a __len__"
            )
        return len(self._loader)

    def n_labels(self) -> int:
        """Number of labels of all tasks, counted in a pass through the loader."""
        with torch.random.fork_rng([]):
            return sum(int(batch.label_mask.sum()) for batch in self)

    def __iter__(self) -> Iterator[Batch]:
        """Go through the loader once."""
        for parts in self._loader:
            yield _batch(parts)


def _batch(parts: Sequence[Tensor]) -> Batch:
    if len(parts) not in (2, 3, 4):
        raise InputError(
            "a loader must give (inputs, targets) or (inputs, targets, label_mask). "
            f"Got {counted(len(parts), 'part')}"
        )
    inputs, targets = parts[0], parts[1]
    label_mask = parts[2].bool() if len(parts) > 2 else ~targets.isnan()
    if targets.ndim != 2 or label_mask.shape != targets.shape or len(inputs) != len(targets):
        raise ShapeError(
            "a loader's targets and label_mask must be of shape (batch, task) with one row per "
            f"input. Got {tuple(targets.shape)} and {tuple(label_mask.shape)} for "
            f"{counted(len(inputs), 'input')}"
        )
    clean = torch.where(label_mask, targets, 0).to(torch.get_default_dtype())
    if not clean.isfinite().all():
        raise InputError(
            "observed targets of a loader must be finite. Got NaN or ±inf; "
            "use NaN without a mask, or a mask that is False there, for a missing label"
        )
    groups = _groups(parts[3], len(inputs)) if len(parts) == 4 else None
    return Batch(inputs, clean, label_mask, tuple(label_mask.any(dim=0).tolist()), groups)


def _groups(given: Tensor, n_rows: int) -> Tensor:
    if given.shape != (n_rows,) or given.is_floating_point():
        raise ShapeError(
            f"a loader's groups must be one whole number per row, {n_rows}. "
            f"Got {tuple(given.shape)} of {given.dtype}"
        )
    return given.cpu().long()


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
