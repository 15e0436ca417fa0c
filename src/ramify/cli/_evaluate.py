"""``ramify evaluate``: scores on labelled rows that a run has not seen."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ramify._core import InputError, listed, quoted
from ramify.cli._sources import prediction_rows
from ramify.cli._words import names_in
from ramify.data import TableReading
from ramify.report.words import METRICS, number, shown
from ramify.runs import Evaluation, Model, evaluated


def evaluate(
    directory: Path,
    table: Path,
    *,
    output: Path | None = None,
    images: str | None = None,
    image_column: str | None = None,
    task_column: str | None = None,
    one_vs_rest: str | list[str] = "",
    group_column: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    overwrite: bool = False,
) -> None:
    """Score a model on labelled rows that it has not seen.

    Args:
        directory: What ramify fit wrote.
        table: Table with feature and target columns, in any form that fit takes; targets that are not
            there, and cells without a label, are left out.
        output: scores.csv: the scores as a table; by default they are only shown.
        images: Folder of the image files.
        image_column: The table's column of file names, relative to the folder.
        task_column: Column that says which task each row belongs to, as for fit.
        one_vs_rest: Columns of classes that became a target per class, as for fit; comma separated.
        group_column: Column of the groups of rows that rankings put in order.
        separator: The mark between columns of a text file, or tab; by default found by counting.
        encoding: Of a text file, such as cp1252; by default UTF-8, UTF-16 or else Windows-1252.
        overwrite: Replace the output file.
    """
    if output is not None and output.suffix != ".csv":
        raise InputError(f"--output must end in .csv. Got {quoted(output)}")
    if output is not None and output.exists() and not overwrite:
        raise InputError(
            f"--output {quoted(output)} exists already; choose another or use --overwrite"
        )
    text = TableReading(separator, encoding=encoding)
    model = Model.load(directory)
    found = evaluated(
        model,
        prediction_rows(table, images, image_column, text),
        task_column=task_column,
        one_vs_rest_columns=names_in(one_vs_rest),
        group_column=group_column,
    )
    _show(found, Console())
    if output is not None:
        found.frame.write_csv(output)


def _show(found: Evaluation, console: Console) -> None:
    """The scores as a table, and what they rest on."""
    table = Table(title=f"{found.n_rows:,} rows", title_justify="left", box=None, pad_edge=False)
    table.add_column("task")
    table.add_column("score")
    for head in ("value", "95 % interval", "labels"):
        table.add_column(head, justify="right")
    for each in found.scores:
        value = "absent" if each.value is None else number(each.value)
        name = Text(shown(each.task, 40))
        ends = _ends(each.low, each.high)
        table.add_row(name, METRICS[each.metric], value, ends, f"{each.n_labels:,}")
    mean = found.frame.row(-1, named=True)
    if mean["value"] is not None and len(found.scores) > 1:
        ends = _ends(mean["low"], mean["high"])
        table.add_row(Text("mean", style="bold"), "skill", number(mean["value"]), ends, "")
    console.print(table)
    for each in found.scores:
        if each.note:
            console.print(Text(f"{shown(each.task, 40)} has no score: {each.note}"))
    if found.absent:
        console.print(Text(f"no target column: {listed(found.absent)}"))


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"
