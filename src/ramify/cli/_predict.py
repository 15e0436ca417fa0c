"""``ramify predict``: predictions for new rows."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ramify._core import InputError, quoted
from ramify.cli._sources import prediction_rows
from ramify.cli._words import names_in
from ramify.data import TableReading
from ramify.records import RECORD_FILE, RunRecord
from ramify.runs import Model, deciding, write_predictions


def predict(
    directory: Path,
    table: Path,
    *,
    output: Path,
    images: str | None = None,
    image_column: str | None = None,
    id_column: str | list[str] = "",
    decide: bool = False,
    interval: float | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    overwrite: bool = False,
) -> None:
    """Predict the rows of a table, or pictures, in their order.

    Args:
        directory: What ramify fit wrote.
        table: Table with the feature columns, in any form that fit takes, or with the files of pictures;
            or an .npz archive or IDX file of pictures.
        output: predictions.csv or predictions.parquet: a column per task, or per class.
        images: Folder of the image files, or which array of an .npz archive is the images.
        image_column: The table's column of file names, relative to the folder.
        id_column: Names or globs of columns to carry over, such as that which names each row; comma
            separated.
        decide: Give classes in place of probabilities, by thresholds that the validation rows chose.
        interval: Share of rows that an interval around each number is to hold, such as .9; its ends
            are columns of their own.
        separator: The mark between columns of a text file, or tab; by default found by counting.
        encoding: Of a text file, such as cp1252; by default UTF-8, UTF-16 or else Windows-1252.
        overwrite: Replace the output file.
    """
    if output.exists() and not overwrite:
        raise InputError(
            f"--output {quoted(output)} exists already; choose another or use --overwrite"
        )
    if output.exists() and not output.is_file():
        raise InputError(f"--output {quoted(output)} is no file; choose another")
    if output.exists() and table.exists() and output.samefile(table):
        raise InputError(f"--output {quoted(output)} is the table itself; choose another")
    if not output.parent.is_dir():
        raise InputError(f"--output must be in a folder that exists. Got {quoted(output)}")
    text = TableReading(separator, encoding=encoding)
    model = Model.load(directory)
    change = None
    if decide or interval is not None:
        record = RunRecord.load(directory / RECORD_FILE)
        change = deciding(model, record, decide=decide, interval=interval)
    write_predictions(
        model,
        prediction_rows(table, images, image_column, text),
        output,
        names_in(id_column),
        change,
    )
    Console().print(f"Predictions: {escape(str(output))}", soft_wrap=True)
