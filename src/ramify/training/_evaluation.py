"""Predictions of a network on held-out rows, and their scores."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify.data import Batch
from ramify.losses import TaskLosses
from ramify.metrics import bootstrap_weights, skills, task_scores
from ramify.networks import TaskNetwork
from ramify.tasks import TaskSet


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says about held-out rows, beside the truth.

    Attributes:
        values: Probabilities, or values in the target's own unit; where only labelled places were
            asked for, anything in others.
        targets: The labels; anything where there is none.
        label_mask: True where there is a label.
        groups: Number of each row's group, for tasks that put rows in order; None for one of all.
    """

    values: Float[np.ndarray, "row column"]
    targets: Float[np.ndarray, "row task"]
    label_mask: Bool[np.ndarray, "row task"]
    groups: Int64[np.ndarray, " row"] | None = None

    def scores(self, tasks: TaskSet) -> NDArray[np.float64]:
        """Score of each task in its metric's own unit; NaN where absent."""
        scores: NDArray[np.float64] = self.drawn_scores(tasks, np.ones((1, len(self.targets))))[0]
        return scores

    def drawn_scores(
        self, tasks: TaskSet, weights: Float[np.ndarray, "draw row"]
    ) -> Float[np.ndarray, "draw task"]:
        """Score of each task under weights of the rows, such as those of `draws`."""
        return task_scores(self.values, self.targets, self.label_mask, tasks, weights, self.groups)

    def draws(self, n_draws: int, seed: int) -> Float[np.ndarray, "draw row"]:
        """How often each row is drawn in bootstrap draws of the rows, or of whole groups."""
        return bootstrap_weights(len(self.targets), n_draws, seed, self.groups)

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
    """Run a network over batches in evaluation mode.

    Args:
        network: The network; its mode is put back afterwards.
        losses: Turns outputs into probabilities and values.
        batches: The rows, in order.
        device: Where the network is.
        only_labelled: The network, as the machine does not wrap it, if values are asked for only
            where there is a label: then those of other places may be anything.
    """
    was_training = network.training
    network.eval()
    values, targets, masks, groups = [], [], [], []
    for batch in batches:
        labelled = None if only_labelled is None else only_labelled.asked_for(batch.host_mask)
        with labelled or nullcontext():
            outputs = network(batch.inputs.to(device))
        values.append(losses.predictions(outputs.to(losses.shares.dtype)).cpu())
        targets.append(batch.targets.cpu())
        masks.append(batch.label_mask.cpu())
        groups += [] if batch.groups is None else [batch.groups]
    network.train(was_training)
    mask = torch.cat(masks).numpy()
    together = torch.cat(groups).numpy() if groups else None
    return Predictions(_joined(values), _joined(targets), mask, together)


def _joined(parts: list[Tensor]) -> NDArray[np.float32]:
    array: NDArray[np.float32] = torch.cat(parts).numpy()
    return array
