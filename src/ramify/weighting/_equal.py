"""Weights that do not depend on how training goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from ramify._core import InputError, ShapeError
from ramify.records import Setting
from ramify.weighting._base import LossWeighting


@dataclass(frozen=True)
class Equal(LossWeighting):
    """Every loss counts the same: weight 1.

    Example:
        >>> import torch
        >>> Equal().weights(torch.tensor([3.0, 0.5]), torch.tensor([True, False]))
        tensor([1., 0.])
    """

    @property
    def name(self) -> str:
        """The word for it on the command line and in the record."""
        return "equal"

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record."""
        return {}

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """One for every task."""
        return torch.ones_like(losses)


@dataclass(frozen=True)
class Fixed(LossWeighting):
    """Weights that the user gives, one per task in the tasks' order.

    Attributes:
        values: Finite, 0 or more.

    Raises:
        InputError: If a weight is out of range.
    """

    values: Sequence[float]

    def __post_init__(self) -> None:
        """Check the weights."""
        if not self.values or not all(isfinite(value) and value >= 0 for value in self.values):
            raise InputError(
                "must be finite and 0 or more, one per task",
                argument="values",
                got=str(list(self.values)),
            )

    @property
    def name(self) -> str:
        """The word for it on the command line and in the record."""
        return "fixed"

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record."""
        return {"values": list(self.values)}

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """The weights as given.

        Raises:
            ShapeError: If there are more or fewer tasks.
        """
        if len(self.values) != len(losses):
            requirement = f"must have one weight per task, {len(losses)}"
            raise ShapeError(requirement, argument="values", got=str(len(self.values)))
        return torch.tensor(self.values, dtype=losses.dtype, device=losses.device)
