"""``ramify fit``: from a table to a tree, a model and a report."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ramify._core import InputError, ModelFileError, OptionContext, StoppedError
from ramify.cli._asked import Asked, OptionsOfOne
from ramify.cli._data_options import DataOptions
from ramify.cli._data_summary import announce
from ramify.cli._interrupt import signal_of
from ramify.cli._network_options import (
    AuxiliaryOptions,
    NetworkOptions,
    TrainingOptions,
    check_exact_gradients,
)
from ramify.cli._progress import shown_progress
from ramify.cli._words import batch_size_in, names_in
from ramify.data import ImageData, Table
from ramify.report import REPORT_FILE, print_summary
from ramify.runs import TABLE_DEFAULT, Options, can_be_resumed, run_table
from ramify.sharing import DEFAULT, Recipe
from ramify.training import Training
from ramify.weighting import Equal, Weighting

_PICTURES = ".npz"


def fit(
    table: Path,
    data: DataOptions,
    *,
    output: Path,
    soft_labels_from: str | list[str] = "",
    sharing: str | None = None,
    said: OptionsOfOne,
    network: NetworkOptions,
    epochs: int | None = None,
    batch_size: int | None = None,
    steps: TrainingOptions,
    weighting: str = "equal",
    helping: AuxiliaryOptions,
    baselines: str | list[str] = "single_task,shared",
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Learn the target columns of a table together: tree, model, comparison, report.

    Args:
        table: CSV, TSV, Parquet, Feather, JSON or spreadsheet; a quoted glob, or - for standard
            input; an empty target means not labelled. For pictures also an
            .npz archive, an IDX file of labels, or with --layout a folder.
        data: What is learned, and from what.
        output: Directory for model, record and report.
        soft_labels_from: Directories of finished runs whose models fill in the missing labels of the
            training rows, as far as their yes-or-no tasks have the same names; comma separated.
        sharing: The way of sharing, of those listed below; by default auto for tables, and
            fully-adaptive for pictures, for rankings, and where an option of networks or of their
            training is given.
        said: What strategies, weightings and backbones have for themselves.
        network: The stages of a network.
        epochs: Epochs of the last training, by a learning rate that falls over them. By default the
            length follows from the data: training stops when validation scores rise no more.
        batch_size: Rows per step; by default 128, of 100,000 rows or more 512 or 1,024; 32 with --paper.
        steps: How a network is trained, and on what.
        weighting: How tasks are weighed against each other, of the weightings listed below.
        helping: Tasks that only help.
        baselines: What to compare with: single_task, shared, random_tree; comma separated, or
            none. With auxiliary tasks also the same network without them.
        seed: Random seed.
        resume: Go on with the interrupted run in the output directory.
        overwrite: Replace what the output directory holds.
    """
    if sharing is None:
        untouched = helping == AuxiliaryOptions() and (epochs, batch_size, weighting, network) == (
            *(None, None, Equal.name),
            NetworkOptions(),
        )
        plain = data.has_plain_rows and table.suffix.lower() != _PICTURES
        of_networks = not untouched or steps.says_how or said.asks_for_more
        sharing = TABLE_DEFAULT.name if plain and not of_networks else DEFAULT.name
    way, rule = said.asked("--sharing", sharing), said.asked("--weighting", weighting)
    network.check_start([way.strategy])
    said.check([way, rule])
    context = OptionContext(seed, beside=[way.word])
    weighed = said.made(rule, context)
    _check_is_used(weighed, way)
    check_exact_gradients(steps.exact_gradients, [weighed])
    found, wanted = data.opened(table, Console())
    stages = network.asked(found, said)
    said.check([way, rule, stages])
    spec = said.made(stages, context)
    context = replace(context, backbone=spec)
    recipe = way.strategy.recipe(way.form, said.given(way), context)
    if recipe is not None:
        _check_without(way, rule, steps)
        spec = recipe.backbone if network.start_from is None else spec
    usual = None if recipe is None else recipe.batch_size
    options = replace(
        data.options(found, wanted),
        sharing=said.made(way, context),
        backbone=spec,
        soft_labels_from=[Path(folder) for folder in names_in(soft_labels_from)],
        start_from=network.start_from,
        training=steps.training(epochs, weighed, found) if recipe is None else _followed(recipe),
        auxiliary=helping.asked(),
        batch_size=usual if batch_size is None else batch_size_in(batch_size),
        seed=seed,
        device=steps.device,
        precision=steps.precision,
        baselines=[name for name in names_in(baselines) if name != "none"],
        time_limit=steps.seconds,
        checkpoint_seconds=steps.checkpoint_seconds,
    )
    try:
        fit_and_show(found, options, output, resume=resume, overwrite=overwrite)
    except ModelFileError:
        raise
    except InputError as error:
        raise InputError(error.told(said.naming([way, rule, stages]))) from None


def _check_is_used(weighting: Weighting, way: Asked) -> None:
    """Refuse a weighting of losses that are not added up in steps."""
    if not way.strategy.trained_by_steps and not isinstance(weighting, Equal):
        raise InputError(
            f"--weighting is for networks; {way.word} is not trained by steps. "
            f"Got {weighting.word}; leave it out"
        )


def _check_without(way: Asked, rule: Asked, steps: TrainingOptions) -> None:
    """Refuse what has no place beside a training that belongs to the way of sharing."""
    given = {
        "--weighting": rule.kind is not Equal,
        "--patience": steps.patience is not None,
        "--balance": steps.balance,
    }
    if flags := [name for name, is_given in given.items() if is_given]:
        raise InputError(
            f"{way.word} does without {' and '.join(flags)}, as its authors' code does; leave one "
            "of them out"
        )


def _followed(recipe: Recipe) -> Training:
    return Training.paper(iterations=recipe.iterations, decay_every=recipe.decay_every)


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
