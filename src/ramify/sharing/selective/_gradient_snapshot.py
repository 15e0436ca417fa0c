"""What selective sharing saw at a look, and how it travels with checkpoints."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ramify._core import InputError, check_count, check_number
from ramify.affinity import Accumulation, Factors, GradientFactors, nonnegative_factors
from ramify.grouping import factor_distances
from ramify.networks import BranchedNetwork, n_parameters
from ramify.records import Regrouping
from ramify.sharing._protocols import Moment
from ramify.tasks import SharingTree, TaskSet

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


_DISTANCE_DIGITS: Final = (
    9  # of distances: rounding must not decide which of two equal ones is shorter
)


class GradientSums:
    """Adds gradients up, and factorises the sums.

    Args:
        accumulate: As for `GradientFactors`.
        projection: As for `GradientFactors`.
        energy: Share of the gradients' squared lengths that the factors carry.
        nonnegative: So many factors of the gradients' sizes in their place.
        sign_invariant: Whether opposite gradients count as alike.
        seed: Of the projection and of the non-negative factors.

    Raises:
        InputError: If an argument is out of range.
    """

    def __init__(
        self,
        *,
        accumulate: Accumulation,
        projection: int | None,
        energy: float,
        nonnegative: int | None,
        sign_invariant: bool,
        seed: int,
    ) -> None:
        check_number("energy", energy, most=1, open_end=True)
        check_count("seed", seed, 0)
        if nonnegative is not None:
            check_count("nonnegative", nonnegative)
            if projection is not None:
                raise InputError(
                    "`projection` mixes gradients, whose sizes `nonnegative` needs; give one of them"
                )
        self._accumulate, self._projection, self._seed = accumulate, projection, seed
        self._energy, self._nonnegative = energy, nonnegative
        self._signed = not sign_invariant
        self.start(1)

    def start(self, n_rows: int) -> None:
        """Forget all gradients.

        Args:
            n_rows: Rows of those to come: one per group, or per task where tasks are told apart.
        """
        self._sums = GradientFactors(
            n_rows, accumulate=self._accumulate, projection=self._projection, seed=self._seed
        )

    def add(self, gradients: Float[Tensor, "row parameter"]) -> None:
        """Add one step's gradients."""
        self._sums.update(gradients)

    def look(self, tasks: TaskSet, rows: Int[np.ndarray, " task"]) -> GradientSnapshot:
        """What the sums show.

        Args:
            tasks: The tasks.
            rows: For each task, its row.
        """
        # Labels that are all the same make gradients, all in one direction whatever the task.
        telling = rows[[task.varies for task in tasks]]
        self._sums.forget(~torch.from_numpy(np.isin(np.arange(self._sums.n_tasks), telling)))
        factors = self._factors()
        distances = factor_distances(factors.loadings, factors.known, signed=self._signed)
        return GradientSnapshot(tasks.names, factors, distances.round(_DISTANCE_DIGITS)).of_tasks(
            rows
        )

    def state_tensors(self) -> dict[str, Tensor]:
        """The sums."""
        return self._sums.state_dict()

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""
        self.start(len(state["sums"]))
        self._sums.load_state_dict(state)

    def _factors(self) -> Factors:
        if self._nonnegative is None:
            return self._sums.factors(self._energy)
        rows = self._sums.rows().cpu().numpy()
        return nonnegative_factors(rows, self._nonnegative, seed=self._seed)
