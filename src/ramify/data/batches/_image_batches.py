"""Batches of images: picked, changed a little if they train, and standardised, batch by batch."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ramify.data.batches._batches import (
    Batch,
    Batches,
    check_labels,
    check_rows,
    digest_of,
    host_groups,
)
from ramify.data.batches._order import BatchOrder
from ramify.data.images import Augmentation, ImageEncoder, ImageRows
from ramify.tasks import TaskSet

_SAMPLED: Final = 64


class ImageBatches(Batches):
    """Batches of images; each iteration goes through them once.

    Order and augmentation are a function of the seed and the epoch, so that a resumed run sees
    the same batches. `TableBatches` does the same for rows of a table.

    Args:
        images: All images.
        rows: For each example the row of its image.
        targets: The labels of the examples; 0 where there is none.
        label_mask: True where a label was observed.
        encoder: Pixels to network inputs.
        batch_size: Images per batch; with fewer there is one batch of them all.
        seed: Of order and augmentation.
        shuffle: Whether each epoch has an order of its own.
        drop_last: As in `TableBatches`.
        groups: As in `TableBatches`.
        augmentation: How training images are changed; None for not at all.

    Raises:
        InputError: If `batch_size` is below 1 or there is no row.
        ShapeError: If rows, targets and mask do not belong together.

    Example:
        >>> images = ImageRows([np.zeros((5, 1, 8, 8), dtype=np.uint8)])
        >>> encoder = ImageEncoder.fitted(images, np.arange(5))
        >>> mask = torch.ones(5, 1, dtype=torch.bool)
        >>> batches = ImageBatches(images, np.arange(5), torch.ones(5, 1), mask, encoder, 2, seed=0)
        >>> [batch.inputs.shape[0] for batch in batches]
        [2, 3]
    """

    def __init__(
        self,
        images: ImageRows,
        rows: Int64[np.ndarray, " row"],
        targets: Float[Tensor, "row task"],
        label_mask: Bool[Tensor, "row task"],
        encoder: ImageEncoder,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool = True,
        drop_last: bool = False,
        groups: Int64[Tensor, " row"] | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        check_rows(rows, targets, label_mask)
        self._images, self._rows, self._encoder = images, rows, encoder
        self._targets, self._label_mask = targets, label_mask
        self._host_mask = label_mask.detach().cpu().numpy()
        self._order = BatchOrder(
            len(rows), batch_size, seed, shuffle, drop_last, host_groups(groups, len(rows))
        )
        self._groups = groups
        self._augmentation, self._epoch = augmentation, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose order and augmentation of the next iteration."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._order.edges) - 1

    def n_labels(self) -> int:
        """Number of labels of all tasks."""
        return int(self._host_mask.sum())

    def __iter__(self) -> Iterator[Batch]:
        """Go through the images once, in the order of the epoch that was set."""
        epoch = self._epoch
        batches = self._order.batches(epoch, self._host_mask)
        for number, (chosen, present) in enumerate(batches):
            pixels = self._images.take(self._rows[chosen])
            if self._augmentation is not None:
                pixels = self._augmentation(pixels, self._generator(epoch, number))
            places = torch.from_numpy(chosen).to(self._targets.device)
            yield Batch(
                self._encoder(pixels.to(self._encoder.mean.device)),
                self._targets.index_select(0, places),
                self._label_mask.index_select(0, places),
                present,
                None if self._groups is None else self._groups[torch.from_numpy(chosen)],
            )

    def digest(self) -> str:
        """Of labels, of a sample of the images, and of how both come into batches."""
        sample = self._images.take(self._rows[:: max(1, len(self._rows) // _SAMPLED)])
        groups = () if self._groups is None else (self._groups,)
        rows = torch.from_numpy(self._rows)
        made = self._order, self._augmentation, self._encoder.schema
        return digest_of(*made, sample, rows, self._targets, self._label_mask, *groups)

    def check(self, tasks: TaskSet) -> None:
        """Refuse labels that are none of their task's."""
        check_labels(self._targets, self._label_mask, tasks)

    def _generator(self, epoch: int, number: int) -> torch.Generator:
        # A further word keeps these numbers apart from those of the order.
        words = np.random.SeedSequence([self._order.seed, epoch, number, 1])
        return torch.Generator().manual_seed(int(words.generate_state(1, np.uint64)[0] >> 1))
