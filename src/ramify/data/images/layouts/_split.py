"""The division that comes with a data set, also where it has no validation rows of its own."""

from dataclasses import dataclass

import numpy as np

from ramify._core import InputError, listed, quoted
from ramify.data.splits import Rows, Split, SplitRule, column_texts
from ramify.data.tables import Table


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

    def split(self, table: Table, rows: Rows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows as the column says, and draw the validation rows."""
        values = column_texts(table, self.name)[rows]
        unknown = sorted(set(values) - {"train", "test"})
        if unknown:
            raise InputError(
                f"column {quoted(self.name)} must hold train or test. Got {listed(unknown)}"
            )
        training = rng.permutation(rows[values == "train"])
        n_validation = min(max(1, round(self.validation * len(training))), len(training) - 1)
        validation, train = np.split(training, [max(n_validation, 0)])
        words = f"test rows by column {quoted(self.name)}, validation rows at random"
        return Split(np.sort(train), np.sort(validation), rows[values == "test"], words)
