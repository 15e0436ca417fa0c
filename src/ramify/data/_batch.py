"""What training gets, and what it asks of whatever hands it on."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Bool, Float, Int64
from torch import Tensor


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
