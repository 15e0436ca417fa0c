"""A user's own loader as batches: what it gives is read, checked and brought into one form."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ramify._core import InputError, ShapeError, counted, listed, quoted
from ramify.data.batches._batches import Batch, Batches, check_labels, digest_of
from ramify.data.batches._nested import as_nested, n_rows_of
from ramify.data.batches._units import Units
from ramify.tasks import ROW, Regression, Task, TaskSet

Loader = Iterable[Any]
"""What a user's own batches come from, such as a `torch.utils.data.DataLoader`; see `as_batches`."""


def as_batches(loader: Loader, tasks: TaskSet) -> "LoaderBatches":
    """Adapt a loader of ``(inputs, targets)``, with ``label_mask`` and ``groups`` if wanted.

    Inputs are a tensor whose first axis is that of the rows, or tuples, lists or dictionaries of such
    tensors, as the backbone takes them. Targets are ``(batch, task)``; or, where all tasks are of
    another unit than rows, ``(batch, *positions, task)``; or a dictionary from names of tasks to
    ``(batch)`` or ``(batch, *positions)``. A task that it lacks has no label in that batch.

    Without a mask, NaN among the targets means not labelled. Under a mask, of the form of the
    targets, a target that is not observed may hold anything. Positions beyond the end of a row are
    not labelled. Groups, a whole number per row in fourth place, say which rows a ranking compares;
    without them all rows of a batch are one group.

    A batch may also be a dictionary with ``inputs`` and ``targets``, and if wanted ``label_mask``,
    ``groups`` and ``weights``: how much each label counts, of the form of the targets.

    Args:
        loader: Such as a `torch.utils.data.DataLoader`; iterated anew in each epoch.
        tasks: The tasks that it has targets of.

    Example:
        >>> from ramify.tasks import Binary, Task
        >>> rows = [(torch.zeros(2, 3), torch.tensor([[1.0], [float("nan")]]))]
        >>> next(iter(as_batches(rows, TaskSet([Task("a", Binary())])))).label_mask.tolist()
        [[True], [False]]
    """
    return LoaderBatches(loader, tasks)


