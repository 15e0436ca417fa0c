"""A finished run: the model, the record, and what one does with them."""

from pathlib import Path

import polars as pl
from narwhals.typing import IntoFrame

from ramify._core import InputError, listed, quoted
from ramify.data import ImageRows, open_table
from ramify.records import RECORD_FILE, RunRecord
from ramify.report import REPORT_FILE, render, write_report
from ramify.runs._directory import RESULT_FILES
from ramify.runs._model import Model
from ramify.runs._predicting import (
    NamedImages,
    PredictionRows,
    predicted_few,
    prediction_batches,
    write_predictions,
)
from ramify.tasks import SharingTree


class Run:
    """What `ramify.fit` gives and `ramify.load` reads.

    Attributes:
        model: Raw rows to predictions, a `torch.nn.Module`.
        record: Everything that the run did and found.
    """

    def __init__(self, model: Model, record: RunRecord) -> None:
        self.model, self.record = model, record

    @property
    def tree(self) -> SharingTree:
        """Which tasks share which stages."""
        return self.model.network.tree

    def predict(self, data: str | Path | IntoFrame | ImageRows | NamedImages) -> pl.DataFrame:
        """Predict rows, in their order.

        Args:
            data: A file or dataframe with the feature columns; targets are not needed. For a
                model of pictures the pictures, or `NamedImages`.

        Returns:
            A polars frame with a column per task, or per class of a multiclass task as
            ``task=class``: probabilities, or values in the target's own unit. A category that
            training never saw is treated as "other".

        Raises:
            InputError: If a feature column is missing or holds something else than in training.
        """
        few = predicted_few(self.model, data)
        return pl.concat(prediction_batches(self.model, _rows(data))) if few is None else few

    def predict_to(
        self, data: str | Path | IntoFrame | ImageRows | NamedImages, path: str | Path
    ) -> None:
        """Predict rows into a CSV or Parquet file, streaming.

        Args:
            data: As for `predict`.
            path: Ends in ``.csv`` or ``.parquet``; written whole or not at all.

        Raises:
            InputError: As for `predict`, or if the path has another ending.
        """
        write_predictions(self.model, _rows(data), Path(path))

    def report(self) -> str:
        """The HTML report."""
        return render(self.record)

    def save(self, directory: str | Path, *, overwrite: bool = False) -> None:
        """Write model, record and report into a directory.

        Args:
            directory: Made if missing.
            overwrite: Whether to replace results that are there.

        Raises:
            InputError: If results are there and ``overwrite`` is not set.
        """
        folder = Path(directory)
        there = [name for name in RESULT_FILES if (folder / name).exists()]
        if there and not overwrite:
            raise InputError(
                f"{quoted(folder)} already holds {listed(there)}; choose another directory or set "
                "`overwrite`"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder)
        self.record.save(folder / RECORD_FILE)
        write_report(self.record, folder / REPORT_FILE)


def _rows(data: str | Path | IntoFrame | ImageRows | NamedImages) -> PredictionRows:
    return data if isinstance(data, ImageRows | NamedImages) else open_table(data)


def load(directory: str | Path) -> Run:
    """Read a run that was saved. Nothing in its files is run.

    Args:
        directory: What ``ramify fit --output`` or `Run.save` wrote.

    Raises:
        ModelFileError: If a file is missing, damaged, changed, or of a newer version.
    """
    folder = Path(directory)
    return Run(Model.load(folder), RunRecord.load(folder / RECORD_FILE))
