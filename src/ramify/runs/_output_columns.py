"""From a model's outputs to the columns of a table of predictions."""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from ramify._core import InputError, listed
from ramify.metrics import most_fitting_level
from ramify.tasks import Binary, Multiclass, Ordinal, Regression, Task, TaskSet

_NUMPY = {pl.Float32(): np.float32, pl.Float64(): np.float64}
_PLAINLY_POSITIVE = frozenset(("1", "true", "yes", "y", "t", "positive", "pos"))
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def output_names(tasks: TaskSet) -> list[str]:
    """One column per task, or per class of a multiclass task as ``task=class``.

    That of a binary task is called ``task=class``, too, if its positive class is another word than
    one for yes, such as ``active`` or ``ja``. An ordinal task has both: a probability per level, and the level.

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


def names_of_outputs(tasks: TaskSet) -> list[list[str]]:
    """For each task, the names of its columns."""
    return [[name for name, _ in _types(task)] for task in tasks]


def output_frame(values: Float[np.ndarray, "row column"], tasks: TaskSet) -> pl.DataFrame:
    """Predictions as a table.

    Args:
        values: What the model gives, a column per output.
        tasks: The tasks.
    """
    types = output_types(tasks)
    if values.dtype == np.float32 and set(types.values()) == {pl.Float32()}:
        return pl.from_numpy(values, schema=list(types))
    columns: list[pl.Series] = []
    for task, first in zip(tasks, tasks.first_columns, strict=True):
        own = values[:, first : first + task.kind.n_outputs]
        parts = _of_levels(own, task.kind) if isinstance(task.kind, Ordinal) else list(own.T)
        # Into NumPy's types first: a cast by polars costs more than all else where rows are few.
        columns += [
            pl.Series(name, part if dtype == pl.String else part.astype(_NUMPY[dtype]))
            for (name, dtype), part in zip(_types(task), parts, strict=True)
        ]
    return pl.DataFrame(columns)


def for_spreadsheets(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Predictions whose names and texts no spreadsheet takes for a formula.

    A name or a level may come from a table that others made. An apostrophe before it is what
    spreadsheets themselves put there to mark a text.

    Args:
        frame: The predictions.
    """
    schema = frame.collect_schema()
    renamed = {name: f"'{name}" for name in schema if name.startswith(_FORMULA)}
    # By place: polars takes some names for patterns.
    texts = [pl.nth(i) for i, dtype in enumerate(schema.dtypes()) if dtype == pl.String]
    pattern = f"^[{''.join(_FORMULA)}]".replace("-", r"\-")
    safe = [text.str.replace(pattern, "'${0}") for text in texts]
    return frame.with_columns(safe).rename(renamed)


def _types(task: Task) -> list[tuple[str, Any]]:
    if isinstance(task.kind, Ordinal):
        return [
            *((f"{task.name}={level}", pl.Float32()) for level in task.kind.levels),
            (task.name, pl.String()),
        ]
    if isinstance(task.kind, Multiclass):
        return [(f"{task.name}={label}", pl.Float32()) for label in task.kind.classes]
    if isinstance(task.kind, Binary) and task.kind.classes[1].lower() not in _PLAINLY_POSITIVE:
        return [(f"{task.name}={task.kind.classes[1]}", pl.Float32())]
    # A number in a unit of its own keeps all digits, a probability as many as the network gave it.
    number = isinstance(task.kind, Regression)
    return [(task.name, pl.Float64() if number else pl.Float32())]


def _of_levels(reaching: Float[np.ndarray, "row threshold"], kind: Ordinal) -> list[np.ndarray]:
    """The probability of each level, and the most fitting level by name."""
    one, none = np.ones((len(reaching), 1)), np.zeros((len(reaching), 1))
    edges = np.concatenate([one, reaching, none], axis=1)
    shares = np.maximum(edges[:, :-1] - edges[:, 1:], 0.0)  # means of many trees are rounded
    level = most_fitting_level(reaching).astype(np.int64)
    return [*shares.astype(np.float32).T, np.array(kind.levels)[level]]
