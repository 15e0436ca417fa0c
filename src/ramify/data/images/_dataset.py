"""Labels and images that belong together, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Int64

from ramify._core import ShapeError
from ramify.data.images._pixels import ImageRows
from ramify.data.splits import SplitRule
from ramify.data.tables import Table


@dataclass(frozen=True, eq=False)
class ImageData:
    """A table of labels and the image of each of its rows.

    Attributes:
        table: The labels; row i belongs to image i.
        images: The images.
        targets: Columns that the source means as targets; empty if it does not say.
        split: The source's own division into train, validation and test; None if it has none.
        notes: What a user should know, a sentence each.
        kinds: Kinds of targets that the source knows, such as codes of classes that look like
            numbers.
        no_labels: What else the source holds and cannot be a target, with the reason.
    """

    table: Table
    images: ImageRows
    targets: tuple[str, ...] = ()
    split: SplitRule | None = None
    notes: tuple[str, ...] = field(default=())
    kinds: Mapping[str, str] = field(default_factory=dict)
    no_labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that each row has its image."""
        if self.table.n_rows != len(self.images):
            raise ShapeError(
                f"the table must have a row for each image. Got {self.table.n_rows:,} rows and "
                f"{len(self.images):,} images"
            )

    def meant_for(self, targets: Sequence[str], split: SplitRule) -> "ImageData":
        """The same with targets and split.

        Args:
            targets: Columns that are meant as targets.
            split: The source's own division.
        """
        return replace(self, targets=tuple(targets), split=split)

    def select(self, rows: Int64[np.ndarray, " chosen"]) -> "ImageData":
        """Some of the rows.

        Args:
            rows: Ascending row numbers from 0.
        """
        return replace(self, table=self.table.select(rows), images=self.images.select(rows))
