"""What selective sharing saw at a look, and how it travels with checkpoints."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ramify.affinity import Factors
from ramify.networks import BranchedNetwork, n_parameters
from ramify.records import Regrouping
from ramify.sharing._protocols import Moment
from ramify.tasks import SharingTree

_DIGITS = 6


@dataclass(frozen=True, eq=False)
class GradientSnapshot:
    """One look at the gradients.

    Attributes:
        tasks: Names.
        factors: What the gradients have in common.
        distances: Of the tasks; NaN where unknown.
    """

    tasks: Sequence[str]
    factors: Factors
    distances: Float[np.ndarray, "task task"]

    def of_tasks(self, rows: Int[np.ndarray, " task"]) -> "GradientSnapshot":
        """The look of tasks, where rows are those of groups: alike within a group.

        Args:
            rows: For each task, its row.
        """
        loadings, known = self.factors.loadings[rows], self.factors.known[rows]
        factors = replace(self.factors, loadings=loadings, known=known)
        return GradientSnapshot(self.tasks, factors, self.distances[np.ix_(rows, rows)])

    def recorded(
        self, network: BranchedNetwork, tree: SharingTree, keepers: Sequence[int], moment: Moment
    ) -> Regrouping:
        """For the record.

        Args:
            network: The network before.
            tree: The tree after.
            keepers: Places of the tasks whose estimators go on.
            moment: When.
        """
        loadings = np.nan_to_num(self.factors.loadings)
        return Regrouping(
            step=moment.step,
            epoch=moment.epoch,
            tasks=list(self.tasks),
            distances=[
                [None if np.isnan(d) else round(float(d), _DIGITS) for d in row]
                for row in self.distances
            ],
            loadings=loadings.round(_DIGITS).tolist(),
            energy=self.factors.energy.round(_DIGITS).tolist(),
            before=[list(group) for group in network.tree.stages[-1]],
            groups=[list(group) for group in tree.stages[-1]],
            keepers=[self.tasks[t] for t in keepers],
            parameters_before=n_parameters(network),
            parameters=network.parameters_of(tree),
        )


def named_as_before(look: Regrouping, past: Sequence[Regrouping]) -> Regrouping:
    """Name the kept estimators after the tasks that they came from, as the look before does.

    Tasks of a group have one estimator, so the most central of them may be another one each time.

    Args:
        look: The latest.
        past: Those before it.
    """
    if not past:
        return look
    last = past[-1]
    names = {n: k for k, group in zip(last.keepers, last.groups, strict=True) for n in group}
    pairs = zip(look.keepers, look.groups, strict=True)
    keepers = [names[k] if names[k] in group else k for k, group in pairs]
    return look.model_copy(update={"keepers": keepers})


def to_tensor(regroupings: Sequence[Regrouping]) -> Tensor:
    """Records as the bytes of their JSON, which is how a checkpoint can hold them."""
    text = json.dumps([each.model_dump() for each in regroupings])
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


def from_tensor(tensor: Tensor) -> list[Regrouping]:
    """Records from what `to_tensor` gave."""
    return [Regrouping(**each) for each in json.loads(bytes(tensor.tolist()))]
