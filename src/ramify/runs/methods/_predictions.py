"""What a fitted model says of a side of the split."""

import torch

from ramify.losses import TaskLosses
from ramify.networks import TaskModel
from ramify.runs._prepared import Prepared
from ramify.training import Predictions


@torch.inference_mode()
def predictions_of(model: TaskModel, prepared: Prepared, side: str, batch_size: int) -> Predictions:
    """Predictions of the rows of a side, beside the truth.

    Args:
        model: On the CPU.
        prepared: The data.
        side: ``validation`` or ``test``.
        batch_size: Rows at a time, as far as it is not fixed.
    """
    losses = TaskLosses(model.tasks)
    values, targets, masks = [], [], []
    for batch in prepared.in_order(side, batch_size):
        outputs = model.eval()(batch.inputs)
        values.append(outputs if model.gives_predictions else losses.predictions(outputs))
        targets.append(batch.targets)
        masks.append(batch.label_mask)
    groups = prepared.groups_of(side)
    return Predictions(
        torch.cat(values).numpy(),
        torch.cat(targets).numpy(),
        torch.cat(masks).numpy(),
        None if groups is None else groups.numpy(),
    )
