"""From a model's outputs to the columns of a table of predictions."""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from ramify._core import InputError, listed
from ramify.metrics import most_fitting_level
from ramify.tasks import Multiclass, Ordinal, Regression, Task, TaskSet


def output_names(tasks: TaskSet) -> list[str]:
    """One column per task, or per class of a multiclass task as ``task=class``.

    An ordinal task has both: a probability per level, and the level.

    Raises:
        InputError: If two columns would have one name.
    """
    return list(output_types(tasks))


def output_types(tasks: TaskSet) -> dict[str, Any]:
    """The columns of `output_names`, each with its type of polars.

    Raises:
        InputError: If two columns would have one name.
    """
    columns = [column for task in tasks for column in _types(task)]
    repeated = [name for name, n in Counter(name for name, _ in columns).items() if n > 1]
    if repeated:
        raise InputError(f"predictions would have columns of one name: {listed(repeated)}")
    return dict(columns)


def output_frame(values: Float[np.ndarray, "row column"], tasks: TaskSet) -> pl.DataFrame:
    """Predictions as a table.

    Args:
        values: What the model gives, a column per output.
        tasks: The tasks.
    """
    if not tasks.of_kind(Ordinal):
        types = output_types(tasks)
        return pl.from_numpy(values, schema=list(types)).cast(pl.Schema(types))
    columns: list[pl.Series] = []
    for task, first in zip(tasks, tasks.first_columns, strict=True):
        own = values[:, first : first + task.kind.n_outputs]
        parts = _of_levels(own, task.kind) if isinstance(task.kind, Ordinal) else list(own.T)
        columns += [
            pl.Series(name, part).cast(dtype)
            for (name, dtype), part in zip(_types(task), parts, strict=True)
        ]
    return pl.DataFrame(columns)


def _types(task: Task) -> list[tuple[str, Any]]:
    if isinstance(task.kind, Ordinal):
        return [
            *((f"{task.name}={level}", pl.Float32()) for level in task.kind.levels),
            (task.name, pl.String()),
        ]
    if isinstance(task.kind, Multiclass):
        return [(f"{task.name}={label}", pl.Float32()) for label in task.kind.classes]
    # A number in a unit of its own keeps all digits, a probability as many as the network gave it.
    number = isinstance(task.kind, Regression)
    return [(task.name, pl.Float64() if number else pl.Float32())]


def _of_levels(reaching: Float[np.ndarray, "row threshold"], kind: Ordinal) -> list[np.ndarray]:
    """The probability of each level, and the most fitting level by name."""
    one, none = np.ones((len(reaching), 1)), np.zeros((len(reaching), 1))
    shares = -np.diff(np.concatenate([one, reaching, none], axis=1), axis=1)
    level = most_fitting_level(reaching).astype(np.int64)
    return [*shares.astype(np.float32).T, np.array(kind.levels)[level]]
