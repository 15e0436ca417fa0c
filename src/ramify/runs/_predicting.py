"""Predictions for new rows, in their order, streaming."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import torch
from polars.io.plugins import register_io_source

from ramify._core import InputError, listed, quoted, replacing
from ramify.data import Table, feature_batches
from ramify.runs._model import Model
from ramify.tasks import Multiclass, TaskSet

_ENDINGS = (".csv", ".parquet")


def output_names(tasks: TaskSet) -> list[str]:
    """One column per task, or per class of a multiclass task as ``task=class``.

    Raises:
        InputError: If two columns would have one name.
    """
    names = []
    for task in tasks:
        if isinstance(task.kind, Multiclass):
            names += [f"{task.name}={label}" for label in task.kind.classes]
        else:
            names.append(task.name)
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise InputError(f"predictions would have columns of one name: {listed(repeated)}")
    return names


def prediction_batches(model: Model, table: Table) -> Iterator[pl.DataFrame]:
    """Predict a table batch by batch, in the order of its rows.

    Args:
        model: The model.
        table: Must have the model's feature columns.

    Raises:
        InputError: If a feature column is missing or holds something else than in training.
    """
    names = output_names(model.tasks)
    device = next(model.parameters()).device
    for raw in feature_batches(table, model.schema):
        with torch.inference_mode():
            values = model(torch.from_numpy(np.ascontiguousarray(raw)).to(device))
        yield pl.from_numpy(values.cpu().numpy(), schema=names)


def write_predictions(model: Model, table: Table, path: Path) -> None:
    """Write the predictions of a table to a CSV or Parquet file, whole or not at all.

    Args:
        model: The model.
        table: The rows.
        path: Ends in ``.csv`` or ``.parquet``.

    Raises:
        InputError: If the path has another ending, or the table does not fit.
    """
    if path.suffix not in _ENDINGS:
        raise InputError(
            f"--output must end in {listed(_ENDINGS)}. Got {quoted(path.name)}; rename it"
        )
    schema = dict.fromkeys(output_names(model.tasks), pl.Float32())

    def batches(
        _columns: list[str] | None,
        _predicate: pl.Expr | None,
        _n_rows: int | None,
        _batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        return prediction_batches(model, table)

    frame = register_io_source(batches, schema=schema)
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            frame.sink_csv(temporary)
        else:
            frame.sink_parquet(temporary)
