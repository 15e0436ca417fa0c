"""A finished run: the model, the record, and what one does with them."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import polars as pl
from narwhals.typing import IntoFrame

from ramify._core import InputError, counted, listed, quoted
from ramify.data import ImageRows, Table, open_table
from ramify.records import RECORD_FILE, RunRecord
from ramify.report import REPORT_FILE, render, verdict, write_report
from ramify.runs._deciding import deciding
from ramify.runs._directory import RESULT_FILES
from ramify.runs._evaluating import Evaluation, evaluated, leaderboard_of
from ramify.runs._model import Model
from ramify.runs._options import names_given
from ramify.runs._output_columns import names_of_outputs, output_names
from ramify.runs._predicting import (
    NamedImages,
    PredictionRows,
    identifiers_in,
    predicted_few,
    prediction_batches,
    with_identifiers,
    write_predictions,
)
from ramify.tasks import Binary, SharingTree

RunData = str | Path | IntoFrame | ImageRows | NamedImages | Table


class Run:
    """What `ramify.fit` gives and `ramify.load` reads.

    Attributes:
        model: Raw rows to predictions, a `torch.nn.Module`.
        record: Everything that the run did and found.
    """

    def __init__(self, model: Model, record: RunRecord) -> None:
        self.model, self.record = model, record

    def __repr__(self) -> str:
        """What it is in a line."""
        tasks, rows = self.model.tasks, self.record.data.rows
        return f"Run({counted(len(tasks), 'task')}, {rows['train']:,} training rows, {self.record.sharing.name})"

    def _repr_html_(self) -> str:
        """The answer, the scores, and who shares what, for notebooks."""
        said = f"<p>{escape(verdict(self.record))}</p>"
        return f"{said}{self.leaderboard()._repr_html_()}{self.tree._repr_html_()}"

    @property
    def tree(self) -> SharingTree:
        """Which tasks share which stages."""
        return self.model.network.tree

    def predict(
        self,
        data: RunData,
        *,
        id_column: str | Sequence[str] = (),
        decide: bool = False,
        interval: float | None = None,
    ) -> pl.DataFrame:
        """Predict rows, in their order.

        Args:
            data: A file or dataframe with the feature columns; targets are not needed. For a
                model of pictures the pictures, or `NamedImages`.
            id_column: Columns of the table to carry over, such as the one that names each row.
            decide: Whether to give classes in place of probabilities: of a binary task by the threshold
                of the largest balanced accuracy on the validation rows, else the most likely one.
            interval: Share of rows that an interval around each number is to hold, such as .9, as
                columns ``task low`` and ``task high``, from the errors on the validation rows.

        Returns:
            A polars frame with a column per task, or per class of a multiclass task as
            ``task=class``: probabilities, or values in the target's own unit. A category that
            training never saw is treated as "other".

        Raises:
            InputError: If a feature column is missing or holds something else than in training.
        """
        names = names_given("id_column", id_column)
        change = deciding(self.model, self.record, decide=decide, interval=interval)
        few = None if names else predicted_few(self.model, data)
        if few is not None:
            return few if change is None else change(few)
        rows = _rows(data)
        identifiers, outputs = identifiers_in(rows, names), output_names(self.model.tasks)
        found = pl.concat(
            with_identifiers(prediction_batches(self.model, rows), identifiers, outputs)
        )
        return found if change is None else change(found)

    def predict_proba(self, data: RunData) -> dict[str, pl.DataFrame]:
        """The probability of every class, for each task of classes.

        Args:
            data: As for `predict`.

        Returns:
            For each binary, multiclass or ordinal task a frame with a column per class.

        Raises:
            InputError: As for `predict`, or if no task has classes.
        """
        tasks = self.model.tasks
        if not any(task.kind.labels for task in tasks):
            raise InputError("probabilities are for tasks of classes. This model has none")
        frame, found = self.predict(data), {}
        for task, (first, *_) in zip(tasks, names_of_outputs(tasks), strict=True):
            labels = list(task.kind.labels)
            if isinstance(task.kind, Binary):
                positive = frame[first].cast(pl.Float64)
                pair = (1 - positive, positive)
                found[task.name] = pl.DataFrame(
                    [p.alias(label) for p, label in zip(pair, labels, strict=True)]
                )
            elif labels:
                columns = frame.select(f"{task.name}={label}" for label in labels)
                found[task.name] = columns.rename({f"{task.name}={each}": each for each in labels})
        return found

    def predict_to(
        self,
        data: RunData,
        path: str | Path,
        *,
        id_column: str | Sequence[str] = (),
        decide: bool = False,
        interval: float | None = None,
    ) -> None:
        """Predict rows into a CSV or Parquet file, streaming.

        Args:
            data: As for `predict`.
            path: Ends in ``.csv`` or ``.parquet``; written whole or not at all.
            id_column: As for `predict`.
            decide: As for `predict`.
            interval: As for `predict`.

        Raises:
            InputError: As for `predict`, or if the path has another ending.
        """
        names = names_given("id_column", id_column)
        change = deciding(self.model, self.record, decide=decide, interval=interval)
        write_predictions(self.model, _rows(data), Path(path), names, change)

    def evaluate(
        self,
        data: RunData,
        *,
        task_column: str | None = None,
        one_vs_rest: str | Sequence[str] = (),
        group_column: str | None = None,
    ) -> Evaluation:
        """Score the model on labelled rows that it has not seen.

        Args:
            data: As for `predict`, with the target columns; a target that is not there, and a cell
                without a label, is left out.
            task_column: The column that names each row's task, where the model was fitted with one.
            one_vs_rest: Columns of classes of which the model learned a task per class.
            group_column: The column of the groups that rankings put in order.

        Returns:
            A score per task with its 95 % interval over the rows, and their mean.

        Raises:
            InputError: As for `predict`, or if a label is none that the model knows.
        """
        return evaluated(
            self.model,
            _rows(data),
            task_column=task_column,
            one_vs_rest_columns=names_given("one_vs_rest", one_vs_rest),
            group_column=group_column,
        )

    def leaderboard(self) -> pl.DataFrame:
        """What was trained, by its test scores, the best first.

        Returns:
            A row for the model and for each that it was compared with: the mean test score of each
            metric over its tasks; ``ahead``, the mean skill that it is ahead of the model, with
            the ends of its 95 % interval over the test rows; parameters.
        """
        return leaderboard_of(self.record)

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


def _rows(data: RunData) -> PredictionRows:
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
