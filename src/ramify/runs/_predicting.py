"""Predictions for new rows, in their order, streaming."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from polars.io.plugins import register_io_source
from torch import Tensor

from ramify._core import InputError, listed, quoted, replacing
from ramify.data import (
    ImageEncoder,
    ImageRows,
    Table,
    TableEncoder,
    feature_batches,
    image_file_batches,
    image_row_batches,
    read_few,
    resolve_columns,
)
from ramify.runs._model import Model
from ramify.runs._output_columns import for_spreadsheets, output_frame, output_types

_ENDINGS = (".csv", ".parquet")


class NamedImages(NamedTuple):
    """Image files that a table names.

    Attributes:
        table: The table.
        column: Its column of file names, relative to the folder.
        folder: Where the files are.
    """

    table: Table
    column: str
    folder: Path


PredictionRows = Table | ImageRows | NamedImages


def prediction_batches(model: Model, rows: PredictionRows) -> Iterator[pl.DataFrame]:
    """Predict rows batch by batch, in their order.

    Args:
        model: The model.
        rows: A table with the model's feature columns; or for a model of pictures the pictures,
            or the files that hold them.

    Raises:
        InputError: If a feature column is missing or holds something else than in training, if
            an image cannot be used, or if the model reads something else.
    """
    for values in raw_values(model, rows):
        yield output_frame(values, model.tasks)


def raw_values(model: Model, rows: PredictionRows) -> Iterator[np.ndarray]:
    """What a model gives for rows, batch by batch: a column per output.

    Args:
        model: The model.
        rows: As for `prediction_batches`.

    Raises:
        InputError: As for `prediction_batches`.
    """
    for raw in raw_batches(model, rows):
        yield _values(model, raw)


def predicted_few(model: Model, data: object) -> pl.DataFrame | None:
    """The predictions for a dataframe of a few rows, in a fraction of the time that a table takes.

    Args:
        model: The model.
        data: Anything.

    Returns:
        None if the model reads no table, or `data` is no such dataframe, or a cell of it is to be
        read with more care; then `prediction_batches` gives the predictions or says what is wrong.
    """
    if not isinstance(model.encoder, TableEncoder) or isinstance(data, ImageRows | NamedImages):
        return None
    raw = read_few(data, model.encoder.schema)
    return None if raw is None else _predicted(model, torch.from_numpy(raw))


def _predicted(model: Model, raw: Tensor) -> pl.DataFrame:
    return output_frame(_values(model, raw), model.tasks)


def _values(model: Model, raw: Tensor) -> np.ndarray:
    with torch.inference_mode():
        values: Tensor = model(raw.to(model.device))
    return values.cpu().numpy()


def raw_batches(model: Model, rows: PredictionRows) -> Iterator[Tensor]:
    """The rows as a model takes them, batch by batch, in their order.

    Args:
        model: The model.
        rows: As for `prediction_batches`.

    Raises:
        InputError: As for `prediction_batches`.
    """
    encoder = model.encoder
    if isinstance(encoder, ImageEncoder):
        if isinstance(rows, Table):
            raise InputError(
                "this model reads pictures; name their folder with `images` and the column of file "
                "names with `image_column`, or give an .npz archive"
            )
        if isinstance(rows, ImageRows):
            yield from image_row_batches(rows, encoder.schema)
            return
        for batch in image_file_batches(rows.table, rows.column, rows.folder, encoder.schema):
            yield batch.pixels
        return
    if isinstance(rows, ImageRows):
        raise InputError(
            "this model reads a table; .npz archives and IDX files are for models of pictures"
        )
    if not isinstance(rows, Table):
        raise InputError("this model reads a table; leave `images` and `image_column` out")
    for raw in feature_batches(rows, encoder.schema):
        yield torch.from_numpy(np.ascontiguousarray(raw))


def identifiers_in(rows: PredictionRows, names: Sequence[str]) -> pl.DataFrame:
    """Columns of a table that are carried into its predictions.

    Args:
        rows: The table, or the table that names files of pictures.
        names: Names or globs of the columns; empty for none.

    Raises:
        InputError: If there is no such column, or no table.
    """
    if not names:
        return pl.DataFrame()
    if isinstance(rows, ImageRows):
        raise InputError("is for tables; pictures have no columns", argument="id_column")
    table = rows.table if isinstance(rows, NamedImages) else rows
    wanted = [table.column(name) for name in resolve_columns(table.columns, names, "id_column")]
    found = table.collect(*(pl.col(column.key) for column in wanted))
    return found.rename(
        {c.key: n for c, n in zip(wanted, resolve_columns(table.columns, names), strict=True)}
    )


def with_identifiers(
    every: Iterator[pl.DataFrame], identifiers: pl.DataFrame, names: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Predictions with the columns that tell their rows apart before them.

    Args:
        every: The predictions, batch by batch.
        identifiers: What `identifiers_in` gave.
        names: Of the columns of the predictions.

    Raises:
        InputError: If a column of each has one name.
    """
    if both := [name for name in identifiers.columns if name in set(names)]:
        raise InputError(
            "must not be a column of the predictions",
            argument="id_column",
            got=listed(both),
            remedy="rename it in the table",
        )
    start = 0
    for frame in every:
        own = identifiers.slice(start, frame.height)
        yield own.hstack(frame) if identifiers.width else frame
        start += frame.height


def write_predictions(
    model: Model,
    rows: PredictionRows,
    path: Path,
    id_columns: Sequence[str] = (),
    change: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
) -> None:
    """Write the predictions of rows to a CSV or Parquet file, whole or not at all.

    In CSV, names and levels that a spreadsheet would take for a formula get an apostrophe before
    them, see `for_spreadsheets`.

    Args:
        model: The model.
        rows: As for `prediction_batches`.
        path: Ends in ``.csv`` or ``.parquet``.
        id_columns: Names or globs of columns of the table to carry over.
        change: Makes of predictions what is written, such as decisions.

    Raises:
        InputError: If the path has another ending, or the rows do not fit.
    """
    if path.suffix not in _ENDINGS:
        raise InputError(
            f"`output` must end in {listed(_ENDINGS)}. Got {quoted(path.name)}; rename it"
        )
    identifiers, outputs = identifiers_in(rows, id_columns), output_types(model.tasks)
    schema: dict[str, Any] = {**identifiers.schema, **outputs}
    every = with_identifiers(prediction_batches(model, rows), identifiers, list(outputs))
    if change is not None:
        schema = dict(change(pl.DataFrame(schema=schema)).schema)
        every = map(change, every)
    first = next(every, None)  # what is wrong with the rows mostly shows before the file is opened

    def batches(
        _columns: list[str] | None,
        _predicate: pl.Expr | None,
        _n_rows: int | None,
        _batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        return every if first is None else chain([first], every)

    frame = register_io_source(batches, schema=schema)
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            for_spreadsheets(frame).sink_csv(temporary)
        else:
            frame.sink_parquet(temporary)
