"""The scores of all methods, seeds and tasks as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError
from ramify.metrics import delta_m, mean_skill
from ramify.records import RunResult, TaskScore
from ramify.tasks import TaskSet

Array = NDArray[np.float64]
Runs = Mapping[tuple[str, int], RunResult]


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores by method; what did not finish is NaN.

    Attributes:
        tasks: The tasks as each seed knows them, with the scale of its training labels.
        runs: The run that counts, by method and seed.
    """

    tasks: Mapping[int, TaskSet]
    runs: Runs

    @property
    def signs(self) -> Array:
        """1 for a task whose score is better when higher, else −1."""
        return np.array([1.0 if up else -1.0 for up in self._directions()])

    def values(self, method: str) -> Array:
        """Test scores in each metric's own unit, ``(seed, task)``."""
        return np.stack([self._scores(method, seed) for seed in self.tasks])

    def skills(self, method: str, side: str) -> list[float]:
        """Mean skill over tasks on one side, per seed."""
        return [
            skill_of(run, side, tasks) if (run := self.runs.get((method, seed))) else np.nan
            for seed, tasks in self.tasks.items()
        ]

    def differences(self, method: str, other: str) -> list[float]:
        """Mean test skill less that of another method, per seed."""
        pairs = zip(self.skills(method, "test"), self.skills(other, "test"), strict=True)
        return [ours - theirs for ours, theirs in pairs]

    def relative_gains(self, method: str, other: str) -> list[float]:
        """`delta_m` against another method, per seed; NaN where it is not defined."""
        pairs = zip(self.values(method), self.values(other), strict=True)
        return [_delta(ours, theirs, self._directions()) for ours, theirs in pairs]

    def _directions(self) -> list[bool]:
        tasks = next(iter(self.tasks.values()))
        return [task.kind.metric.higher_is_better for task in tasks]

    def _scores(self, method: str, seed: int) -> Array:
        run = self.runs.get((method, seed))
        tasks = self.tasks[seed]
        return np.full(len(tasks), np.nan) if run is None else _array(run.scores.test, tasks)


def skill_of(run: RunResult, side: str, tasks: TaskSet) -> float:
    """Mean skill over the tasks with a score on one side; NaN if none has.

    Args:
        run: The run.
        side: ``validation`` or ``test``.
        tasks: The tasks, with the scale of the training labels.
    """
    scores = run.scores.validation if side == "validation" else run.scores.test
    return float(mean_skill(_array(scores, tasks)[None], tasks)[0])


def _array(scores: Sequence[TaskScore], tasks: TaskSet) -> Array:
    by_task = {score.task: score.value for score in scores}
    found = [by_task[name] for name in tasks.names]
    return np.array([np.nan if value is None else value for value in found])


def _delta(ours: Array, theirs: Array, directions: list[bool]) -> float:
    try:
        return delta_m(ours, theirs, directions)
    except InputError:  # a baseline score of 0 has no relative change
        return np.nan
