"""Predictions of a network on held-out rows, and their scores."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, RamifyError, ShapeError
from ramify.data import Batch, Units, leaves, mapped
from ramify.losses import TaskLosses
from ramify.metrics import TaskScores, skills, task_scores
from ramify.networks import Positions, TaskModel, TaskNetwork
from ramify.tasks import TaskSet


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says about held-out rows, beside the truth.

    Attributes:
        values: Probabilities, or values in the target's own unit, a line for each unit; where only
            labelled places were asked for, anything in others.
        targets: The labels; anything where there is none.
        label_mask: True where there is a label.
        groups: Number of each row's group, for tasks that put rows in order; None for one of all.
        rows: For each unit the number of its row, from 0; None where the units are the rows.
        row_count: Number of rows, where units are not the rows: some may have no unit here.
        left_out: The values without each of several networks that answer together; none of a lone
            network. They tell what retraining would change.
    """

    values: Float[np.ndarray, "unit column"]
    targets: Float[np.ndarray, "unit task"]
    label_mask: Bool[np.ndarray, "unit task"]
    groups: Int64[np.ndarray, " row"] | None = None
    rows: Int64[np.ndarray, " unit"] | None = None
    row_count: int | None = None
    left_out: tuple[Float[np.ndarray, "unit column"], ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.targets) if self.row_count is None else self.row_count

    def scores(self, tasks: TaskSet) -> NDArray[np.float64]:
        """Score of each task in its metric's own unit; NaN where absent."""
        return self.scored(tasks).values

    def scored(self, tasks: TaskSet) -> TaskScores:
        """Score of each task, with what each row adds to its error."""
        return task_scores(
            self.values,
            self.targets,
            self.label_mask,
            tasks,
            self.groups,
            rows=self.rows,
            n_rows=self.n_rows,
        )

    def skills(self, tasks: TaskSet) -> NDArray[np.float64]:
        """Skill of each task, higher is better; NaN where absent."""
        skill: NDArray[np.float64] = skills(self.scores(tasks)[None], tasks)[0]
        return skill


@torch.inference_mode()
def predict(
    network: nn.Module,
    losses: TaskLosses,
    batches: Iterable[Batch],
    device: torch.device,
    *,
    only_labelled: TaskNetwork | None = None,
) -> Predictions:
    """Run a network, or another model, over batches in evaluation mode.

    Args:
        network: The network; its mode is put back afterwards.
        losses: Turns outputs into probabilities and values.
        batches: The rows, in order.
        device: Where the network is.
        only_labelled: The network, as the device does not wrap it, if values are asked for only
            where there is a label: then those of other places may be anything, and units without a
            label are left out.
    """
    was_training = network.training
    network.eval()
    found = _Gathered(only_labelled=only_labelled is not None)
    says_predictions = isinstance(network, TaskModel) and network.gives_predictions
    for batch in batches:
        labelled = None if only_labelled is None else only_labelled.asked_for(batch.host_mask)
        inputs = mapped(batch.inputs, lambda tensor: tensor.to(device))
        with labelled or nullcontext():
            outputs = network(inputs)
        if batch.units is not None:
            outputs = lines_with_targets(outputs, batch.units)
        if not says_predictions:
            outputs = losses.predictions(outputs.to(losses.shares.dtype))
        values = outputs.cpu()
        positions = network.positions if isinstance(network, TaskNetwork) else None
        found.add(batch, values, positions)
    network.train(was_training)
    return found.whole(losses.tasks)


def lines_with_targets(outputs: Tensor, units: Units) -> Tensor:
    """Outputs for the units that have a line among the targets.

    A batch in which no position has a label does not say how many there are.

    Args:
        outputs: Of the network.
        units: Of the batch.

    Raises:
        ShapeError: If there are fewer positions, or others, than the targets tell of.
    """
    if len(outputs) == units.n_units:
        return outputs
    if units.n_positions == 0:
        return outputs[: units.n_units]
    here = (len(outputs) - units.n_rows * units.has_rows) // max(1, units.n_rows)
    raise ShapeError(
        "targets must have one label for each position of the network's features, "
        f"{here:,} in a row. Got {units.n_positions:,}"
    )


@contextmanager
def told_of_inputs(batch: Batch) -> Iterator[None]:
    """Within the block, an error of a network is one of the inputs that a loader gave it.

    Args:
        batch: The rows.

    Raises:
        InputError: In the place of an error of torch or of a module of the user's.
    """
    try:
        yield
    except (RamifyError, torch.OutOfMemoryError):
        raise
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError) as error:
        first = str(error).strip().partition("\n")[0]
        if batch.n_rows == 1 and "more than 1 value per channel" in first:
            raise InputError(
                "a batch must have two rows or more where a network has batch norm. Got one of 1 "
                "row; leave the last batch out (drop_last=True) or choose another batch size"
            ) from error
        shapes = [f"{path} {t.dtype} {tuple(t.shape)}".strip() for path, t in leaves(batch.inputs)]
        raise InputError(
            f"the network must run on the inputs that the loader gives, {', '.join(shapes)}. "
            f"Got {type(error).__name__}: {first}"
        ) from error


class _Gathered:
    """Predictions as they come, batch by batch."""

    def __init__(self, *, only_labelled: bool) -> None:
        self._only_labelled, self._n_rows = only_labelled, 0
        self._values: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._masks: list[Tensor] = []
        self._groups: list[Tensor] = []
        self._rows: list[Tensor] = []

    def add(self, batch: Batch, values: Tensor, positions: Positions | None) -> None:
        """Take a batch in; of units that are not the rows those that are labelled, or real.

        Args:
            batch: The rows.
            values: What is predicted for its units.
            positions: Those that the network has read.
        """
        targets, mask, units = batch.targets.cpu(), batch.label_mask.cpu(), batch.units
        if units is not None:
            rows, kept = self._n_rows + units.row_of_unit(), mask.any(1)
            if not self._only_labelled:
                kept |= _real(units, positions)
            values, targets, mask, rows = (each[kept] for each in (values, targets, mask, rows))
            self._rows.append(rows)
        self._n_rows += batch.n_rows
        self._values.append(values)
        self._targets.append(targets)
        self._masks.append(mask)
        self._groups += [] if batch.groups is None else [batch.groups]

    def whole(self, tasks: TaskSet) -> Predictions:
        """All of them.

        Args:
            tasks: The tasks.

        Raises:
            InputError: If a prediction beside a label is not a finite number.
        """
        values, mask = torch.cat(self._values), torch.cat(self._masks)
        of_column = list(tasks.task_of_column)
        if not torch.where(mask[:, of_column], values, 0.0).isfinite().all():
            raise InputError(
                "predictions must be finite. Got NaN or ±inf: the training has diverged, or inputs "
                "are not finite; use a smaller learning rate, and look for NaN among the inputs"
            )
        return Predictions(
            values.numpy(),
            torch.cat(self._targets).numpy(),
            mask.numpy(),
            torch.cat(self._groups).numpy() if self._groups else None,
            torch.cat(self._rows).numpy() if self._rows else None,
            self._n_rows if self._rows else None,
        )


def _real(units: Units, positions: Positions | None) -> Bool[Tensor, " unit"]:
    """Which units are no padding."""
    if positions is None or positions.real is None or units.n_positions == 0:
        return torch.ones(units.n_units, dtype=torch.bool)
    rows = torch.ones(units.n_rows, 1, dtype=torch.bool)
    return units.joined(rows, positions.real.cpu().unsqueeze(-1)).squeeze(1)
