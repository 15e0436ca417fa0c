"""``ramify fit``: from a table to a tree, a model and a report."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape

from ramify._core import StoppedError, counted, quoted
from ramify.cli._backbones import BackboneName, build_spec, check_start
from ramify.cli._by_data import augmentation_of, check_groups, decay_of, split_of, targets_of
from ramify.cli._interrupt import signal_of
from ramify.cli._paper import BATCH_SIZE, PaperOptions, check_without_paper
from ramify.cli._progress import shown_progress
from ramify.cli._selective import ConditionName, SelectiveOptions
from ramify.cli._sharings import SharingOptions, sharing_of
from ramify.cli._sources import LayoutName, Source, by_task, image_shape
from ramify.cli._words import batch_size_in, kinds_and_levels_in, names_in, stages_in, widths_in
from ramify.data import (
    ImageData,
    ImageReading,
    Table,
)
from ramify.networks import MLPSpec
from ramify.report import print_summary
from ramify.runs import (
    REPORT_FILE,
    Options,
    Prepared,
    can_be_resumed,
    run_table,
)
from ramify.tasks import Multiclass, Ordinal
from ramify.training import Training
from ramify.weighting import weighting_named

_MOST_TASKS_SHOWN = 20
_MOST_LEFT_OUT = 5
_BATCH_SIZE = 128


def fit(
    table: Path,
    *,
    targets: str | list[str] = "",
    output: Path,
    images: str | None = None,
    image_column: str | None = None,
    image_size: str | int | None = None,
    layout: LayoutName | None = None,
    join: str | list[str] = "",
    soft_labels_from: str | list[str] = "",
    one_vs_rest: str | list[str] = "",
    task_column: str | None = None,
    skip_bad_images: bool = False,
    image_cache: Path | None = None,
    shift: int = 0,
    flip: bool = False,
    ignore: str | list[str] = "",
    kind: str | list[str] = "",
    ordinal: list[str] | str = "",
    group_column: str | None = None,
    split: str | None = None,
    sharing: str = "fully-adaptive",
    max_parameters: int | None = None,
    affinity: str | None = None,
    alpha: float | None = None,
    tree: Path | None = None,
    attach: str | list[str] = "",
    paper: bool = False,
    iterations: int | None = None,
    interval: int | None = None,
    condition: ConditionName | None = None,
    threshold: float | None = None,
    groups: int | None = None,
    estimator_width: int | None = None,
    warm_up: int | None = None,
    window: int | None = None,
    nonnegative: int | None = None,
    sign_invariant: bool = False,
    allow_split: bool = False,
    growing_epochs: int = 4,
    candidates: int = 4,
    backbone: BackboneName | None = None,
    width: int | None = None,
    start_from: Path | None = None,
    hidden: str | list[int] = "256,256",
    dropout: float = 0.6,
    input_dropout: float = 0.1,
    epochs: int = 12,
    batch_size: int | None = None,
    learning_rate: float = 1e-3,
    weight_decay: float | None = None,
    patience: int | None = None,
    balance: bool = False,
    weighting: str = "equal",
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
        table: CSV, TSV or Parquet file; an empty target means not labelled. For pictures also an
            .npz archive, an IDX file of labels, or with --layout a folder.
        targets: Names or globs of the target columns, comma separated: a,b,'NR-*'. A layout knows
            its own.
        output: Directory for model, record and report.
        images: Folder of the image files; or the IDX file of images; or which array of an .npz
            archive is the images, if there are several.
        image_column: The table's column of file names, relative to the folder.
        image_size: Size that images are brought to, 64 or 64x48 (height x width); by default 64
            for files, and arrays stay as they are.
        layout: Whose files the folder holds.
        join: Further data sets to learn with that of --layout, each LAYOUT:FOLDER; comma separated.
        soft_labels_from: Directories of finished runs whose models fill in the missing labels of the
            training rows, as far as their yes-or-no tasks have the same names; comma separated.
        one_vs_rest: Columns of classes that become a yes-or-no target per class; comma separated.
            They take the place of their column in --targets, which may also be left out.
        task_column: Column that says which task each row belongs to, such as its school; each target
            becomes one task per value of it.
        skip_bad_images: Leave rows out whose image cannot be used, instead of stopping.
        image_cache: Folder for decoded and resized images; by default in the user's cache.
        shift: Most pixels by which training images are shifted at random.
        flip: Whether training images are mirrored at random.
        ignore: Names or globs of columns that are no features, comma separated.
        kind: NAME=binary, NAME=multiclass, NAME=ordinal (numbers that rise), NAME=ranking or
            NAME=regression where inference is wrong; comma separated. NAME may be a glob.
        ordinal: NAME=low,mid,high: a target whose labels rise in this order; may be repeated.
        group_column: Column of the groups of rows that ranking targets put in order, such as the
            query; by default all rows are one group.
        split: random (80/10/10 per cent), random:60/10/30, column:NAME (its values: train,
            validation, test) or group:NAME; by default the layout's own, else whole groups of
            --group-column, else random.
        sharing: The way of sharing: fully-adaptive, selective, hard, single-task, tree, soft,
            trace-norm, relationship, cross-stitch, sluice, factorised, mmoe, cgc, ple, mtan,
            low-level, low-level:separate, anchored, or linear:METHOD; trace-norm and factorised also
            with :tucker or :tt behind them.
        max_parameters: Budget of the learned tree; by default validation data chooses.
        affinity: What the tree grows from: margins, margins-corrected (the default), gradient-cosine
            or gradient-factors.
        alpha: The paper's weight of separation against width, instead of the whole path.
        tree: JSON file of the tree for --sharing tree.
        attach: TASK=STAGE: the stage, from 0 at the input, that the task's head reads, for --sharing
            low-level; comma separated. The other tasks are at the last stage.
        paper: Grow and train as the authors' code does on vgg16: --alpha (2 by default), --width and
            the next two; --epochs and all settings of the optimiser are then the paper's.
        iterations: Steps of the paper's training (60,000 by default).
        interval: Steps between the paper's tests for a split (1000 by default), or between selective
            sharing's looks at the gradients (by default the epochs that make 150 steps).
        condition: Who shares in selective sharing: similarity (like tasks), variance (each of
            --groups groups as diverse as can be) or random (a control, in groups of like size).
        threshold: Largest mean distance of tasks that selective sharing joins (0.5 by default).
        groups: Number of groups of selective sharing, in place of --threshold.
        estimator_width: Width of each estimator of selective sharing (64 by default).
        warm_up: Steps of selective sharing before the first gradient counts.
        window: Steps of selective sharing after each look whose gradients count (150 by
            default).
        nonnegative: Number of non-negative factors (NMF) of selective sharing's gradients, in place of
            singular values.
        sign_invariant: Whether opposite gradients count as alike in selective sharing.
        allow_split: Whether selective sharing may divide groups again.
        growing_epochs: Epochs of the shared network before the tree is found.
        candidates: At most so many trees are trained to the end.
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
        epochs: Epochs of the last training.
        batch_size: Rows per step (128 by default; 32 with --paper).
        learning_rate: Highest step size.
        weight_decay: Decoupled decay of the weights; by default 2 for tables, 0.05 for pictures.
        patience: Stop after so many epochs without a better validation score.
        balance: Whether rare positives weigh as much as the negatives.
        weighting: How tasks are weighed against each other: equal, uncertainty, dwa, upgrad and more.
        baselines: What to compare with: single_task, shared, random_tree; comma separated, or
            none.
        seed: Of every random number.
        device: auto, cpu or cuda.
        precision: 32-true or bf16-mixed.
        checkpoint_seconds: Least time between two saved states of the training.
        resume: Go on with the interrupted run in the output directory.
        overwrite: Replace what the output directory holds.
    """
    check_start(start_from, sharing)
    source = Source(
        table,
        layout,
        images,
        image_column,
        names_in(one_vs_rest),
        names_in(join),
        ImageReading(image_shape(image_size), cache=image_cache, skip_bad=skip_bad_images),
    )
    data = source.open(Console())
    wanted = targets_of(names_in(targets), data, names_in(one_vs_rest))
    if task_column is not None:
        data, wanted = by_task(data, wanted, task_column)
    spec = build_spec(
        backbone,
        width,
        MLPSpec(widths_in(hidden), dropout, input_dropout),
        of_images=isinstance(data, ImageData),
    )
    said = SharingOptions(
        max_parameters,
        alpha,
        growing_epochs,
        candidates,
        tree,
        SelectiveOptions(
            condition,
            threshold,
            groups,
            estimator_width,
            interval,
            warm_up,
            window,
            nonnegative,
            sign_invariant,
            allow_split,
        ),
        affinity,
        stages_in(attach),
    )
    preset = PaperOptions(
        sharing, spec.kind, width, iterations, weighting, patience, balance=balance
    )
    if paper:
        preset.check(said)
    else:
        check_without_paper(iterations)
    usual = BATCH_SIZE if paper else _BATCH_SIZE
    options = Options(
        targets=wanted,
        ignore=names_in(ignore),
        kinds=kinds_and_levels_in(kind, ordinal),
        group_column=group_column,
        split=split_of(split, data, group_column),
        sharing=preset.growing(said, seed) if paper else sharing_of(sharing, said, seed),
        backbone=preset.network() if paper and start_from is None else spec,
        soft_labels_from=[Path(folder) for folder in names_in(soft_labels_from)],
        start_from=start_from,
        augmentation=augmentation_of(shift, flip, data),
        training=preset.training()
        if paper
        else Training(
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=decay_of(weight_decay, data),
            patience=patience,
            balance=balance,
            weighting=weighting_named(weighting),
        ),
        batch_size=batch_size_in(usual if batch_size is None else batch_size),
        seed=seed,
        device=device,
        precision=precision,
        baselines=[name for name in names_in(baselines) if name != "none"],
        checkpoint_seconds=checkpoint_seconds,
    )
    check_groups(groups, wanted, data)
    fit_and_show(data, options, output, resume=resume, overwrite=overwrite)


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


