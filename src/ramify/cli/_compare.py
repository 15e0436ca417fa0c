"""``ramify compare``: several ways of sharing on the same footing."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ramify._core import InputError, OptionContext, StoppedError
from ramify.cli._asked import Asked, DeclaredOptions
from ramify.cli._data_options import DataOptions
from ramify.cli._interrupt import signal_of
from ramify.cli._network_options import (
    NetworkOptions,
    TrainingOptions,
    check_each_once,
    check_exact_gradients,
)
from ramify.cli._progress import shown_runs
from ramify.cli._words import batch_size_in, names_in
from ramify.comparison import ALWAYS, BETWEEN, COMPARISON_PAGE, Contender, Study, compare_table
from ramify.report import print_comparison
from ramify.sharing import DEFAULT, Strategy
from ramify.weighting import Equal


def compare(
    table: Path,
    data: DataOptions,
    *,
    output: Path,
    sharing: str | list[str] = DEFAULT.name,
    said: DeclaredOptions,
    weighting: str | list[str] = "equal",
    seeds: int = 5,
    search: int = 0,
    processes: int = 1,
    threads: int = 1,
    network: NetworkOptions,
    epochs: int | None = None,
    batch_size: int | None = None,
    steps: TrainingOptions,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Compare ways of sharing on the same splits, seeds, epochs and rules.

    Args:
        table: CSV, TSV or Parquet file; an empty target means not labelled. For pictures also an
            .npz archive, an IDX file of labels, or with --layout a folder.
        data: What is learned, and from what.
        output: Directory for the runs, the comparison and its page.
        sharing: Ways of sharing, of those listed below, comma separated.
            One network per task (single-task), one shared network (hard), random forests and ridge or
            logistic regression always take part.
        said: What strategies, weightings and backbones have for themselves.
        weighting: How tasks are weighed against each other, comma separated. Each way of sharing takes part with each of them, but for separate
            networks and linear models.
        seeds: How many splits, initial weights and orders of the rows to average over.
        search: So many settings, proposed by Optuna, are tried for each network and seed beside those
            given; validation rows choose. Needs pip install 'ramify[search]'.
        processes: How many runs at a time; -1 for one per core.
        threads: Threads of each run.
        network: The stages of a network.
        epochs: Epochs of every network in all, by a learning rate that falls over them. By default
            the length follows from the data: training stops when validation scores rise no more.
        batch_size: Rows per step; by default 128, of 100,000 rows or more 512 or 1,024.
        steps: How a network is trained, and on what.
        resume: Use the finished runs in the output directory and go on with the others.
        overwrite: Replace what the output directory holds.
    """
    names, weighted = names_in(sharing), names_in(weighting)
    check_each_once(names, "--sharing", "way")
    check_each_once(weighted, "--weighting", "weighting")
    ways = [said.asked("--sharing", name) for name in names]
    rules = [said.asked("--weighting", name) for name in weighted]
    every = [*ways, *_always(said, names)]
    network.check_start([each.strategy for each in every])
    said.check([*every, *rules])
    context = OptionContext(beside=names)
    weightings = {rule.word: said.made(rule, context) for rule in rules}
    check_exact_gradients(steps.exact_gradients, weightings.values())
    console = Console()
    found, wanted = data.opened(table, console)
    stages = network.asked(found, said)
    said.check([*every, *rules, stages])
    context = replace(context, backbone=said.made(stages, context))
    options = replace(
        data.options(found, wanted),
        backbone=said.made(stages, context),
        start_from=network.start_from,
        training=steps.training(epochs, Equal(), found),
        batch_size=None if batch_size is None else batch_size_in(batch_size),
        device=steps.device,
        precision=steps.precision,
        baselines=(),
        time_limit=steps.seconds,
        checkpoint_seconds=steps.checkpoint_seconds,
    )
    if seeds < 1:
        raise InputError(f"`seeds` must be 1 or more. Got {seeds}")
    study = Study(
        seeds=range(seeds),
        weightings=weightings,
        n_trials=search,
        processes=processes,
        threads=threads,
    )
    contenders = [_contender(way, said, context) for way in every]
    with _resumable(output), shown_runs(console, partial(_naming, said, [*every, *rules])) as tell:
        done = compare_table(
            found,
            options,
            contenders,
            study,
            output,
            resume=resume,
            overwrite=overwrite,
            command=_command(),
            tell=tell,
        )
    print_comparison(done.record, console)
    console.print(f"\nReport: {escape(str(output / COMPARISON_PAGE))}", soft_wrap=True)


def _always(said: DeclaredOptions, names: Sequence[str]) -> list[Asked]:
    """What takes part unasked."""
    return [said.asked("--sharing", each.name) for each in ALWAYS if each.name not in names]


def _contender(way: Asked, said: DeclaredOptions, context: OptionContext) -> Contender:
    """A way of sharing that takes part, with the options that concern it."""
    made = partial(_made, way, said, context)
    if way.strategy.recipe(way.form, said.given(way), context) is not None:
        raise InputError(f"--sharing {way.word} has a training of its own; use ramify fit")
    made(0)  # what does not fit is refused now
    return Contender(way.word, made)


def _made(way: Asked, said: DeclaredOptions, context: OptionContext, seed: int) -> Strategy:
    made: Strategy = said.made(way, replace(context, seed=seed))
    return made


def _naming(said: DeclaredOptions, every: Sequence[Asked], method: str) -> Callable[[str], str]:
    """What was typed for the arguments of one of the methods."""
    return said.naming([each for each in every if each.word in method.split(BETWEEN)])


@contextmanager
def _resumable(output: Path) -> Iterator[None]:
    """Say of a comparison that is interrupted between two runs that it can go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not output.is_dir():
            raise
        message = "the comparison was stopped: its finished runs are kept; use --resume"
        raise StoppedError(message, signal_of(interrupt)) from None


def _command() -> str:
    # The record says how to do the whole comparison again, not how it was finished.
    return shlex.join(["ramify", *(word for word in sys.argv[1:] if word != "--resume")])
