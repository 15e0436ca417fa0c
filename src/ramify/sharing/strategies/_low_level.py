"""Supervision at low levels: tasks whose heads read a lower stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from ramify._core import InputError, Option, OptionContext, checked, listed, quoted
from ramify.networks import AttachedNetwork, Backbone, TaskNetwork, stages_of
from ramify.sharing._protocols import TakingTurns
from ramify.sharing._strategy import Sharing
from ramify.tasks import SharingTree, TaskSet


@checked
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

    name = "low-level"
    label = "one network with heads at several stages"
    network = AttachedNetwork
    forms: ClassVar = {"": {"separate": False}, "separate": {"separate": True}}
    options = (
        Option(
            "attach",
            "TASK=STAGE: the stage, from 0 at the input, that the task's head reads in low-level; "
            "comma separated. The other tasks are at the last stage.",
            sets="attached",
            type=list[str],
            needed_by=("", "separate"),
        ),
    )

    attached: tuple[tuple[str, int], ...] = ()
    separate: bool = False
    in_turns: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the names."""
        names = [name for name, _ in self.attached]
        if len(set(names)) < len(names):
            raise InputError(f"`attached` must name each task once. Got {listed(names)}")

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """With the stages of tasks as they are typed.

        Raises:
            InputError: If there are none, or they are malformed.
        """
        typed = given.get("attached")
        stages = tuple(map(_stage_of, typed)) if isinstance(typed, list) else ()
        if not stages:
            raise InputError(
                "must be given, such as TASK=0: the stage that a task's head reads",
                argument="attached",
            )
        return super().from_options(form, {**given, "attached": stages}, context)

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

    def for_tasks(self, names: Sequence[str]) -> Self:
        """The same for some of the tasks."""
        return replace(self, attached=tuple(each for each in self.attached if each[0] in names))

    def turn(self, step: int, n_tasks: int) -> Sequence[int] | None:
        """One task by chance, the same for a step whenever it is asked."""
        if not self.in_turns:
            return None
        return [int(np.random.default_rng([self.seed, step]).integers(n_tasks))]


def _stage_of(typed: str) -> tuple[str, int]:
    name, _, stage = typed.rpartition("=")
    if not name or not stage.removeprefix("-").isdecimal():
        raise InputError(
            "must be TASK=STAGE, the stage a whole number from 0 at the input, or -1 for the last",
            argument="attached",
            got=quoted(typed),
        )
    return name, int(stage)