def announce(prepared: Prepared, console: Console) -> None:
    """Say what was found in the table, before training starts."""
    info, rows = prepared.info, prepared.info.rows
    console.print(
        f"[bold]{escape(_one_line(info.source))}[/]: {rows['train']:,} training, "
        f"{rows['validation']:,} validation and {rows['test']:,} test rows; "
        f"{counted(len(prepared.tasks), 'task')}; {_inputs(info.features)}",
        soft_wrap=True,
    )
    for task, labels in list(zip(prepared.tasks, info.labels, strict=True))[:_MOST_TASKS_SHOWN]:
        kind = task.kind.name
        if isinstance(task.kind, Multiclass):
            kind = f"multiclass of {len(task.kind.classes)}"
        if isinstance(task.kind, Ordinal):
            kind = f"ordinal of {len(task.kind.levels)}"
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


def _inputs(features: Mapping[str, int]) -> str:
    if "encoded" in features:
        return counted(features["encoded"], "input")
    colours = "grey" if features["channels"] == 1 else "colour"
    return f"{colours} pictures, {features['pixels high']} by {features['pixels wide']} pixels"


def _command() -> str:
    # The record says how to do the whole run again, not how it was finished.
    return shlex.join(["ramify", *(word for word in sys.argv[1:] if word != "--resume")])


def _one_line(text: str) -> str:
    return " ".join(text.split())