class LoaderBatches(Batches):
    """What `as_batches` gives."""

    def __init__(self, loader: Loader, tasks: TaskSet) -> None:
        self._loader, self._labels = loader, _Labels(tasks)

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
        for given in self._loader:
            yield self._labels.batch(_parts(given))

    def check(self, tasks: TaskSet) -> None:
        """Nothing: each batch is checked as it comes."""

    def digest(self) -> str:
        """Of a list's first and last batches, of a data set in memory, else of lengths only.

        To draw a batch from another loader would change the order of those that follow.
        """
        loader: object = self._loader
        found: list[object] = [type(loader).__qualname__, len(self)]
        if isinstance(loader, list | tuple) and loader:
            found += [*_tensors(loader[0]), *_tensors(loader[-1])]
        elif isinstance(loader, DataLoader):
            data: object = loader.dataset
            found += [loader.batch_size, len(data) if isinstance(data, Sized) else None]
            found += data.tensors if isinstance(data, TensorDataset) else ()
        return digest_of(*found)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a loader gives at a time."""

    inputs: Any
    targets: Any
    label_mask: Any = None
    groups: Any = None
    weights: Any = None


def _parts(given: object) -> _Parts:
    names = [field.name for field in fields(_Parts)]
    if isinstance(given, Mapping):
        if {"inputs", "targets"} <= set(given) <= set(names):
            return _Parts(**given)
        raise InputError(
            "a loader's dictionary must have inputs and targets, and may have label_mask, groups "
            f"and weights. Got {listed([str(name) for name in given])}"
        )
    if isinstance(given, tuple | list) and len(given) in (2, 3, 4):
        return _Parts(*given)
    got = (
        counted(len(given), "part")
        if isinstance(given, tuple | list)
        else f"an object of type {type(given).__name__}"
    )
    raise InputError(
        "a loader must give (inputs, targets) or (inputs, targets, label_mask), or a dictionary of "
        f"them. Got {got}"
    )


class _Read(NamedTuple):
    """Labels of some units: ``(batch, …, task)`` each."""

    targets: Tensor
    label_mask: Tensor
    weights: Tensor | None


class _Labels:
    """Reads what a loader says of its rows' labels.

    Args:
        tasks: The tasks.
    """

    def __init__(self, tasks: TaskSet) -> None:
        self._tasks = tasks
        # Numbers in a unit of their own keep all digits until losses have centred them.
        self._exact = bool(tasks.of_kind(Regression))

    def batch(self, parts: _Parts) -> Batch:
        """The batch.

        Args:
            parts: What the loader gave.

        Raises:
            InputError: If a label, a mask or a weight is not what it must be.
            ShapeError: If parts do not fit each other.
        """
        inputs = as_nested(parts.inputs)
        n_rows, units = n_rows_of(inputs), None
        if isinstance(parts.targets, Mapping):
            read, units = self._by_name(parts, n_rows)
        else:
            read = self._side_by_side(parts, n_rows)
            if self._tasks.unit != ROW:
                units = Units(n_rows, tuple(read.targets.shape[1:-1]), has_rows=False)
                read = _Read(*(None if each is None else each.flatten(0, -2) for each in read))  # type: ignore[arg-type]
        mask = read.label_mask
        clean = torch.where(mask, read.targets, 0).to(self._precision(read.targets))
        check_labels(clean, mask, self._tasks)
        groups = None if parts.groups is None else _groups(parts.groups, n_rows)
        present = tuple(mask.any(dim=0).tolist())
        return Batch(inputs, clean, mask, present, groups, units, _weights(read.weights, mask))

    def _precision(self, given: Tensor) -> torch.dtype:
        wide = given.dtype == torch.float64 or not given.is_floating_point()
        return torch.float64 if self._exact and wide else torch.get_default_dtype()

    def _side_by_side(self, parts: _Parts, n_rows: int) -> _Read:
        tasks, n_axes = self._tasks, self._tasks.unit.n_axes
        if tasks.unit != ROW and tasks.has_rows:
            raise InputError(
                f"a loader's targets of tasks of rows and of {tasks.unit.name}s must be a dictionary "
                f"from names of tasks to tensors. Got {type(parts.targets).__name__}"
            )
        targets = _tensor(parts.targets, "targets")
        mask = _mask(parts.label_mask, targets)
        weights = None if parts.weights is None else _tensor(parts.weights, "weights")
        every = [targets, mask, *([] if weights is None else [weights])]
        fits = targets.ndim == 2 + n_axes and len(targets) == n_rows
        if not fits or any(each.shape != targets.shape for each in every):
            raise ShapeError(
                f"a loader's targets and label_mask must be of shape {self._shape()} with one row "
                f"per input. Got {tuple(targets.shape)} and {tuple(mask.shape)} for "
                f"{counted(n_rows, 'input')}"
            )
        if targets.shape[-1] != len(tasks):
            raise ShapeError(
                f"a loader's targets must have one column per task, {len(tasks)}. "
                f"Got {targets.shape[-1]}"
            )
        return _Read(targets, mask, weights)

    def _by_name(self, parts: _Parts, n_rows: int) -> tuple[_Read, Units | None]:
        names, unit = self._tasks.names, self._tasks.unit
        masks = {} if parts.label_mask is None else _by_task(parts.label_mask, "label_mask")
        weights = {} if parts.weights is None else _by_task(parts.weights, "weights")
        for given in (parts.targets, masks, weights):
            if unknown := [str(name) for name in given if name not in names]:
                raise InputError(
                    f"a loader's dictionaries must name tasks, {listed(names)}. "
                    f"Got {quoted(unknown[0])}"
                )
        units = None
        if unit != ROW:
            sizes = self._sizes(parts.targets, n_rows)
            units = Units(n_rows, sizes, self._tasks.has_rows)
        lines = _Lines(n_rows, units, len(names), exact=self._exact, weighed=bool(weights))
        for place, task in enumerate(self._tasks):
            if task.name in parts.targets:
                targets = _tensor(parts.targets[task.name], "targets")
                self._check_shape(task, targets, n_rows, units)
                mask = _mask(masks.get(task.name), targets)
                self._check_shape(task, mask, n_rows, units)
                weight = weights.get(task.name)
                if weight is not None:
                    weight = _tensor(weight, "weights")
                    self._check_shape(task, weight, n_rows, units)
                lines.fill(place, task, _Read(targets, mask, weight))
        return lines.read(), units

    def _sizes(self, targets: Mapping[str, Any], n_rows: int) -> tuple[int, ...]:
        """Positions along each axis, of the first task that has some here; 0 where none has."""
        n_axes = self._tasks.unit.n_axes
        for task in self._tasks:
            if task.unit != ROW and task.name in targets:
                shape = tuple(_tensor(targets[task.name], "targets").shape)
                if len(shape) == 1 + n_axes and shape[0] == n_rows:
                    return shape[1:]
        return (0,) * n_axes

    def _check_shape(self, task: Task, given: Tensor, n_rows: int, units: Units | None) -> None:
        sizes = () if units is None or task.unit == ROW else units.sizes
        if given.shape != (n_rows, *sizes):
            raise ShapeError(
                f"a loader's targets and mask of task {quoted(task.name)}, which is of "
                f"{task.unit.name}s, must be of shape {(n_rows, *sizes)}. Got {tuple(given.shape)}"
            )

    def _shape(self) -> str:
        positions = "" if self._tasks.unit == ROW else "*positions, "
        return f"(batch, {positions}task)"


class _Lines:
    """Labels of several units as they are filled in, task by task."""

    def __init__(
        self, n_rows: int, units: Units | None, n_tasks: int, *, exact: bool, weighed: bool
    ) -> None:
        self._units, usual = units, torch.get_default_dtype()
        shapes: list[tuple[int, ...]] = [(n_rows, n_tasks)]
        if units is not None:
            shapes.append((n_rows, *units.sizes, n_tasks))
        dtype = torch.float64 if exact else usual
        self._targets = [torch.zeros(shape, dtype=dtype) for shape in shapes]
        self._masks = [torch.zeros(shape, dtype=torch.bool) for shape in shapes]
        self._weights = [torch.ones(shape, dtype=usual) for shape in shapes] if weighed else None

    def fill(self, place: int, task: Task, read: _Read) -> None:
        """Fill in a task.

        Args:
            place: Of the task.
            task: The task.
            read: Its labels.
        """
        at = int(task.unit != ROW)
        self._targets[at][..., place] = torch.where(read.label_mask, read.targets, 0)
        self._masks[at][..., place] = read.label_mask
        if self._weights is not None and read.weights is not None:
            self._weights[at][..., place] = read.weights

    def read(self) -> _Read:
        """All tasks, one line for each unit."""
        weights = None if self._weights is None else self._joined(self._weights)
        return _Read(self._joined(self._targets), self._joined(self._masks), weights)

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        return parts[0] if self._units is None else self._units.joined(*parts)


def _tensor(given: object, name: str) -> Tensor:
    try:
        return torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(
            f"a loader's {name} must be tensors, or a dictionary of tensors. "
            f"Got an object of type {type(given).__name__}"
        ) from None


def _tensors(given: object) -> Iterator[Tensor]:
    """All tensors and arrays of a structure."""
    if isinstance(given, np.ndarray | Tensor):
        yield torch.as_tensor(given)
    elif isinstance(given, Mapping | list | tuple):
        for part in given.values() if isinstance(given, Mapping) else given:
            yield from _tensors(part)


def _by_task(given: object, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InputError(
            f"a loader's {name} must be a dictionary, as its targets are. "
            f"Got an object of type {type(given).__name__}"
        )
    return given


def _mask(given: object, targets: Tensor) -> Bool[Tensor, "..."]:
    if given is None:
        return ~targets.isnan()
    mask = _tensor(given, "label_mask")
    if mask.dtype == torch.bool:
        return mask
    odd = mask[(mask != 0) & (mask != 1)]
    if len(odd):
        raise InputError(
            "a loader's label_mask must be True or False, or 1 or 0: whether there is a label. "
            f"Got {odd[0].item():g}; how much a label counts goes into `weights`"
        )
    return mask.bool()


def _weights(given: Tensor | None, mask: Tensor) -> Float[Tensor, "unit task"] | None:
    if given is None:
        return None
    clean = torch.where(mask, given, 0).to(torch.get_default_dtype())
    if not (clean.isfinite() & (clean >= 0)).all():
        raise InputError(
            "a loader's weights must be finite and 0 or more where there is a label. "
            f"Got {clean[~(clean.isfinite() & (clean >= 0))][0].item():g}"
        )
    return clean


def _groups(given: object, n_rows: int) -> Tensor:
    groups = _tensor(given, "groups")
    if groups.shape != (n_rows,) or groups.is_floating_point():
        raise ShapeError(
            f"a loader's groups must be one whole number per row, {n_rows}. "
            f"Got {tuple(groups.shape)} of {groups.dtype}"
        )
    return groups.cpu().long()
