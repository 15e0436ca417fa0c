"""Predictions of a network on held-out rows, and their scores."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify.data import Batch
from ramify.losses import TaskLosses
from ramify.metrics import skills, task_scores
from ramify.tasks import TaskSet


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says about held-out rows, beside the truth.

    Attributes:
        values: Probabilities, or values in the target's own unit.
        targets: The labels; anything where there is none.
        label_mask: True where there is a label.
    """

    values: Float[np.ndarray, "row column"]
    targets: Float[np.ndarray, "row task"]
    label_mask: Bool[np.ndarray, "row task"]

    def scores(self, tasks: TaskSet) -> NDArray[np.float64]:
        """Score of each task in its metric's own unit; NaN where absent."""
        scores: NDArray[np.float64] = task_scores(
            self.values, self.targets, self.label_mask, tasks
        )[0]
        return scores

    def skills(self, tasks: TaskSet) -> NDArray[np.float64]:
        """Skill of each task, higher is better; NaN where absent."""
        skill: NDArray[np.float64] = skills(self.scores(tasks)[None], tasks)[0]
        return skill


@torch.inference_mode()
def predict(
    network: nn.Module, losses: TaskLosses, batches: Iterable[Batch], device: torch.device
) -> Predictions:
    """Run a network over batches in evaluation mode.

    Args:
        network: The network; its mode is put back afterwards.
        losses: Turns outputs into probabilities and values.
        batches: The rows, in order.
        device: Where the network is.
    """
    was_training = network.training
    network.eval()
    values, targets, masks = [], [], []
    for batch in batches:
        outputs = network(batch.inputs.to(device))
        values.append(losses.predictions(outputs.float()).cpu())
        targets.append(batch.targets.cpu())
        masks.append(batch.label_mask.cpu())
    network.train(was_training)
    return Predictions(_joined(values), _joined(targets), torch.cat(masks).numpy())


def _joined(parts: list[Tensor]) -> NDArray[np.float32]:
    array: NDArray[np.float32] = torch.cat(parts).numpy()
    return array
