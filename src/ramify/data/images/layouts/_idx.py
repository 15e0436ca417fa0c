"""The four IDX files of MNIST, Fashion-MNIST and their kin."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ramify._core import InputError, checked, listed, quoted
from ramify.data.images import (
    ImageData,
    ImageReading,
    ImageRows,
    Progress,
    kinds_of_codes,
    open_idx_pair,
    resized,
    silent,
)
from ramify.data.images.layouts._base import SPLIT_COLUMN, ImageLayout, find
from ramify.data.splits import LabelledRows, Split, SplitRule, column_texts
from ramify.data.tables import Table, open_table


@checked
@dataclass(frozen=True)
class TrainTestSplit(SplitRule):
    """Test rows as a column says; validation rows drawn from the others.

    Attributes:
        name: The column, which holds train or test.
        validation: Share of the training rows to validate on.
    """

    name: str
    validation: float = 0.1

    def __post_init__(self) -> None:
        """Check the share."""
        if not 0 < self.validation < 1:
            raise InputError(
                f"`validation` must be a share above 0 and below 1. Got {self.validation}"
            )

    @property
    def column(self) -> str:
        """The column that the rule reads, which is then no feature."""
        return self.name

    def split(self, table: Table, labelled: LabelledRows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows as the column says, and draw the validation rows."""
        values = column_texts(table, self.name)[labelled.rows]
        unknown = sorted(set(values) - {"train", "test"})
        if unknown:
            raise InputError(
                f"column {quoted(self.name)} must hold train or test. Got {listed(unknown)}"
            )
        training = labelled.select(np.flatnonzero(values == "train"))
        n_training = len(training.rows)
        n_validation = max(min(max(1, round(self.validation * n_training)), n_training - 1), 0)
        sizes = (n_training - n_validation, n_validation)
        train, validation = training.divided(sizes, rng)
        words = f"test rows by column {quoted(self.name)}, validation rows at random"
        return Split(train, validation, labelled.rows[values == "test"], words)


_TARGET = "label"


@dataclass(frozen=True)
class IdxFolder(ImageLayout):
    """Images and labels in ``train-*`` and ``t10k-*`` IDX files, packed by gzip or not.

    The rows of ``t10k`` are the test rows; validation rows are drawn from those of ``train``.

    Attributes:
        folder: Where the four files lie.

    Example:
        >>> IdxFolder(Path("fashion_mnist")).folder.name
        'fashion_mnist'
    """

    folder: Path

    def open(self, reading: ImageReading, progress: Progress = silent) -> ImageData:
        """Read labels and images, with the data set's own targets and split."""
        train, train_labels = self._part("train")
        test, test_labels = self._part("t10k")
        if train.shape[1:] != test.shape[1:]:
            raise InputError(
                "images of train and t10k must be of one size. "
                f"Got {train.shape[1:]} and {test.shape[1:]}"
            )
        labels = np.concatenate([train_labels, test_labels]).astype(np.int64)
        side = ["train"] * len(train) + ["test"] * len(test)
        table = open_table(pl.DataFrame({_TARGET: labels, SPLIT_COLUMN: side}), self.folder.name)
        images = resized(ImageRows([train[:, None], test[:, None]]), reading)
        kinds = kinds_of_codes(_TARGET, labels)
        return ImageData(table, images, (_TARGET,), TrainTestSplit(SPLIT_COLUMN), kinds=kinds)

    def _part(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        kinds = ("images", 3), ("labels", 1)
        return open_idx_pair(
            *(
                find(
                    self.folder,
                    [
                        f"{part}-{what}{mark}idx{axes}-ubyte{end}"
                        for mark in "-."
                        for end in ("", ".gz")
                    ],
                    f"the {what} of {part}",
                )
                for what, axes in kinds
            )
        )
