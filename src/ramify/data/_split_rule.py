"""What a way of dividing rows has to offer, and what all ways share."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Shaped

from ramify._core import InputError
from ramify.data._split import Rows, Split
from ramify.data._table import Table


class SplitRule(ABC):
    """Divides the labelled rows of a table."""

    @property
    def column(self) -> str | None:
        """The column that the rule reads, which is then no feature."""
        return None

    @abstractmethod
    def split(self, table: Table, rows: Rows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows.

        Args:
            table: The table.
            rows: Numbers of the rows with at least one label.
            rng: Source of chance.
        """


def check_shares(train: float, validation: float) -> None:
    """Check that each of three sides gets a share.

    Raises:
        InputError: If not.
    """
    if not (train > 0 and validation > 0 and train + validation < 1):
        raise InputError(
            "`train` and `validation` must be shares above 0 with a sum below 1. "
            f"Got {train} and {validation}"
        )


def held_out(n_rows: int, train: float, validation: float) -> tuple[int, int]:
    """Rows to validate and to test on: at least one each, and one is left to train on."""
    n_validation = min(max(1, round(n_rows * validation)), n_rows - 2)
    n_test = min(max(1, round(n_rows * (1 - train - validation))), n_rows - 1 - n_validation)
    return n_validation, n_test


def column_texts(table: Table, column: str) -> Shaped[np.ndarray, " row"]:
    """The texts of a column; empty where missing."""
    values = table.collect(table.column(column).text().fill_null("")).to_series()
    return values.to_numpy().astype(str)
