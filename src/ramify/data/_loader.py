"""A user's own loader as batches: tuples go in, `Batch` comes out."""

from collections.abc import Iterable, Iterator, Sequence, Sized

import torch
from torch import Tensor

from ramify._core import InputError, ShapeError, counted
from ramify.data._batch import Batch, Batches


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
