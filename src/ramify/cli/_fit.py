"""``ramify fit``: from a table to a tree, a model and a report."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape

from ramify._core import InputError, StoppedError, counted, quoted
from ramify.cli._interrupt import signal_of
from ramify.cli._progress import shown_progress
from ramify.data import Table, open_table, parse_split, split_names
from ramify.networks import MLPSpec
from ramify.report import print_summary
from ramify.runs import REPORT_FILE, Options, Prepared, can_be_resumed, run_table
from ramify.sharing import FullyAdaptive, HardSharing, Sharing, SingleTask
from ramify.tasks import Multiclass
from ramify.training import Training

SharingName = Literal["fully-adaptive", "hard", "single-task"]

_MOST_TASKS_SHOWN = 20
_MOST_LEFT_OUT = 5


def fit(
    table: Path,
    *,
    targets: str | list[str],
    output: Path,
    ignore: str | list[str] = "",
    kind: list[str] | str = "",
    split: str = "random",
    sharing: SharingName = "fully-adaptive",
    max_parameters: int | None = None,
    alpha: float | None = None,
    growing_epochs: int = 4,
    candidates: int = 4,
    hidden: str | list[int] = "256,256",
    dropout: float = 0.6,
    input_dropout: float = 0.1,
    epochs: int = 12,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 2.0,
    patience: int | None = None,
    balance: bool = False,
    baselines: str | list[str] = "single_task,shared",
    seed: int = 0,
    device: str = "auto",
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    checkpoint_seconds: float = 10.0,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Learn the target columns of a table together: tree, model, comparison, report.

    Args:
        table: CSV, TSV or Parquet file; an empty target means not labelled.
        targets: Names or globs of the target columns, comma separated: a,b,'NR-*'.
        output: Directory for model, record and report.
        ignore: Names or globs of columns that are no features, comma separated.
        kind: NAME=binary, NAME=multiclass or NAME=regression where inference is wrong; comma
            separated.
        split: random, column:NAME (its values: train, validation, test) or group:NAME.
        sharing: The way of sharing.
        max_parameters: Budget of the learned tree; by default validation data chooses.
        alpha: The paper's weight of separation against width, instead of the whole path.
        growing_epochs: Epochs of the shared network before the tree is found.
        candidates: At most so many trees are trained to the end.
        hidden: Width of each stage of the network, comma separated.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
        epochs: Epochs of the last training.
        batch_size: Rows per step.
        learning_rate: Highest step size.
        weight_decay: Decoupled decay of the weights.
        patience: Stop after so many epochs without a better validation score.
        balance: Whether rare positives weigh as much as the negatives.
        baselines: What to compare with: single_task, shared, random_tree; comma separated, or
            none.
        seed: Of every random number.
        device: auto, cpu or cuda.
        precision: 32-true or bf16-mixed.
        checkpoint_seconds: Least time between two saved states of the training.
        resume: Go on with the interrupted run in the output directory.
        overwrite: Replace what the output directory holds.
    """
    options = Options(
        targets=_names(targets),
        ignore=_names(ignore),
        kinds=_kinds(_names(kind)),
        split=parse_split(split),
        sharing=_sharing(sharing, max_parameters, alpha, growing_epochs, candidates, seed),
        backbone=MLPSpec(_widths(hidden), dropout, input_dropout),
        training=Training(
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            patience=patience,
            balance=balance,
        ),
        batch_size=batch_size,
        seed=seed,
        device=device,
        precision=precision,
        baselines=[name for name in _names(baselines) if name != "none"],
        checkpoint_seconds=checkpoint_seconds,
    )
    fit_and_show(open_table(table), options, output, resume=resume, overwrite=overwrite)


