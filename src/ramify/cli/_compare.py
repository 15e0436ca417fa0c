"""``ramify compare``: several ways of sharing on the same footing."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ramify._core import InputError, StoppedError, listed
from ramify.cli._backbones import BackboneName, build_spec, check_start
from ramify.cli._by_data import augmentation_of, check_groups, decay_of, split_of, targets_of
from ramify.cli._interrupt import signal_of
from ramify.cli._selective import SelectiveOptions
from ramify.cli._sharings import SharingOptions, check_name, check_owners, sharing_of
from ramify.cli._sources import LayoutName, Source, by_task, image_shape
from ramify.cli._words import batch_size_in, kinds_and_levels_in, names_in, stages_in, widths_in
from ramify.comparison import COMPARISON_PAGE, Method, Study, compare_table
from ramify.comparison import Progress as RunEnded
from ramify.data import ImageData, ImageReading
from ramify.networks import MLPSpec
from ramify.records import Failure, Setting
from ramify.report import print_comparison
from ramify.runs import Options
from ramify.training import Training
from ramify.weighting import weighting_named


def compare(
    table: Path,
    *,
    targets: str | list[str] = "",
    output: Path,
    images: str | None = None,
    image_column: str | None = None,
    image_size: str | int | None = None,
    layout: LayoutName | None = None,
    join: str | list[str] = "",
    one_vs_rest: str | list[str] = "",
    task_column: str | None = None,
    skip_bad_images: bool = False,
    image_cache: Path | None = None,
    shift: int = 0,
    flip: bool = False,
    sharing: str | list[str] = "fully-adaptive",
    weighting: str | list[str] = "equal",
    seeds: int = 5,
    search: int = 0,
    processes: int = 1,
    threads: int = 1,
    ignore: str | list[str] = "",
    kind: str | list[str] = "",
    ordinal: list[str] | str = "",
    group_column: str | None = None,
    split: str | None = None,
    tree: Path | None = None,
    attach: str | list[str] = "",
    max_parameters: int | None = None,
    affinity: str | None = None,
    growing_epochs: int = 4,
    candidates: int = 4,
    threshold: float | None = None,
    groups: int | None = None,
    estimator_width: int | None = None,
    interval: int | None = None,
    warm_up: int | None = None,
    window: int | None = None,
    nonnegative: int | None = None,
    sign_invariant: bool = False,
    allow_split: bool = False,
    backbone: BackboneName | None = None,
    width: int | None = None,
    start_from: Path | None = None,
    hidden: str | list[int] = "256,256",
    dropout: float = 0.6,
    input_dropout: float = 0.1,
    epochs: int = 16,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float | None = None,
    patience: int | None = None,
    balance: bool = False,
    trees: int = 200,
    device: str = "auto",
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    checkpoint_seconds: float = 10.0,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Compare ways of sharing on the same splits, seeds, epochs and rules.

    Args:
        table: CSV, TSV or Parquet file; an empty target means not labelled. For pictures also an
            .npz archive, an IDX file of labels, or with --layout a folder.
        targets: Names or globs of the target columns, comma separated: a,b,'NR-*'. A layout knows
            its own.
        output: Directory for the runs, the comparison and its page.
        images: Folder of the image files; or the IDX file of images; or which array of an .npz
            archive is the images, if there are several.
        image_column: The table's column of file names, relative to the folder.
        image_size: Size that images are brought to, 64 or 64x48 (height x width); by default 64
            for files, and arrays stay as they are.
        layout: Whose files the folder holds.
        join: Further data sets to learn with that of --layout, each LAYOUT:FOLDER; comma separated.
        one_vs_rest: Columns of classes that become a yes-or-no target per class; comma separated.
            They take the place of their column in --targets, which may also be left out.
        task_column: Column that says which task each row belongs to, such as its school; each target
            becomes one task per value of it.
        skip_bad_images: Leave rows out whose image cannot be used, instead of stopping.
        image_cache: Folder for decoded and resized images; by default in the user's cache.
        shift: Most pixels by which training images are shifted at random.
        flip: Whether training images are mirrored at random.
        sharing: Ways of sharing, comma separated: fully-adaptive, selective, selective:variance,
            selective:random, tree, soft, trace-norm, relationship, cross-stitch, sluice,
            factorised, mmoe, cgc, ple, mtan, low-level, low-level:separate, anchored, linear:METHOD;
            trace-norm and factorised also with :tucker or :tt behind them. One network per task (single-task), one shared network (hard), random forests and ridge or
            logistic regression always take part.
        weighting: How tasks are weighed against each other, comma separated: equal, uncertainty, dwa,
            upgrad and more. Each way of sharing takes part with each of them, but for separate
            networks and linear models.
        seeds: How many splits, initial weights and orders of the rows to average over.
        search: So many settings, proposed by Optuna, are tried for each network and seed beside those
            given; validation rows choose. Needs pip install 'ramify[search]'.
        processes: How many runs at a time; -1 for one per core.
        threads: Threads of each run.
        ignore: Names or globs of columns that are no features, comma separated.
        kind: NAME=binary, NAME=multiclass, NAME=ordinal (numbers that rise), NAME=ranking or
            NAME=regression where inference is wrong; comma separated. NAME may be a glob.
        ordinal: NAME=low,mid,high: a target whose labels rise in this order; may be repeated.
        group_column: Column of the groups of rows that ranking targets put in order, such as the
            query; by default all rows are one group.
        split: random (80/10/10 per cent), random:60/10/30, column:NAME (its values: train,
            validation, test) or group:NAME; by default the layout's own, else whole groups of
            --group-column, else random.
        tree: JSON file of the tree for the way of sharing called tree.
        attach: TASK=STAGE: the stage, from 0 at the input, that the task's head reads in low-level;
            comma separated.
        max_parameters: Budget of the learned tree; by default validation data chooses.
        affinity: What fully-adaptive's tree grows from: margins, margins-corrected (the default),
            gradient-cosine or gradient-factors.
        growing_epochs: Epochs of the shared network before a tree is found; part of --epochs.
        candidates: At most so many trees are trained to the end.
        threshold: Largest mean distance of tasks that selective sharing joins (0.5 by default).
        groups: Number of groups: of selective in place of --threshold, of selective:variance always.
        estimator_width: Width of each estimator of selective sharing (64 by default).
        interval: Steps between selective sharing's looks at the gradients (by default the epochs that
            make 150 steps).
        warm_up: Steps of selective sharing before the first gradient counts.
        window: Steps of selective sharing after each look whose gradients count (150 by default).
        nonnegative: Number of non-negative factors (NMF) of selective sharing's gradients, in place of
            singular values.
        sign_invariant: Whether opposite gradients count as alike in selective sharing.
        allow_split: Whether selective sharing may divide groups again.
        backbone: The network's stages: mlp, cnn, vgg16, resnet18 or resnet34; by default mlp for
            tables, vgg16 for pictures. A cnn is small: three convolutions and a dense layer.
        width: Width of a thin vgg16 (32 by default; 0 for the full one), of a resnet's first stage (64
            by default) or of a cnn's (8 by default).
        start_from: Trained network whose filters are selected for the start (a wider one is thinned):
            directory of a run with one shared network on inputs of the same shape, or file of
            torchvision's weights.
        hidden: Width of each stage of an mlp, comma separated.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
        epochs: Epochs of every network in all.
        batch_size: Rows per step.
        learning_rate: Highest step size.
        weight_decay: Decoupled decay of the weights; by default 2 for tables, 0.05 for pictures.
        patience: Stop after so many epochs without a better validation score.
        balance: Whether rare positives weigh as much as the negatives.
        trees: Trees of each random forest.
        device: auto, cpu or cuda.
        precision: 32-true or bf16-mixed.
        checkpoint_seconds: Least time between two saved states of a training.
        resume: Use the finished runs in the output directory and go on with the others.
        overwrite: Replace what the output directory holds.
    """
    console = Console()
    data = Source(
        table,
        layout,
        images,
        image_column,
        names_in(one_vs_rest),
        names_in(join),
        ImageReading(image_shape(image_size), cache=image_cache, skip_bad=skip_bad_images),
    ).open(console)
    wanted = targets_of(names_in(targets), data, names_in(one_vs_rest))
    if task_column is not None:
        data, wanted = by_task(data, wanted, task_column)
    perceptron = MLPSpec(widths_in(hidden), dropout, input_dropout)
    options = Options(
        targets=wanted,
        ignore=names_in(ignore),
        kinds=kinds_and_levels_in(kind, ordinal),
        group_column=group_column,
        split=split_of(split, data, group_column),
        backbone=build_spec(backbone, width, perceptron, of_images=isinstance(data, ImageData)),
        start_from=start_from,
        augmentation=augmentation_of(shift, flip, data),
        training=Training(
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=decay_of(weight_decay, data),
            patience=patience,
            balance=balance,
        ),
        batch_size=batch_size_in(batch_size),
        device=device,
        precision=precision,
        baselines=(),
        checkpoint_seconds=checkpoint_seconds,
    )
    if seeds < 1:
        raise InputError(f"`seeds` must be 1 or more. Got {seeds}")
    study = Study(
        seeds=range(seeds),
        weightings={name: weighting_named(name) for name in names_in(weighting)},
        n_trials=search,
        n_trees=trees,
        processes=processes,
        threads=threads,
    )

    selective = SelectiveOptions(
        None,
        threshold,
        groups,
        estimator_width,
        interval,
        warm_up,
        window,
        nonnegative,
        sign_invariant,
        allow_split,
    )
    own = SharingOptions(
        max_parameters,
        None,
        growing_epochs,
        candidates,
        tree,
        selective,
        affinity,
        stages_in(attach),
    )
    names = names_in(sharing)
    if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(f"--sharing must name each way once. Got {listed(repeated)} repeatedly")
    check_start(start_from, "anchored" if "anchored" in names else "")
    methods = [_method(name, own) for name in names]
    check_owners(own, names)
    check_groups(groups, wanted, data)
    with _resumable(output), _shown_runs(console) as tell:
        found = compare_table(
            data,
            options,
            methods,
            study,
            output,
            resume=resume,
            overwrite=overwrite,
            command=_command(),
            tell=tell,
        )
    print_comparison(found.record, console)
    console.print(f"\nReport: {escape(str(output / COMPARISON_PAGE))}", soft_wrap=True)


