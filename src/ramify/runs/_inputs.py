"""What networks get to see of a data set: encoded rows of a table, or pictures."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from ramify.data import (
    Augmentation,
    Batches,
    ImageBatches,
    ImageEncoder,
    ImageRows,
    TableBatches,
    TableEncoder,
)
from ramify.runs._model import Encoder

EVALUATION_ROWS = 2048
EVALUATION_IMAGES = 128
_SAMPLE = 1000
_MOSTLY = 0.9


class Inputs(ABC):
    """The rows of a data set as networks take them."""

    @property
    @abstractmethod
    def encoder(self) -> Encoder:
        """From raw rows to what networks take; part of the saved model."""

    @abstractmethod
    def in_numbers(self) -> dict[str, int]:
        """What the inputs are, for the record."""

    @property
    def are_bits(self) -> bool:
        """Whether nearly all of what networks take of a row is 0 or 1."""
        return False

    @abstractmethod
    def fingerprint(self) -> bytes:
        """Bytes that differ where the inputs do."""

    @abstractmethod
    def batches(
        self,
        rows: np.ndarray,
        targets: Tensor,
        label_mask: Tensor,
        *,
        batch_size: int,
        seed: int,
        training: bool,
        groups: Tensor | None = None,
    ) -> Batches:
        """Batches of some rows: shuffled ones to train on, else large ones in order.

        Args:
            rows: Their numbers.
            targets: Labels of these rows; 0 where there is none.
            label_mask: True where there is a label.
            batch_size: Rows per step of training.
            seed: Of the order.
            training: Whether the rows are trained on.
            groups: Number of each row's group; None if all are one.
        """


class TableInputs(Inputs):
    """Rows of a table, encoded once and held in memory.

    Args:
        encoder: Fitted to the training rows.
        raw: The raw rows.
    """

    def __init__(self, encoder: TableEncoder, raw: Tensor) -> None:
        self._encoder = encoder
        self.encoded: Tensor = encoder.encoded(raw)

    @property
    def encoder(self) -> TableEncoder:
        """From raw rows to what networks take; part of the saved model."""
        return self._encoder

    @property
    def are_bits(self) -> bool:
        """Whether nearly all inputs are 0 or 1, as far as a sample of the rows shows."""
        sample = self.encoded[:: max(1, len(self.encoded) // _SAMPLE)]
        is_bit = ((sample == 0) | (sample == 1)).all(dim=0)
        return bool(is_bit.double().mean() >= _MOSTLY)

    def in_numbers(self) -> dict[str, int]:
        """Columns by type, and how wide a row is once it is encoded."""
        schema = self._encoder.schema
        return {
            "numeric": schema.count("numeric"),
            "boolean": schema.count("boolean"),
            "categorical": schema.count("categorical"),
            **{kind: n for kind in ("date", "time") if (n := schema.count(kind))},
            "encoded": self._encoder.n_features,
        }

    def fingerprint(self) -> bytes:
        """Bytes that differ where the inputs do."""
        return f"{tuple(self.encoded.shape)}".encode() + self.encoded.numpy().tobytes()

    def batches(
        self,
        rows: np.ndarray,
        targets: Tensor,
        label_mask: Tensor,
        *,
        batch_size: int,
        seed: int,
        training: bool,
        groups: Tensor | None = None,
    ) -> TableBatches:
        """Batches of some rows: shuffled ones to train on, else large ones in order."""
        return TableBatches(
            self.encoded[torch.from_numpy(np.asarray(rows))],
            targets,
            label_mask,
            batch_size if training else EVALUATION_ROWS,
            seed,
            shuffle=training,
            groups=groups,
        )


class ImageInputs(Inputs):
    """Pictures on disk or in memory, picked and standardised batch by batch.

    Args:
        encoder: Fitted to the training rows.
        images: All pictures.
        augmentation: How training pictures are changed; None for not at all.
    """

    def __init__(
        self, encoder: ImageEncoder, images: ImageRows, augmentation: Augmentation | None
    ) -> None:
        self._encoder, self.images, self._augmentation = encoder, images, augmentation

    @property
    def encoder(self) -> ImageEncoder:
        """From raw rows to what networks take; part of the saved model."""
        return self._encoder

    def in_numbers(self) -> dict[str, int]:
        """Channels, height and width."""
        channels, height, width = self._encoder.shape
        return {"channels": channels, "pixels high": height, "pixels wide": width}

    def fingerprint(self) -> bytes:
        """Bytes that differ where the inputs do."""
        return self.images.digest().encode()

    def batches(
        self,
        rows: np.ndarray,
        targets: Tensor,
        label_mask: Tensor,
        *,
        batch_size: int,
        seed: int,
        training: bool,
        groups: Tensor | None = None,
    ) -> ImageBatches:
        """Batches of some rows: shuffled and augmented ones to train on, else in order."""
        return ImageBatches(
            self.images,
            rows,
            targets,
            label_mask,
            self._encoder,
            batch_size if training else EVALUATION_IMAGES,
            seed=seed,
            shuffle=training,
            augmentation=self._augmentation if training else None,
            groups=groups,
        )
