"""The division that comes with a data set, also where it has no validation rows of its own."""

from dataclasses import dataclass

import numpy as np

from ramify._core import InputError, listed, quoted
from ramify.data.splits import LabelledRows, Split, SplitRule, column_texts
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
