"""What the tasks' gradients since the last look add up to, and how far apart it puts the tasks."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ramify._core import InputError, check_count, check_number
from ramify.affinity import Accumulation, Factors, GradientFactors, nonnegative_factors
from ramify.grouping import factor_distances
from ramify.sharing.selective._gradient_snapshot import GradientSnapshot
from ramify.tasks import TaskSet

_DIGITS: Final = 9  # of distances: rounding must not decide which of two equal ones is shorter


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
        return GradientSnapshot(tasks.names, factors, distances.round(_DIGITS)).of_tasks(rows)

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
