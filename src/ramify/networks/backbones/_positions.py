"""Features at positions: where the units of a batch are read, and what of it is padding."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ramify._core import InputError, ShapeError
from ramify.data import Nested
from ramify.tasks import ROW, TaskSet, Unit


class ReadsPositions(nn.Module, ABC):
    """The first module of a backbone, that reads inputs whose rows have positions, such as words.

    It gives ``(batch, *positions, feature)``, or whatever the stage after it takes, from inputs of
    any structure. Without parameters it is no part of any stage, and all tasks share it; with some it
    belongs to the first stage, whose copies then run one by one.

    Attributes:
        unit: What a position is, and how the features of the stages come.

    Example:
        >>> class Padded(ReadsPositions):
        ...     unit = Unit("token", 1)
        ...
        ...     def real(self, inputs):
        ...         return inputs["real"]
        ...
        ...     def forward(self, inputs):
        ...         return inputs["x"]
    """

    unit: Unit

    @abstractmethod
    def real(self, inputs: Nested) -> Bool[Tensor, "batch ..."] | None:
        """Which positions are real and not padding; None if all are.

        Args:
            inputs: What the network gets.
        """

    def row_weights(self, real: Bool[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """How much each position counts in the vector that tasks of rows read: the mean of the real.

        Args:
            real: Which positions are real.
        """
        return means_of(real)


class KnowsPadding:
    """A module that is told, before each forward pass, which positions of the batch are real.

    Attributes:
        real: ``(batch, *positions)``; None if all are, or between passes.
    """

    real: Bool[Tensor, "batch ..."] | None = None


class PositionNorm(nn.Module, KnowsPadding):
    """Batch norm of features ``(batch, *positions, feature)`` over the positions that are real.

    Padding has no part in the statistics, and is 0 afterwards.

    Args:
        n_features: Width of the features.
        eps: Added to the variance.
        momentum: Share of a batch in the running statistics.

    Example:
        >>> norm = PositionNorm(2)
        >>> norm.real = torch.tensor([[True, True, False]])
        >>> norm(torch.tensor([[[1.0, 0.0], [3.0, 0.0], [99.0, 0.0]]]))[0, :, 0].detach().round()
        tensor([-1.,  1.,  0.])
    """

    def __init__(self, n_features: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features, eps=eps, momentum=momentum)

    def forward(self, x: Float[Tensor, "batch *positions feature"]) -> Tensor:
        """Normalise."""
        flat = x.flatten(0, -2)
        if self.real is None:
            y: Tensor = self.norm(flat)
            return y.view(x.shape)
        places = self.real.flatten().nonzero().squeeze(1)
        known = self.norm(flat.index_select(0, places))
        return torch.zeros_like(flat).index_copy(0, places, known).view(x.shape)


@dataclass(frozen=True, eq=False)
class Positions:
    """The positions of one batch, as a network has read them.

    Attributes:
        sizes: How many there are along each axis.
        real: Which are real; None if all are.
        weights: How much each counts in the vector of its row.
        has_rows: Whether some task is of rows.
        has_positions: Whether some task is of positions.
    """

    sizes: tuple[int, ...]
    real: Bool[Tensor, "batch ..."] | None
    weights: Float[Tensor, "batch position"]
    has_rows: bool
    has_positions: bool

    def units(
        self, x: Float[Tensor, "branch batch *positions feature"]
    ) -> Float[Tensor, "branch unit feature"]:
        """What the heads read: vectors of rows first, if a task is of rows, then those of positions.

        Args:
            x: Features of the last stage.
        """
        inside = x.flatten(2, -2)  # (branch, batch, position, feature)
        if not self.has_rows:
            return inside.flatten(1, 2)
        rows = torch.einsum("bp,gbpf->gbf", self.weights.to(inside), inside)
        return torch.cat([rows, inside.flatten(1, 2)], dim=1) if self.has_positions else rows

    def spread(self, per_unit: Float[Tensor, "unit column"]) -> Float[Tensor, "place column"]:
        """From gradients at the outputs to those that they are at each position's features.

        The vector of a row is a weighted mean, so a gradient there is one at every position in
        proportion to its weight. Thus the gradients of tasks of rows and of positions meet at the same
        features. Where no task is of positions, the vectors of the rows are the features.

        Args:
            per_unit: One line for each unit.
        """
        if not (self.has_rows and self.has_positions):
            return per_unit
        n_rows, n_positions = self.weights.shape
        rows, inside = per_unit[:n_rows], per_unit[n_rows:].view(n_rows, n_positions, -1)
        shares = self.weights.to(rows).unsqueeze(2) * rows.unsqueeze(1)
        return (inside + shares).flatten(0, 1)

    def spread_mask(self, mask: Bool[Tensor, "unit task"]) -> Bool[Tensor, "place task"]:
        """Which positions have a label of their own or one of their row; as `spread` has them.

        Args:
            mask: One line for each unit.
        """
        if not (self.has_rows and self.has_positions):
            return mask
        n_rows, n_positions = self.weights.shape
        found = (self.weights > 0).unsqueeze(2) & mask[:n_rows].unsqueeze(1)
        if len(mask) > n_rows:  # else no position of the batch has a label
            found = found | mask[n_rows:].view(n_rows, n_positions, -1)
        return found.flatten(0, 1)


def without_reader(stages: Sequence[nn.Module]) -> tuple[ReadsPositions | None, list[nn.Module]]:
    """What reads the inputs, where that is no part of a stage, and the stages without it.

    Args:
        stages: As `stages_of` gives them.
    """
    first, *others = stages
    if not isinstance(first, nn.Sequential) or len(first) == 0:
        return None, list(stages)
    reader, *rest = first
    if not isinstance(reader, ReadsPositions) or next(reader.parameters(), None) is not None:
        return None, list(stages)
    stage = rest[0] if len(rest) == 1 else nn.Sequential(*rest)
    return reader, [stage, *others]


def unit_of(tasks: TaskSet, stages: Sequence[nn.Module]) -> Unit:
    """What the positions of a network are; a row if there are none.

    Args:
        tasks: The tasks.
        stages: Of the backbone.

    Raises:
        InputError: If tasks and stages do not agree.
    """
    found = [m for stage in stages for m in stage.modules() if isinstance(m, ReadsPositions)]
    if not found:
        return tasks.unit
    if tasks.unit not in (ROW, found[0].unit):
        raise InputError(
            f"`backbone` must have features of {tasks.unit.name}s, which tasks are about. "
            f"Got a stage that reads {found[0].unit.name}s"
        )
    return found[0].unit


@contextmanager
def told_of_padding(
    modules: Sequence[KnowsPadding], real: Bool[Tensor, "batch ..."] | None
) -> Iterator[None]:
    """Within the block, modules know which positions are real.

    Args:
        modules: Those that want to know.
        real: Which are real.
    """
    for module in modules:
        module.real = real
    try:
        yield
    finally:
        for module in modules:
            module.real = None


def positions_of(
    x: Float[Tensor, "branch batch *positions feature"],
    tasks: TaskSet,
    unit: Unit,
    real: Bool[Tensor, "batch ..."] | None,
    weigh: Callable[[Tensor], Tensor],
) -> Positions:
    """The positions that the features of a batch have.

    Args:
        x: Features of the last stage.
        tasks: The tasks.
        unit: What a position is.
        real: Which positions are real; None if all are.
        weigh: From the real ones to how much each counts in the vector of its row.

    Raises:
        ShapeError: If the features do not have such positions.
    """
    n_rows, sizes = x.shape[1], tuple(x.shape[2:-1])
    if len(sizes) != unit.n_axes or (real is not None and real.shape != (n_rows, *sizes)):
        have = f"positions of shape {sizes}" if sizes else "no positions"
        want = f"{unit.n_axes} axes" if real is None else f"the shape {tuple(real.shape[1:])}"
        raise ShapeError(
            f"the last stage of `backbone` must keep the positions of {unit.name}s, of {want}. "
            f"Got features with {have}; leave pooling and flattening out"
        )
    every = torch.ones(n_rows, *sizes, dtype=torch.bool, device=x.device)
    weights = weigh(every if real is None else real).flatten(1)
    return Positions(sizes, real, weights, tasks.has_rows, tasks.unit != ROW)


def means_of(real: Tensor) -> Float[Tensor, "batch ..."]:
    """Equal weights of each row's real positions, 0 elsewhere; all 0 for a row without any.

    Args:
        real: Which positions are real.
    """
    known = real.to(torch.get_default_dtype())
    number = known.flatten(1).sum(1).clamp(min=1)
    return known / number.view(-1, *(1,) * (real.ndim - 1))
