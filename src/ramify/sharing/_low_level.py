"""Supervision at low levels: tasks whose heads read a lower stage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ramify._core import InputError, listed
from ramify.networks import AttachedNetwork, Backbone, TaskNetwork, stages_of
from ramify.records import Setting
from ramify.sharing._coupling import TakingTurns
from ramify.sharing._protocols import Sharing
from ramify.tasks import SharingTree, TaskSet


@dataclass(frozen=True)
class LowLevel(Sharing, TakingTurns):
    """One network for all tasks, in which simple tasks are attached to lower stages.

    A task has no influence on the stages above its own. In the paper every step belongs to one
    task by chance; here all learn in every step, unless ``in_turns``.

    Attributes:
        attached: Stages of tasks, from 0 at the input; tasks that are not named are at the last
            one. A negative stage counts from the last, which is −1.
        separate: Whether every task has a network of its own, as far up as its stage.
        in_turns: Whether every step belongs to one task, by chance.
        seed: Of the turns.

    Raises:
        InputError: If a task is named twice.

    References:
        Søgaard, Goldberg. *Deep multi-task learning with low level tasks supervised at lower
        layers*, ACL 2016.

    Example:
        >>> LowLevel(attached=(("part of speech", 0),)).name
        'low-level'
    """

    attached: tuple[tuple[str, int], ...] = ()
    separate: bool = False
    in_turns: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the names."""
        names = [name for name, _ in self.attached]
        if len(set(names)) < len(names):
            raise InputError(f"`attached` must name each task once. Got {listed(names)}")

    @property
    def name(self) -> str:
        """The word for it on the command line and in the record."""
        return "low-level"

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record."""
        return {
            "attached": [f"{name}: {stage}" for name, stage in self.attached],
            "separate": self.separate,
            "in_turns": self.in_turns,
            "seed": self.seed,
        }

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> TaskNetwork:
        """The network with heads at several stages.

        Raises:
            InputError: If a task or a stage does not exist.
        """
        n_stages = len(stages_of(backbone))
        unknown = [name for name, _ in self.attached if name not in tasks.names]
        if unknown:
            raise InputError(f"`attached` must name tasks. Got unknown ones: {listed(unknown)}")
        stage_of = dict(self.attached)
        wrong = [stage for stage in stage_of.values() if not -n_stages <= stage < n_stages]
        if wrong:
            raise InputError(
                f"`attached` must be stages from 0 to {n_stages - 1}, or counted back from -1 to "
                f"{-n_stages}. Got {wrong[0]}"
            )
        places = [stage_of.get(name, -1) for name in tasks.names]
        places = [stage + n_stages if stage < 0 else stage for stage in places]
        grow = SharingTree.separate if self.separate else SharingTree.shared
        tree = grow(tasks.names, n_stages)
        return AttachedNetwork(backbone, tree, tasks, places, n_features=n_features)

    def turn(self, step: int, n_tasks: int) -> Sequence[int] | None:
        """One task by chance, the same for a step whenever it is asked."""
        if not self.in_turns:
            return None
        return [int(np.random.default_rng([self.seed, step]).integers(n_tasks))]
