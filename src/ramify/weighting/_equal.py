"""Weights that do not depend on how training goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from ramify._core import InputError, ShapeError, checked
from ramify.weighting._base import LossWeighting


@dataclass(frozen=True)
class Equal(LossWeighting):
    """Every loss counts the same: weight 1.

    Example:
        >>> import torch
        >>> Equal().weights(torch.tensor([3.0, 0.5]), torch.tensor([True, False]))
        tensor([1., 0.])
    """

    name = "equal"
    label = "every loss counts the same"

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """One for every task."""
        return torch.ones_like(losses)


@checked
@dataclass(frozen=True)
class Fixed(LossWeighting):
    """Weights that the user gives, one per task in the tasks' order.

    Attributes:
        values: Finite, 0 or more.

    Raises:
        InputError: If a weight is out of range.
    """

    name = "fixed"
    label = "weights that are given"

    values: Sequence[float]

    def __post_init__(self) -> None:
        """Check the weights."""
        if not self.values or not all(isfinite(value) and value >= 0 for value in self.values):
            raise InputError(
                "must be finite and 0 or more, one per task",
                argument="values",
                got=str(list(self.values)),
            )

    def for_tasks(self, places: Sequence[int]) -> "Fixed":
        """The same for some of the tasks."""
        return Fixed([self.values[place] for place in places])

    def check(self, n_tasks: int) -> None:
        """That there is one weight per task."""
        if len(self.values) != n_tasks:
            requirement = f"must be one weight per task, {n_tasks}, in their order"
            raise ShapeError(requirement, argument="values", got=str(len(self.values)))

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """The weights as given.

        Raises:
            ShapeError: If there are more or fewer tasks.
        """
        self.check(len(losses))
        return torch.tensor(self.values, dtype=losses.dtype, device=losses.device)
