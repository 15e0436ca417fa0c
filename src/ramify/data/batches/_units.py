"""Where the units of a batch stand: its rows, and the positions within them."""

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

from ramify.tasks import ROW, TaskSet


@dataclass(frozen=True)
class Units:
    """How the lines of a batch's targets, one for each unit, belong to its rows.

    First come the rows, if a task is about rows; then the positions of the first row, of the second,
    and so on. Losses, error margins, masks and scores are about units and need not know which is
    which. What is learned for grouping tasks is about rows: see `by_row`.

    Attributes:
        n_rows: Rows of the batch.
        sizes: How many positions a row has along each of their axes; that of the longest row, where
            rows differ.
        has_rows: Whether there is a line for each row.

    Example:
        >>> units = Units(n_rows=2, sizes=(3,), has_rows=True)
        >>> units.row_of_unit().tolist()
        [0, 1, 0, 0, 0, 1, 1, 1]
    """

    n_rows: int
    sizes: tuple[int, ...]
    has_rows: bool

    @property
    def n_positions(self) -> int:
        """Positions of a row."""
        return prod(self.sizes)

    @property
    def n_units(self) -> int:
        """Lines in all."""
        return self.n_rows * (self.n_positions + self.has_rows)

    def row_of_unit(self) -> Int64[Tensor, " unit"]:
        """For each line the row that it belongs to."""
        rows = torch.arange(self.n_rows)
        positions = rows.repeat_interleave(self.n_positions)
        return torch.cat([rows, positions]) if self.has_rows else positions

    def compared(
        self, groups: Int64[Tensor, " batch"] | None, tasks: TaskSet
    ) -> Int64[Tensor, " unit"]:
        """Which units a task that puts units in order may compare: those with one number.

        Rows of one group, and positions of one row, where a task compares such units; every other
        unit has a number of its own.

        Args:
            groups: Number of each row's group; None if all rows are one.
            tasks: The tasks.
        """
        of_rows = {task.unit == ROW for task in tasks if task.kind.compares_rows}
        rows = torch.zeros(self.n_rows, dtype=torch.int64) if groups is None else groups
        found = torch.arange(self.n_units)
        start = self.n_rows * self.has_rows
        if True in of_rows and self.has_rows:
            found[:start] = torch.from_numpy(np.unique(rows.numpy(), return_inverse=True)[1])
        if False in of_rows:
            found[start:] = self.n_units + self.row_of_unit()[start:]
        return found

    def joined(
        self, rows: Shaped[Tensor, "batch task"], positions: Shaped[Tensor, "batch *sizes task"]
    ) -> Shaped[Tensor, "unit task"]:
        """One line for each unit.

        Args:
            rows: Of the rows; not looked at if there is no line for them.
            positions: Of the positions.
        """
        flat = positions.flatten(0, -2)
        return torch.cat([rows, flat]) if self.has_rows else flat

    def apart(
        self, lines: Shaped[Tensor, "unit ..."]
    ) -> tuple[Shaped[Tensor, "batch ..."] | None, Shaped[Tensor, "batch position ..."]]:
        """The lines of the rows, None without any, and those of the positions, by row.

        Args:
            lines: One for each unit.
        """
        rows = lines[: self.n_rows] if self.has_rows else None
        positions = lines[self.n_rows :] if self.has_rows else lines
        return rows, positions.view(self.n_rows, self.n_positions, *lines.shape[1:])

    def any_by_row(self, mask: Bool[Tensor, "unit task"]) -> Bool[Tensor, "batch task"]:
        """Whether a row has some unit of it in the mask.

        Args:
            mask: Of units.
        """
        rows, positions = self.apart(mask)
        found = positions.any(1)
        return found if rows is None else found | rows

    def by_row(
        self, values: Float[Tensor, "unit task"], mask: Bool[Tensor, "unit task"]
    ) -> tuple[Float[Tensor, "batch task"], Bool[Tensor, "batch task"]]:
        """Mean over each row's units that count, and which rows have one.

        Args:
            values: Of units; anything where the mask is False.
            mask: Which count.
        """
        known = torch.where(mask, values, 0.0)
        rows, positions = self.apart(known)
        own, inside = self.apart(mask)
        total, number = positions.sum(1), inside.sum(1)
        if rows is not None and own is not None:
            total, number = total + rows, number + own
        return total / number.clamp(min=1), number > 0