def fit_and_show(
    table: Table, options: Options, output: Path, *, resume: bool, overwrite: bool
) -> None:
    """Do the run and show its progress, its result, and where the report is."""
    console = Console()
    with _resumable(output), shown_progress(console) as watch:
        run = run_table(
            table,
            options,
            output=output,
            resume=resume,
            overwrite=overwrite,
            command=_command(),
            announce=lambda prepared: announce(prepared, console),
            watch=watch,
        )
    print_summary(run.record, console)
    console.print(f"\nReport: {escape(str(output / REPORT_FILE))}", soft_wrap=True)


@contextmanager
def _resumable(output: Path) -> Iterator[None]:
    """Say of a run that is interrupted between two trainings that it can go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not can_be_resumed(output):
            raise
        message = "the run was stopped: its state was saved; use --resume"
        raise StoppedError(message, signal_of(interrupt)) from None


def announce(prepared: Prepared, console: Console) -> None:
    """Say what was found in the table, before training starts."""
    info, rows = prepared.info, prepared.info.rows
    console.print(
        f"[bold]{escape(_one_line(info.source))}[/]: {rows['train']:,} training, "
        f"{rows['validation']:,} validation and {rows['test']:,} test rows; "
        f"{counted(len(prepared.tasks), 'task')}; {counted(info.features['encoded'], 'input')}",
        soft_wrap=True,
    )
    for task, labels in list(zip(prepared.tasks, info.labels, strict=True))[:_MOST_TASKS_SHOWN]:
        kind = task.kind.name
        if isinstance(task.kind, Multiclass):
            kind = f"multiclass of {len(task.kind.classes)}"
        total = labels.train + labels.validation + labels.test
        line = f"  {quoted(task.name)}: {kind}, {total:,} labels, {labels.summary}"
        console.print(escape(line), highlight=False, soft_wrap=True)
    if len(prepared.tasks) > _MOST_TASKS_SHOWN:
        console.print(f"  … and {len(prepared.tasks) - _MOST_TASKS_SHOWN:,} more tasks")
    if info.left_out:
        apart = [f"{quoted(name)} ({reason})" for name, reason in info.left_out.items()]
        more = f" and {len(apart) - _MOST_LEFT_OUT:,} more" if len(apart) > _MOST_LEFT_OUT else ""
        line = f"  no features: {', '.join(apart[:_MOST_LEFT_OUT])}{more}"
        console.print(escape(line), highlight=False, soft_wrap=True)
    for warning in prepared.warnings:
        console.print(f"[yellow]warning:[/] {escape(_one_line(warning))}", soft_wrap=True)


def _names(given: str | list[str]) -> list[str]:
    return split_names(given) if isinstance(given, str) else list(given)


def _widths(given: str | list[int]) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in (_names(given) if isinstance(given, str) else given))
    except ValueError:
        raise InputError(
            f"--hidden must be whole numbers, comma separated. Got {quoted(given)}"
        ) from None


def _kinds(given: list[str]) -> dict[str, str]:
    kinds = {}
    for each in given:
        name, found, kind = each.rpartition("=")
        if not found:
            raise InputError(
                f"--kind must be NAME=binary, NAME=multiclass or NAME=regression. "
                f"Got {quoted(each)}"
            )
        kinds[name] = kind
    return kinds


def _sharing(
    name: SharingName,
    max_parameters: int | None,
    alpha: float | None,
    growing_epochs: int,
    candidates: int,
    seed: int,
) -> Sharing:
    if name == "fully-adaptive":
        return FullyAdaptive(
            alpha=alpha,
            max_parameters=max_parameters,
            growing_epochs=growing_epochs,
            n_candidates=candidates,
            seed=seed,
        )
    if max_parameters is not None or alpha is not None:
        raise InputError(
            f"--max-parameters and --alpha are for --sharing fully-adaptive. Got {name}; leave "
            "them out"
        )
    return HardSharing() if name == "hard" else SingleTask()


def _command() -> str:
    # The record says how to do the whole run again, not how it was finished.
    return shlex.join(["ramify", *(word for word in sys.argv[1:] if word != "--resume")])


def _one_line(text: str) -> str:
    return " ".join(text.split())
