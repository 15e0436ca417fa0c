"""Groups of the sizes that another condition finds, of tasks drawn at random: a control."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from ramify._core import check_count
from ramify.grouping._partition import Condition, check_condition, groups_by


@dataclass(frozen=True)
class Shuffled:
    """As many groups, of the same sizes, as another condition finds, but of tasks at random.

    What such groups reach is owed to sharing as such; only what the found groups reach beyond it
    is owed to which tasks share. Tasks with NaN distances stay alone. `SelectiveSharing` draws
    once: groups at random all have mixed gradients, which look alike, and a second look would join
    them.

    Args:
        condition: What decides the sizes.
        seed: Of the draw; the same for every call with as many tasks.

    Attributes:
        settles: Whether the first groups that it finds are to stay.

    Raises:
        InputError: If the condition is none, or the seed no whole number from 0 up.

    Example:
        >>> import numpy as np
        >>> from ramify.grouping import Similarity
        >>> far = np.ones((4, 4)) - np.eye(4)
        >>> far[0, 1] = far[1, 0] = 0.1
        >>> sorted(len(group) for group in Shuffled(Similarity(), seed=1)(far))
        [1, 1, 2]
    """

    condition: Condition
    seed: int = 0
    settles: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_condition(self.condition)
        check_count("seed", self.seed, 0)

    def __call__(self, distances: Float[np.ndarray, "task task"]) -> list[list[int]]:
        """The groups, each sorted, in order of their first tasks."""
        known = np.flatnonzero(np.isfinite(distances.diagonal()))
        drawn = np.arange(len(distances))
        drawn[known] = np.random.default_rng([self.seed, len(known)]).permutation(known)
        return sorted(
            sorted(drawn[group].tolist()) for group in groups_by(self.condition, distances)
        )
