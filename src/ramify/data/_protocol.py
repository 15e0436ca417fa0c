"""What training asks of whatever hands it batches."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from ramify.data._batches import Batch


@runtime_checkable
class Batches(Protocol):
    """Batches of one epoch after the other: of a table, of pictures, or of a loader."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""

    def __len__(self) -> int:
        """Number of batches of an epoch."""

    def __iter__(self) -> Iterator[Batch]:
        """Go through the rows once."""
