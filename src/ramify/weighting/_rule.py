"""Weightings from elsewhere: anything that takes a Gram matrix and gives weights."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ramify._core import InputError, Setting, quoted
from ramify.weighting._base import GramWeighting, Matrix, Places, Vector, Weighting

GramRule = Callable[[Tensor], Tensor]


class GramFunction(GramWeighting):
    """A function, or a weighting of TorchJD, as a weighting.

    Its weights are taken to multiply the losses of a sum, as TorchJD's do, so those here are n
    times as large. It sees the tasks that are present and have a gradient, in float64, in units of
    the longest gradient; what it remembers does not travel with checkpoints.

    Args:
        rule: From a Gram matrix ``(task, task)`` to weights ``(task,)``.
        name: For the record.

    Example:
        >>> import torch
        >>> mean = GramFunction(lambda gram: torch.full((len(gram),), 1 / len(gram)), "mean")
        >>> mean.weights(torch.eye(2), torch.ones(2), torch.ones(2).bool())
        tensor([1., 1.])
    """

    name = "function"
    label = "a rule from elsewhere"

    def __init__(self, rule: GramRule, name: str | None = None) -> None:
        self._rule = rule
        self._name = name or str(getattr(rule, "__name__", type(rule).__name__))

    @property
    def word(self) -> str:
        """The word for it in a record."""
        return self._name

    def settings(self) -> dict[str, Setting]:
        """How it shows itself, for the record."""
        return {"rule": str(self._rule) if isinstance(self._rule, torch.nn.Module) else self._name}

    def solve(self, gram: Matrix, losses: Vector, places: Places) -> Vector:
        """What the function says.

        Raises:
            InputError: If that is not one finite number per task.
        """
        found = torch.as_tensor(self._rule(torch.from_numpy(gram)))
        weights = found.detach().double().cpu().numpy()
        if weights.shape != (len(gram),) or not np.isfinite(weights).all():
            raise InputError(
                f"the weighting {quoted(self.word)} must give one finite weight for each of "
                f"{len(gram)} tasks. Got {weights.tolist()}"
            )
        product: Vector = len(gram) * weights
        return product


def as_weighting(given: Weighting | GramRule) -> Weighting:
    """A weighting as it is, and any other callable as a `GramFunction`.

    Raises:
        InputError: If it is neither.
    """
    if isinstance(given, Weighting):
        return given
    if isinstance(given, type) or not callable(given):
        raise InputError(
            "must be a weighting such as UPGrad(), or a function from a Gram matrix to weights",
            argument="weighting",
            got=quoted(given),
        )
    return GramFunction(given)
