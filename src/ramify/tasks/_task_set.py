"""The tasks of one network, in order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import Final, Literal

from ramify._core import InputError, check_count, checked, listed, quoted
from ramify.tasks._kind import Kind


@dataclass(frozen=True)
class Unit:
    """What a task predicts something of.

    The features of a network have positions, or none: ``(batch, *positions, feature)``. A task of rows
    reads one vector per row; where there are positions, the mean over those that are real. A task
    of another unit reads the vector at every position, and has a label, or none, for each. All tasks
    of one network are of rows or of the same other unit.

    Attributes:
        name: The word for it, such as ``row``, ``token`` or ``pixel``.
        n_axes: Axes of positions within a row; 0 for the row itself.
        channels_first: Whether features come as ``(batch, feature, *positions)``, as convolutions
            give them, and not with the feature last.

    Raises:
        InputError: If the name is empty, or the number of axes negative.

    Example:
        >>> Unit("hour", n_axes=1)
        Unit(name='hour', n_axes=1, channels_first=False)
    """

    name: str
    n_axes: int
    channels_first: bool = False

    def __post_init__(self) -> None:
        """Check the name and the number."""
        if not self.name:
            raise InputError("must be a non-empty text", argument="name", got=quoted(self.name))
        check_count("n_axes", self.n_axes, 0)


ROW: Final = Unit("row", 0)
"""A row of a table, an image, a sentence: one label each."""

TOKEN: Final = Unit("token", 1)
"""A word of a sentence: features are ``(batch, word, feature)``."""

PIXEL: Final = Unit("pixel", 2, channels_first=True)
"""A place of an image: features are ``(batch, feature, height, width)``."""


Role = Literal["main", "auxiliary"]


@checked
@dataclass(frozen=True)
class Task:
    """One target: its name, its kind, and its weight in the sum of losses.

    Attributes:
        name: The target's column name; unique within a `TaskSet`.
        kind: `Binary`, `Multiclass`, `Ordinal`, `Ranking` or `Regression`.
        weight: Factor of the task's loss. Finite, 0 or more.
        varies: Whether its training labels differ, as far as is known; if not, nothing can be
            learned of it.
        role: ``main`` for a task that is wanted; ``auxiliary`` for one that only helps: it is trained
            as the others are, but never scored, never predicted, and no part of the model; on
            held-out rows it needs no label.
        unit: What it predicts something of: each row, or each position within it.

    Example:
        >>> from ramify.tasks import Binary
        >>> Task("NR-AR", Binary()).kind.metric.name
        'roc_auc'
    """

    name: str
    kind: Kind
    weight: float = 1.0
    varies: bool = True
    role: Role = "main"
    unit: Unit = ROW

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
        if not isinstance(self.unit, Unit):
            raise InputError(
                f"`unit` of task {quoted(self.name)} must be ROW, TOKEN, PIXEL or another Unit. "
                f"Got {quoted(self.unit)}"
            )

    @property
    def is_main(self) -> bool:
        """Whether it is wanted for its own sake."""
        return self.role == "main"


class TaskSet(Sequence[Task]):
    """The tasks that one network learns together, and where each one's outputs stand.

    All heads write into one matrix ``(unit, column)``: task after task, a task of C outputs
    takes C columns. Its lines are the units of a batch, which are its rows unless a task is of
    another unit.

    Args:
        tasks: One or more tasks with different names, of rows and of at most one other unit.

    Raises:
        InputError: If there is no task, if two have one name, or if units do not go together.

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
        others = list(dict.fromkeys(t.unit for t in self._tasks if t.unit != ROW))
        if len(others) > 1:
            raise InputError(
                "`tasks` of one network must be of rows and of at most one other unit. "
                f"Got {listed([unit.name for unit in others])}"
            )
        self._unit = others[0] if others else ROW

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

    def _repr_html_(self) -> str:
        """A row per task, for notebooks."""
        cells = [
            (task.name, task.kind.name, ", ".join(task.kind.labels), task.kind.metric.name)
            for task in self._tasks
        ]
        heads = "".join(f"<th>{head}</th>" for head in ("task", "kind", "classes", "score"))
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells
        )
        return f"<table><tr>{heads}</tr>{rows}</table>"

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
    def unit(self) -> Unit:
        """The unit of those that are not of rows; that of rows if there is none."""
        return self._unit

    @property
    def has_rows(self) -> bool:
        """Whether some task is of rows."""
        return any(task.unit == ROW for task in self._tasks)

    @property
    def main(self) -> "TaskSet":
        """Those that are wanted, without those that only help.

        Raises:
            InputError: If there is none.
        """
        self.check_main()
        wanted = [task for task in self._tasks if task.is_main]
        return self if len(wanted) == len(self) else TaskSet(wanted)

    def check_main(self) -> None:
        """Refuse tasks that only help each other.

        Raises:
            InputError: If none is main.
        """
        if not any(task.is_main for task in self._tasks):
            raise InputError(
                "must hold a task whose `role` is main",
                argument="tasks",
                got=f"{listed(self.names)}, which are auxiliary",
            )

    @property
    def compares_rows(self) -> bool:
        """Whether a task is learned from rows against each other, not from each row alone."""
        return any(task.kind.compares_rows for task in self._tasks)

    def of_kind(self, kind: type[Kind]) -> tuple[int, ...]:
        """Places of the tasks of one kind."""
        return tuple(i for i, task in enumerate(self._tasks) if isinstance(task.kind, kind))