def _method(name: str, options: SharingOptions) -> Method:
    """A way of sharing that takes part, with the options that concern it."""
    check_name(name)
    if name == "tree":
        own = SharingOptions(growing_epochs=options.growing_epochs, tree=options.tree)
        given: dict[str, Setting] = {"tree": options.given_tree().to_json()}
        return Method(name, partial(sharing_of, name, own), given)
    own = replace(options, tree=None)
    if not name.startswith("low-level"):
        own = replace(own, attach=None)
    if name != "fully-adaptive":
        own = replace(own, max_parameters=None, affinity=None)
    own = replace(own, selective=options.selective.of(name))
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


@contextmanager
def _shown_runs(console: Console) -> Iterator[Callable[[RunEnded], None]]:
    """Give what draws a bar of all runs, or prints a line per run without a terminal."""
    if not console.is_terminal:
        yield lambda ended: console.print(
            _line(ended), highlight=False, markup=False, soft_wrap=True
        )
        return
    columns = (
        TextColumn("runs"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", style="dim"),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=None)
        yield lambda ended: progress.update(
            bar, completed=ended.n_done, total=ended.n_runs, description=escape(_what(ended))
        )


def _line(ended: RunEnded) -> str:
    return f"run {ended.n_done} of {ended.n_runs}: {_what(ended)}"


def _what(ended: RunEnded) -> str:
    result = ended.result
    trial = f", trial {result.trial}" if result.trial else ""
    name = f"{result.method}, seed {result.seed}{trial}"
    if isinstance(result, Failure):
        return f"{name}: failed: {result.reason}"
    return f"{name}: {'kept' if ended.reused else f'{result.seconds:.1f} s'}"


def _command() -> str:
    # The record says how to do the whole comparison again, not how it was finished.
    return shlex.join(["ramify", *(word for word in sys.argv[1:] if word != "--resume")])
