"""The entry points: compare ways of sharing on one table."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from narwhals.typing import IntoFrame

from ramify._core import InputError
from ramify.comparison._comparison import Comparison
from ramify.comparison._contender import Contender, completed, crossed
from ramify.comparison._directory import comparison_directory
from ramify.comparison._schedule import Teller, carried_out, scheduled
from ramify.comparison._seed_splits import SeedSplit, divided
from ramify.comparison._study import Study
from ramify.comparison._summary import Summary
from ramify.data import ImageData, SplitRule, Table, open_table, parse_split, split_names
from ramify.networks import BackboneSpec, MLPSpec
from ramify.records import Failure, RunResult
from ramify.runs import Method, Options, forests
from ramify.sharing import DEFAULT, Strategy
from ramify.training import Training
from ramify.weighting import GramRule, Weighting, as_weighting


def compare(
    data: str | Path | IntoFrame,
    targets: str | Sequence[str],
    *,
    sharing: Mapping[str, Callable[[int], Strategy]] | None = None,
    weightings: Mapping[str, Weighting | GramRule] | None = None,
    seeds: int | Sequence[int] = 5,
    search: int = 0,
    ignore: str | Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    split: str | SplitRule = "random",
    backbone: BackboneSpec | None = None,
    hidden: Sequence[int] | None = None,
    dropout: float | None = None,
    input_dropout: float | None = None,
    training: Training | None = None,
    batch_size: int | None = None,
    trees: int = 200,
    device: str = "auto",
    precision: str = "32-true",
    processes: int | None = 1,
    threads: int = 1,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    tell: Teller | None = None,
) -> Comparison:
    """Compare ways of sharing on the same splits, seeds, epochs and rules.

    One network per task, one shared network, random forests and ridge or logistic regression
    always take part.

    Args:
        data: A CSV, TSV or Parquet file, or a dataframe. An empty target means not labelled.
        targets: Names or globs (``NR-*``) of the target columns; a text is split at commas.
        sharing: For each name a function from a seed to a way of sharing; by default
            fully-adaptive sharing.
        weightings: For each name a weighting of losses, with which each way of sharing takes part,
            but for separate networks and linear models; by default only that of ``training``. The
            method is called ``hard + upgrad``, but just ``hard`` with the weighting of
            ``training``.
        seeds: How many, from 0, or which. Each draws a split, initial weights and an order.
        search: So many settings are tried for each network and seed beside those given, proposed
            by Optuna (``pip install 'ramify[search]'``); the best on validation rows are kept.
        ignore: Names or globs of columns that are no features.
        kinds: ``binary``, ``multiclass`` or ``regression`` per target, where inference is wrong.
        split: ``random``, ``column:NAME`` or ``group:NAME``, or a split rule.
        backbone: The networks' stages; by default a multilayer perceptron, and the next three are
            its settings; where they are None they suit the data, see `MLPSpec`.
        hidden: Width of each stage, from input to output.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
        training: Epochs of every network in all, optimiser and selection rule.
        batch_size: Rows per step; None for 128, or more of 100,000 rows or more.
        trees: Trees of each random forest.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``; ``cuda:1`` for the second of several.
        precision: ``32-true`` or ``bf16-mixed``.
        processes: How many runs at a time; None for what `joblib.parallel_config` says.
        threads: Threads of each run; the last bits of the results depend on them.
        output: Directory for the results of the runs, so that a comparison can go on.
        resume: Whether to use the finished runs that are there.
        overwrite: Whether to remove what is there.
        tell: Called after every run.

    Raises:
        InputError: If the table or an option is not fit for it; the message says what to do.

    Example:
        >>> from ramify.data import planted_table
        >>> frame, groups = planted_table(n_groups=1, tasks_per_group=2, rows=60, features=3)
        >>> found = compare(
        ...     frame, "g*", sharing={}, seeds=1, hidden=(4,), training=Training(epochs=1), trees=4
        ... )
        >>> sorted(found.leaderboard()["method"])
        ['hard', 'random-forest', 'ridge-logistic', 'single-task']
    """
    ways = {DEFAULT.name: _default} if sharing is None else sharing
    options = Options(
        targets=_names(targets),
        ignore=_names(ignore),
        kinds=dict(kinds or {}),
        split=parse_split(split) if isinstance(split, str) else split,
        backbone=backbone
        or MLPSpec(None if hidden is None else tuple(hidden), dropout, input_dropout),
        training=training or Training(),
        batch_size=batch_size,
        device=device,
        precision=precision,
        baselines=(),
    )
    if isinstance(seeds, int) and seeds < 1:
        raise InputError(f"`seeds` must be 1 or more. Got {seeds}")
    study = Study(
        seeds=range(seeds) if isinstance(seeds, int) else tuple(seeds),
        weightings={name: as_weighting(each) for name, each in (weightings or {}).items()},
        n_trials=search,
        processes=processes,
        threads=threads,
    )
    contenders = [Contender(name, make) for name, make in ways.items()]
    contenders += [
        Contender(forest.name, partial(_itself, forest))
        for forest in forests(trees)
        if forest.name not in ways
    ]
    table = open_table(data)
    if output is not None:
        where = Path(output)
        return compare_table(
            table, options, contenders, study, where, resume=resume, overwrite=overwrite, tell=tell
        )
    if resume or overwrite:
        raise InputError("`resume` and `overwrite` need `output`, the directory they are about")
    with TemporaryDirectory(prefix="ramify-") as folder:
        return compare_table(table, options, contenders, study, Path(folder), tell=tell)


def compare_table(
    table: Table | ImageData,
    options: Options,
    contenders: Sequence[Contender],
    study: Study,
    output: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    command: str = "",
    announce: Callable[[dict[int, SeedSplit]], None] | None = None,
    tell: Teller | None = None,
) -> Comparison:
    """Compare, with the results of the runs and the comparison in a directory.

    Args:
        table: The table; or pictures with the table of their labels.
        options: The settings; ``training.epochs``, if given, are those of every network in all, and its seed,
            way of sharing and baselines are not looked at.
        contenders: The ways of sharing; those that always take part join them.
        study: How much to do.
        output: The directory.
        resume: Whether to use the finished runs that are there.
        overwrite: Whether to remove what is there.
        command: How to do it again, for the record.
        announce: Called with the table as each seed divides it, before the first run.
        tell: Called after every run.

    Raises:
        InputError: If the table, an option or the directory is not fit for it, a package that the
            search needs is missing, or no run finished.
        StoppedError: If SIGINT or SIGTERM came; finished runs stay.
    """
    if study.n_trials:
        study.search.check()
    usual = as_weighting(options.training.weighting)
    every = crossed(completed(contenders, study.n_trials), study.weightings, usual)
    with comparison_directory(output, resume=resume, overwrite=overwrite) as store:
        seeds = divided(table, options, study.seeds)
        options = options.completed(next(iter(seeds.values())).facts)  # alike for all seeds
        if announce is not None:
            announce(seeds)
        schedule = scheduled(table, options, study, every, seeds, store)
        results = carried_out(schedule, study.processes, tell)
        _check_any(results)
        found = Comparison(Summary(options, study, every, seeds, command).record(results))
        found.save(output, overwrite=True)
    return found


def _check_any(results: Sequence[RunResult | Failure]) -> None:
    reasons = [each.reason for each in results if isinstance(each, Failure)]
    if len(reasons) == len(results):
        raise InputError(f"no run finished. The first one says: {reasons[0]}")


# Functions with a name, since not every way into another process takes others.
def _default(seed: int) -> Strategy:
    return DEFAULT(seed=seed)


def _itself(method: Method, _seed: int) -> Strategy:
    return method


def _names(given: str | Sequence[str]) -> list[str]:
    return split_names(given) if isinstance(given, str) else list(given)
