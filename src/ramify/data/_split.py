"""The three sides of a split."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from ramify._core import InputError, listed

Rows = Int64[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows train, which choose, which test; ascending row numbers from 0.

    Attributes:
        train: Rows that the network learns from.
        validation: Rows that decide when to stop and what to keep.
        test: Rows that only the final scores see.
        description: How the rows were divided, in words.
        notes: What a user should know, a sentence each.
    """

    train: Int64[np.ndarray, " train"]
    validation: Int64[np.ndarray, " validation"]
    test: Int64[np.ndarray, " test"]
    description: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that no side is empty."""
        sides = {"train": self.train, "validation": self.validation, "test": self.test}
        empty = [name for name, rows in sides.items() if len(rows) == 0]
        if empty:
            raise InputError(
                f"each of train, validation and test must have at least one labelled row. "
                f"{listed(empty)} got none; label more rows or split in another way"
            )

    @property
    def sizes(self) -> dict[str, int]:
        """Number of rows per side."""
        return {
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(self.test),
        }
