"""``ramify fit``: from a table to a tree, a model and a report."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ramify._core import StoppedError
from ramify.cli._announced import announce
from ramify.cli._backbones import check_start
from ramify.cli._by_data import check_enough_tasks, number_of_tasks
from ramify.cli._data_options import DataOptions
from ramify.cli._interrupt import signal_of
from ramify.cli._made import named_as_typed
from ramify.cli._network_options import NetworkOptions, TrainingOptions
from ramify.cli._paper import BATCH_SIZE, PaperOptions, check_without_paper
from ramify.cli._progress import shown_progress
from ramify.cli._selective import ConditionName, word_of
from ramify.cli._sharing_options import SharingOptions
from ramify.cli._sharings import check_settings, sharing_of
from ramify.cli._weightings import check_exact_gradients, check_fixed, check_is_heeded, weighting_of
from ramify.cli._words import batch_size_in, names_in
from ramify.data import ImageData, Table
from ramify.report import print_summary
from ramify.runs import REPORT_FILE, Options, can_be_resumed, run_table

_BATCH_SIZE = 128


def fit(
    table: Path,
    data: DataOptions,
    *,
    output: Path,
    soft_labels_from: str | list[str] = "",
    sharing: str = "fully-adaptive",
    condition: ConditionName | None = None,
    ways: SharingOptions,
    paper: bool = False,
    iterations: int | None = None,
    network: NetworkOptions,
    epochs: int = 12,
    batch_size: int | None = None,
    steps: TrainingOptions,
    weighting: str = "equal",
    baselines: str | list[str] = "single_task,shared",
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Learn the target columns of a table together: tree, model, comparison, report.

    Args:
        table: CSV, TSV or Parquet file; an empty target means not labelled. For pictures also an
            .npz archive, an IDX file of labels, or with --layout a folder.
        data: What is learned, and from what.
        output: Directory for model, record and report.
        soft_labels_from: Directories of finished runs whose models fill in the missing labels of the
            training rows, as far as their yes-or-no tasks have the same names; comma separated.
        sharing: The way of sharing: fully-adaptive, selective, hard, single-task, tree, soft,
            trace-norm, relationship, cross-stitch, sluice, factorised, mmoe, cgc, ple, mtan,
            low-level, low-level:separate, anchored, or linear:METHOD; trace-norm and factorised also
            with :tucker or :tt behind them.
        condition: Who shares in selective sharing: similarity (like tasks), variance (each of
            --groups groups as diverse as can be), or for control random (groups of like size), all
            (one group from the first look on) or none (no task joins another).
        ways: What decides how tasks share, beside the name of the way.
        paper: Grow and train as the authors' code does on vgg16: --alpha (2 by default), --width,
            --iterations and --interval; --epochs and all settings of the optimiser are then the
            paper's.
        iterations: Steps of the paper's training (60,000 by default).
        network: The stages of a network.
        epochs: Epochs of the last training.
        batch_size: Rows per step (128 by default; 32 with --paper).
        steps: How a network is trained, and on what.
        weighting: How tasks are weighed against each other: equal, uncertainty, dwa, upgrad and more.
        baselines: What to compare with: single_task, shared, random_tree; comma separated, or
            none.
        seed: Of every random number.
        resume: Go on with the interrupted run in the output directory.
        overwrite: Replace what the output directory holds.
    """
    check_start(network.start_from, sharing)
    word = word_of(sharing, condition)
    check_settings(ways.settings, [word], [weighting])
    weighed = weighting_of(weighting, ways.settings)
    check_is_heeded(weighed, word)
    check_exact_gradients(steps.exact_gradients, [weighed])
    found, wanted = data.opened(table, Console())
    spec = network.spec(found)
    preset = PaperOptions(
        word, spec.kind, network.width, iterations, weighting, steps.patience, balance=steps.balance
    )
    if paper:
        preset.check(ways)
    else:
        check_without_paper(iterations)
    usual = BATCH_SIZE if paper else _BATCH_SIZE
    options = replace(
        data.options(found, wanted),
        sharing=preset.growing(ways, seed) if paper else sharing_of(word, ways, seed),
        backbone=preset.network() if paper and network.start_from is None else spec,
        soft_labels_from=[Path(folder) for folder in names_in(soft_labels_from)],
        start_from=network.start_from,
        training=preset.training() if paper else steps.training(epochs, weighed, found),
        batch_size=batch_size_in(usual if batch_size is None else batch_size),
        seed=seed,
        device=steps.device,
        precision=steps.precision,
        baselines=[name for name in names_in(baselines) if name != "none"],
        checkpoint_seconds=steps.checkpoint_seconds,
    )
    n_tasks = number_of_tasks(wanted, found)
    check_enough_tasks(ways.selective, n_tasks)
    check_fixed([weighed], n_tasks)
    with named_as_typed(ways.settings):
        fit_and_show(found, options, output, resume=resume, overwrite=overwrite)


def fit_and_show(
    data: Table | ImageData, options: Options, output: Path, *, resume: bool, overwrite: bool
) -> None:
    """Do the run and show its progress, its result, and where the report is."""
    console = Console()
    with _resumable(output), shown_progress(console) as watch:
        run = run_table(
            data,
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


def _command() -> str:
    # The record says how to do the whole run again, not how it was finished.
    return shlex.join(["ramify", *(word for word in sys.argv[1:] if word != "--resume")])
