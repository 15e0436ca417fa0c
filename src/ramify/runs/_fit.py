"""The main job: from a table to a tree, a model, a comparison and a record."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from narwhals.typing import IntoFrame
from torch import nn

from ramify._core import InputError, check_count, check_number, check_seconds
from ramify.data import (
    GroupSplit,
    ImageData,
    RandomSplit,
    SplitRule,
    StatedKind,
    Table,
    open_table,
    parse_split,
    resolve_columns,
    with_positive,
)
from ramify.networks import BackboneSpec, MLPSpec, TaskModel, fold_batch_norms
from ramify.records import Scores
from ramify.runs._auxiliary import Auxiliary
from ramify.runs._directory import output_directory
from ramify.runs._model import Model
from ramify.runs._options import Options, names_given
from ramify.runs._output_columns import output_names
from ramify.runs._prepared import Prepared, prepare
from ramify.runs._recording import both_sides, recorded, scores_of
from ramify.runs._register import strategy_named
from ramify.runs._run import Run
from ramify.runs.methods import TABLE_DEFAULT, Finished, Job, baseline, fit_strategy, timed
from ramify.sharing import DEFAULT, WITHOUT_AUXILIARY, Strategy
from ramify.training import Training, Watcher

_CALLS, _WARM_UP = 20, 5


@torch.inference_mode()
def milliseconds_per_row(network: TaskModel, shape: Sequence[int]) -> float:
    """Median time of a single row through a network on the CPU, its batch norms folded.

    Args:
        network: Unchanged.
        shape: Shape of one row as the network takes it.
    """
    folded: nn.Module = fold_batch_norms(network.cpu().eval())
    row = torch.zeros(1, *shape)
    spent = []
    for _ in range(_CALLS):
        started = time.perf_counter()
        folded(row)
        spent.append(time.perf_counter() - started)
    return 1e3 * float(np.median(spent[_WARM_UP:]))


def fit(
    data: str | Path | Sequence[str | Path] | IntoFrame | Mapping[str, Any] | Table,
    targets: str | Sequence[str],
    *,
    auxiliary: str | Sequence[str | Auxiliary] = (),
    ignore: str | Sequence[str] = (),
    kinds: Mapping[str, StatedKind] | None = None,
    positive: Mapping[str, str] | None = None,
    group_column: str | None = None,
    split: str | SplitRule | None = None,
    sharing: str | Strategy | None = None,
    max_parameters: int | None = None,
    backbone: BackboneSpec | None = None,
    hidden: Sequence[int] | None = None,
    dropout: float | None = None,
    input_dropout: float | None = None,
    training: Training | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "32-true",
    time_limit: float | str | None = None,
    baselines: str | Sequence[str] = ("single_task", "shared"),
    watch: Watcher | None = None,
) -> Run:
    """Learn the tasks of a table together: which of them share what, and whether it pays off.

    Args:
        data: Whatever `ramify.data.open_table` takes: a file, a dataframe, a mapping. An empty target
            means not labelled.
        targets: Names or globs (``NR-*``) of the target columns; a text is split at commas.
        auxiliary: Names or globs of columns that only help: learned beside the targets, scored
            nowhere, no part of the model; or `Auxiliary` objects, with a weight or a formula.
        ignore: Names or globs of columns that are no features.
        kinds: ``binary``, ``multiclass``, ``ordinal``, ``ranking`` or ``regression`` per target,
            where inference is wrong; or ``Ordinal(("low", "mid", "high"))``.
        positive: The class whose probability is predicted, for targets of two labels, as
            ``{"ill": "ja"}``; by default the word for yes or for presence, or the larger number.
        group_column: The column of the groups of rows that ranking tasks put in order; by default
            all rows are one group.
        split: ``random``, ``column:NAME`` or ``group:NAME``, or a split rule; by default whole
            groups of ``group_column`` if there is one, else random.
        sharing: The way of sharing, a word such as ``cross-stitch`` or an object; by default `Auto`,
            an ensemble with a branched network beside it, or
            `FullyAdaptive`, that network alone, where an argument of networks is given (the next five,
            ``training``, ``batch_size`` or ``auxiliary``) or a target is a ranking.
        max_parameters: Budget of the default way of sharing; not together with ``sharing``.
        backbone: The network's stages; by default a multilayer perceptron, and the next three are
            its settings; where they are None they suit the data, see `MLPSpec`.
        hidden: Width of each stage, from input to output.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
        training: Epochs, optimiser and selection rule.
        batch_size: Rows per step; None for 128, or more of 100,000 rows or more.
        seed: Random seed; the global generators are left as they were.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``; ``cuda:1`` for the second of several.
        precision: ``32-true`` or ``bf16-mixed``.
        time_limit: For all networks together, in seconds or as ``"5m"``; None for no limit.
        baselines: ``single_task``, ``shared``, ``random_tree``: what to compare with.
        watch: Called after every epoch.

    Raises:
        InputError: If the table or an option is not fit for it; the message says what to do.

    Example:
        >>> from ramify.data import planted_table
        >>> from ramify.training import Training
        >>> frame, groups = planted_table(n_groups=2, tasks_per_group=2, rows=200)
        >>> names = [name for group in groups for name in group]
        >>> run = fit(frame, names, training=Training(epochs=1), hidden=(8, 8))
        >>> run.predict(frame.drop(names)).shape
        (200, 4)
    """
    opened, stated, wanted = open_table(data), _kinds(kinds), names_given("targets", targets)
    if positive:
        stated |= with_positive(opened, resolve_columns(opened.columns, wanted), positive)
    if isinstance(sharing, str):
        sharing = strategy_named(sharing, seed)
    if sharing is None:
        of_networks = (
            max_parameters,
            backbone,
            training,
            hidden,
            dropout,
            input_dropout,
            batch_size,
        )
        networks = any(each is not None for each in of_networks) or bool(auxiliary)
        ranked = group_column is not None or "ranking" in stated.values()
        asked = networks or ranked
        sharing = DEFAULT(max_parameters=max_parameters, seed=seed) if asked else TABLE_DEFAULT()
    elif max_parameters is not None:
        raise InputError("`max_parameters` is for the default way of sharing; give it to `sharing`")
    options = Options(
        targets=wanted,
        auxiliary=_helping(auxiliary),
        ignore=names_given("ignore", ignore),
        kinds=stated,
        group_column=group_column,
        split=_split(split, group_column),
        sharing=sharing,
        backbone=backbone or _perceptron(hidden, dropout, input_dropout),
        training=training or Training(),
        batch_size=None if batch_size is None else check_count("batch_size", batch_size),
        seed=check_count("seed", seed, 0),
        device=device,
        precision=precision,
        time_limit=None if time_limit is None else check_seconds("time_limit", time_limit),
        baselines=names_given("baselines", baselines),
    )
    return run_table(opened, options, watch=watch)


def run_table(
    table: Table | ImageData,
    options: Options,
    *,
    output: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    command: str = "",
    announce: Callable[[Prepared], None] | None = None,
    watch: Watcher | None = None,
) -> Run:
    """Do the main job, with its state and results in a directory if one is given.

    Args:
        table: The table; or pictures with the table of their labels.
        options: The settings.
        output: Directory for state and results.
        resume: Whether to go on with the run that was interrupted there.
        overwrite: Whether to replace what is there.
        command: How to do the run again, for the record.
        announce: Called with the prepared table before training starts.
        watch: Called after every epoch.

    Raises:
        InputError: If the table, an option or the directory is not fit for it.
        StoppedError: If SIGINT or SIGTERM came; the state is saved first.
    """
    held = (
        nullcontext(None)
        if output is None
        else output_directory(output, resume=resume, overwrite=overwrite)
    )
    seconds: dict[str, float] = {}
    started = time.monotonic()
    with held as state:
        with timed(seconds, "reading"):
            prepared = prepare(table, options)
            output_names(prepared.main)
            folder = None if state is None else state.folder
            job = Job(prepared, options, folder, watch, started)
            job.check()
        if state is not None:
            state.claim(_job(prepared, job.options))
        if announce is not None:
            announce(prepared)
        run = _trained(job, seconds, command)
        seconds["total"] = time.monotonic() - started
        latency = milliseconds_per_row(run.model.network, run.model.encoder.shape)
        run.record = run.record.model_copy(update={"seconds": seconds, "milliseconds": latency})
        if output is not None and state is not None:
            run.save(output, overwrite=True)
            state.forget()
    return run


def fit_and_score(job: Job) -> tuple[Finished, Scores]:
    """Fit what is asked for, and nothing that it is compared with, and score it.

    Args:
        job: Data and settings.

    Raises:
        InputError: If the data is not fit for it.
        StoppedError: If SIGINT or SIGTERM came; the state is saved first.
    """
    finished = fit_strategy(job)
    sides = both_sides(finished, job.prepared)
    return finished, scores_of(finished, sides, job.prepared)


def _trained(job: Job, seconds: dict[str, float], command: str) -> Run:
    prepared, options = job.prepared, job.options
    with timed(seconds, "tree"):
        main = fit_strategy(job)
    baselines = list(main.beside)
    # A single task is its own single-task network and shared network.
    names = list(options.baselines) if len(prepared.tasks) > 1 else []
    if names and options.auxiliary:
        names = _with_helpers(names, len(prepared.main))
    for i, name in enumerate(names):
        with timed(seconds, name):
            finished = baseline(job, name, main.tree, 1 / (len(names) - i))
        if finished is not None:
            baselines.append(finished)
    assert main.model is not None  # it is what was asked for
    fitted = main.model.cpu()
    backbone = options.backbone if fitted.has_backbone else None
    model = Model(prepared.inputs.encoder, fitted, backbone)
    with timed(seconds, "scoring"):
        record = recorded(prepared, options, main, baselines, command=command)
    return Run(model, record)


def _with_helpers(names: list[str], n_main: int) -> list[str]:
    """What is compared where auxiliary tasks take part: above all the same network without them."""
    # A single task without help is a network of its own.
    others = [n for n in names if n != WITHOUT_AUXILIARY and (n_main > 1 or n != "single_task")]
    return [WITHOUT_AUXILIARY, *others]


def _helping(given: str | Sequence[str | Auxiliary]) -> list[Auxiliary]:
    every = [given] if isinstance(given, str | Auxiliary) else list(given)
    texts = [each for each in every if not isinstance(each, Auxiliary)]
    names = names_given("auxiliary", given if isinstance(given, str) else texts)
    return [Auxiliary(name) for name in names] + [e for e in every if isinstance(e, Auxiliary)]


def _kinds(given: Mapping[str, StatedKind] | None) -> dict[str, StatedKind]:
    if given is None or isinstance(given, Mapping):
        return dict(given or {})
    raise InputError(
        "must be a kind for each of some targets, as {'target': 'ordinal'}",
        argument="kinds",
        got=repr(given),
    )


def _perceptron(
    hidden: Sequence[int] | None, dropout: float | None, input_dropout: float | None
) -> MLPSpec:
    given: object = hidden  # text is a sequence too, but none of widths
    if isinstance(given, str) or not isinstance(given, Sequence | None):
        raise InputError(
            "must be the width of each stage, as (256, 256)", argument="hidden", got=repr(hidden)
        )
    for name, share in (("dropout", dropout), ("input_dropout", input_dropout)):
        if share is not None:
            check_number(name, share)
    widths = None if hidden is None else tuple(check_count("hidden", width) for width in hidden)
    return MLPSpec(widths, dropout, input_dropout)


def _split(given: str | SplitRule | None, group_column: str | None) -> SplitRule:
    if given is None:
        return RandomSplit() if group_column is None else GroupSplit(group_column)
    return parse_split(given) if isinstance(given, str) else given


def _job(prepared: Prepared, options: Options) -> dict[str, object]:
    """What decides the result of a run."""
    sharing = {f"sharing.{k}": v for k, v in options.sharing.settings().items()}
    names = {"targets": list(prepared.main.names), "sharing": options.sharing.word}
    return {**names, **sharing, **options.settings(), "seed": options.seed, "data": prepared.digest}
