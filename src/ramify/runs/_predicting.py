"""Predictions for new rows, in their order, streaming."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

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
    for raw in raw_batches(model, rows):
        yield _predicted(model, raw)


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
    with torch.inference_mode():
        values = model(raw.to(model.device))
    return output_frame(values.cpu().numpy(), model.tasks)


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


def write_predictions(model: Model, rows: PredictionRows, path: Path) -> None:
    """Write the predictions of rows to a CSV or Parquet file, whole or not at all.

    In CSV, names and levels that a spreadsheet would take for a formula get an apostrophe before
    them, see `for_spreadsheets`.

    Args:
        model: The model.
        rows: As for `prediction_batches`.
        path: Ends in ``.csv`` or ``.parquet``.

    Raises:
        InputError: If the path has another ending, or the rows do not fit.
    """
    if path.suffix not in _ENDINGS:
        raise InputError(
            f"`output` must end in {listed(_ENDINGS)}. Got {quoted(path.name)}; rename it"
        )
    schema = output_types(model.tasks)
    every = prediction_batches(model, rows)
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
