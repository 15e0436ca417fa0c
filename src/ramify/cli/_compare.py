"""``ramify compare``: several ways of sharing on the same footing."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ramify._core import InputError, StoppedError
from ramify.cli._backbones import check_start
from ramify.cli._by_data import check_enough_tasks, number_of_tasks
from ramify.cli._data_options import DataOptions
from ramify.cli._interrupt import signal_of
from ramify.cli._network_options import NetworkOptions, TrainingOptions
from ramify.cli._selective import check_heeded
from ramify.cli._sharing_options import SharingOptions
from ramify.cli._sharings import check_name, check_owners, check_settings, sharing_of
from ramify.cli._shown_runs import shown_runs
from ramify.cli._weightings import (
    check_each_once,
    check_exact_gradients,
    check_fixed,
    weightings_of,
)
from ramify.cli._words import batch_size_in, names_in
from ramify.comparison import ALWAYS, COMPARISON_PAGE, Method, Study, compare_table
from ramify.records import Setting
from ramify.report import print_comparison
from ramify.weighting import Equal


def compare(
    table: Path,
    data: DataOptions,
    *,
    output: Path,
    sharing: str | list[str] = "fully-adaptive",
    ways: SharingOptions,
    weighting: str | list[str] = "equal",
    seeds: int = 5,
    search: int = 0,
    processes: int = 1,
    threads: int = 1,
    network: NetworkOptions,
    epochs: int = 16,
    batch_size: int = 128,
    steps: TrainingOptions,
    trees: int = 200,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Compare ways of sharing on the same splits, seeds, epochs and rules.

    Args:
        table: CSV, TSV or Parquet file; an empty target means not labelled. For pictures also an
            .npz archive, an IDX file of labels, or with --layout a folder.
        data: What is learned, and from what.
        output: Directory for the runs, the comparison and its page.
        sharing: Ways of sharing, comma separated: fully-adaptive, selective, selective:variance,
            selective:random, selective:all, selective:none, tree, soft, trace-norm, relationship,
            cross-stitch, sluice, factorised, mmoe, cgc, ple, mtan, low-level, low-level:separate,
            anchored, linear:METHOD; trace-norm and factorised also with :tucker or :tt behind them.
            One network per task (single-task), one shared network (hard), random forests and ridge or
            logistic regression always take part.
        ways: What decides how tasks share, beside the name of the way.
        weighting: How tasks are weighed against each other, comma separated: equal, uncertainty, dwa,
            upgrad and more. Each way of sharing takes part with each of them, but for separate
            networks and linear models.
        seeds: How many splits, initial weights and orders of the rows to average over.
        search: So many settings, proposed by Optuna, are tried for each network and seed beside those
            given; validation rows choose. Needs pip install 'ramify[search]'.
        processes: How many runs at a time; -1 for one per core.
        threads: Threads of each run.
        network: The stages of a network.
        epochs: Epochs of every network in all.
        batch_size: Rows per step.
        steps: How a network is trained, and on what.
        trees: Trees of each random forest.
        resume: Use the finished runs in the output directory and go on with the others.
        overwrite: Replace what the output directory holds.
    """
    names, weighted = names_in(sharing), names_in(weighting)
    check_each_once(names, "--sharing", "way")
    check_settings(ways.settings, [*names, *(each.name for each in ALWAYS)], weighted)
    weightings = weightings_of(weighted, ways.settings)
    check_exact_gradients(steps.exact_gradients, weightings.values())
    console = Console()
    found, wanted = data.opened(table, console)
    options = replace(
        data.options(found, wanted),
        backbone=network.spec(found),
        start_from=network.start_from,
        training=steps.training(epochs, Equal(), found),
        batch_size=batch_size_in(batch_size),
        device=steps.device,
        precision=steps.precision,
        baselines=(),
        checkpoint_seconds=steps.checkpoint_seconds,
    )
    if seeds < 1:
        raise InputError(f"`seeds` must be 1 or more. Got {seeds}")
    study = Study(
        seeds=range(seeds),
        weightings=weightings,
        n_trials=search,
        n_trees=trees,
        processes=processes,
        threads=threads,
    )
    check_start(network.start_from, "anchored" if "anchored" in names else "")
    methods = _methods(names, ways)
    n_tasks = number_of_tasks(wanted, found)
    check_enough_tasks(ways.selective, n_tasks)
    check_fixed(weightings.values(), n_tasks)
    with _resumable(output), shown_runs(console, ways.settings) as tell:
        done = compare_table(
            found,
            options,
            methods,
            study,
            output,
            resume=resume,
            overwrite=overwrite,
            command=_command(),
            tell=tell,
        )
    print_comparison(done.record, console)
    console.print(f"\nReport: {escape(str(output / COMPARISON_PAGE))}", soft_wrap=True)


def _methods(names: Sequence[str], options: SharingOptions) -> list[Method]:
    """The ways of sharing that take part, which heed all of the options together."""
    methods = [_method(name, options) for name in names]
    check_owners(options, names)
    check_heeded(options.selective, names)
    return methods


def _method(name: str, options: SharingOptions) -> Method:
    """A way of sharing that takes part, with the options that concern it."""
    check_name(name)
    if name == "tree":
        own = SharingOptions(
            growing_epochs=options.growing_epochs, tree=options.tree, set=options.set
        )
        given: dict[str, Setting] = {"tree": options.given_tree().to_json()}
        return Method(name, partial(sharing_of, name, own), given)
    own = replace(options, tree=None, selective=options.selective.of(name))
    if not name.startswith("low-level"):
        own = replace(own, attach="")
    if name != "fully-adaptive":
        own = replace(own, max_parameters=None, affinity=None, alpha=None)
    return Method(name, partial(sharing_of, name, own))


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
