"""Rows at random."""

from dataclasses import dataclass

import numpy as np

from ramify.data._split import Rows, Split
from ramify.data._split_rule import SplitRule, check_shares, held_out
from ramify.data._table import Table


@dataclass(frozen=True)
class RandomSplit(SplitRule):
    """Rows at random; every side gets at least one.

    Attributes:
        train: Share of the rows to train on.
        validation: Share of the rows to validate on; the rest is for the test.
    """

    train: float = 0.8
    validation: float = 0.1

    def __post_init__(self) -> None:
        """Check the shares."""
        check_shares(self.train, self.validation)

    def split(self, table: Table, rows: Rows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows at random."""
        n_validation, n_test = held_out(len(rows), self.train, self.validation)
        order = rng.permutation(rows)
        validation, test = order[:n_validation], order[n_validation : n_validation + n_test]
        train = order[n_validation + n_test :]
        return Split(np.sort(train), np.sort(validation), np.sort(test), "at random")
