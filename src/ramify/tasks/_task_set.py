"""The tasks of one network, in order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from ramify._core import InputError, listed, quoted
from ramify.tasks._kind import Kind


@dataclass(frozen=True)
class Task:
    """One target: its name, its kind, and its weight in the sum of losses.

    Attributes:
        name: The target's column name; unique within a `TaskSet`.
        kind: `Binary`, `Multiclass`, `Ordinal`, `Ranking` or `Regression`.
        weight: Factor of the task's loss. Finite, 0 or more.
        varies: Whether its training labels differ, as far as is known; if not, nothing can be
            learned of it.

    Example:
        >>> from ramify.tasks import Binary
        >>> Task("NR-AR", Binary()).kind.metric.name
        'roc_auc'
    """

    name: str
    kind: Kind
    weight: float = 1.0
    varies: bool = True

    def __post_init__(self) -> None:
        """Check what would otherwise fail far from here."""
        if not self.name:
            raise InputError("`name` of a task must be a non-empty text. Got ''")
        if not isinstance(self.kind, Kind):
            raise InputError(
                f"`kind` of task {quoted(self.name)} must be Binary(), Multiclass(classes), "
                f"Ordinal(levels), Ranking() or Regression(). Got {quoted(self.kind)}"
            )
        if not (isfinite(self.weight) and self.weight >= 0):
            raise InputError(
                f"`weight` of task {quoted(self.name)} must be finite and 0 or more. "
                f"Got {self.weight}"
            )
        if not isinstance(self.varies, bool):
            raise InputError(
                f"`varies` of task {quoted(self.name)} must be True or False. "
                f"Got {quoted(self.varies)}"
            )


class TaskSet(Sequence[Task]):
    """The tasks that one network learns together, and where each one's outputs stand.

    All heads write into one matrix ``(batch, column)``: task after task, a task of C outputs
    takes C columns.

    Args:
        tasks: One or more tasks with different names.

    Raises:
        InputError: If there is no task, or if two have one name.

    Example:
        >>> from ramify.tasks import Binary, Multiclass
        >>> tasks = TaskSet([Task("toxic", Binary()), Task("colour", Multiclass(("r", "g", "b")))])
        >>> tasks.n_columns, tasks.first_columns
        (4, (0, 1))
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tuple(tasks)
        if not self._tasks:
            raise InputError("`tasks` must hold at least one task. Got none")
        repeated = [name for name, n in Counter(self.names).items() if n > 1]
        if repeated:
            raise InputError(
                f"`tasks` must have different names. Got {listed(repeated)} repeatedly"
            )

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        """A task by its place."""
        return self._tasks[index]

    def __len__(self) -> int:
        """The number of tasks."""
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        """The tasks in order."""
        return iter(self._tasks)

    def __eq__(self, other: object) -> bool:
        """Equal if the tasks and their order are."""
        return isinstance(other, TaskSet) and self._tasks == other._tasks

    def __hash__(self) -> int:
        """Hash of the tasks in order."""
        return hash(self._tasks)

    def __repr__(self) -> str:
        """The tasks as they were given."""
        return f"TaskSet({list(self._tasks)!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks' names in order."""
        return tuple(task.name for task in self._tasks)

    @property
    def n_columns(self) -> int:
        """Columns of the output matrix."""
        return sum(task.kind.n_outputs for task in self._tasks)

    @property
    def first_columns(self) -> tuple[int, ...]:
        """For each task, its first column of the output matrix."""
        starts, column = [], 0
        for task in self._tasks:
            starts.append(column)
            column += task.kind.n_outputs
        return tuple(starts)

    @property
    def task_of_column(self) -> tuple[int, ...]:
        """For each column of the output matrix, the place of its task."""
        return tuple(i for i, task in enumerate(self._tasks) for _ in range(task.kind.n_outputs))

    @property
    def constant_columns(self) -> tuple[int, ...]:
        """Columns that are the same for every row."""
        ends = [c + t.kind.n_outputs for t, c in zip(self._tasks, self.first_columns, strict=True)]
        pairs = zip(self._tasks, ends, strict=True)
        return tuple(c for task, end in pairs for c in range(end - task.kind.n_constant, end))

    @property
    def compares_rows(self) -> bool:
        """Whether a task is learned from rows against each other, not from each row alone."""
        return any(task.kind.compares_rows for task in self._tasks)

    def of_kind(self, kind: type[Kind]) -> tuple[int, ...]:
        """Places of the tasks of one kind."""
        return tuple(i for i, task in enumerate(self._tasks) if isinstance(task.kind, kind))
