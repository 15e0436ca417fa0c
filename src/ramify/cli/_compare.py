"""``ramify compare``: several ways of sharing on the same footing."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ramify._core import InputError, StoppedError, listed, quoted
from ramify.cli._fit import _kinds, _names, _widths
from ramify.cli._interrupt import signal_of
from ramify.comparison import COMPARISON_PAGE, Method, Study, compare_table
from ramify.comparison import Progress as RunEnded
from ramify.data import open_table, parse_split
from ramify.networks import MLPSpec
from ramify.records import Failure
from ramify.report import print_comparison
from ramify.runs import LINEAR_METHODS, LinearSharing, Options
from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, Sharing, SingleTask
from ramify.tasks import SharingTree
from ramify.training import Training

Maker = Callable[[int], Sharing]


def compare(
    table: Path,
    *,
    targets: str | list[str],
    output: Path,
    sharing: str | list[str] = "fully-adaptive",
    seeds: int = 5,
    search: int = 0,
    processes: int = 1,
    threads: int = 1,
    ignore: str | list[str] = "",
    kind: list[str] | str = "",
    split: str = "random",
    tree: Path | None = None,
    max_parameters: int | None = None,
    growing_epochs: int = 4,
    candidates: int = 4,
    hidden: str | list[int] = "256,256",
    dropout: float = 0.6,
    input_dropout: float = 0.1,
    epochs: int = 16,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 2.0,
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
        table: CSV, TSV or Parquet file; an empty target means not labelled.
        targets: Names or globs of the target columns, comma separated: a,b,'NR-*'.
        output: Directory for the runs, the comparison and its page.
        sharing: Ways of sharing, comma separated: fully-adaptive, tree, linear:METHOD. One network per task
            (single-task), one shared network (hard), random forests and ridge or logistic
            regression always take part.
        seeds: How many splits, initial weights and orders of the rows to average over.
        search: So many random settings are tried for each network and seed beside those given;
            validation rows choose.
        processes: How many runs at a time; -1 for one per core.
        threads: Threads of each run.
        ignore: Names or globs of columns that are no features, comma separated.
        kind: NAME=binary, NAME=multiclass or NAME=regression where inference is wrong; comma
            separated.
        split: random, column:NAME (its values: train, validation, test) or group:NAME.
        tree: JSON file of the tree for the way of sharing called tree.
        max_parameters: Budget of the learned tree; by default validation data chooses.
        growing_epochs: Epochs of the shared network before a tree is found; part of --epochs.
        candidates: At most so many trees are trained to the end.
        hidden: Width of each stage of the network, comma separated.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
        epochs: Epochs of every network in all.
        batch_size: Rows per step.
        learning_rate: Highest step size.
        weight_decay: Decoupled decay of the weights.
        patience: Stop after so many epochs without a better validation score.
        balance: Whether rare positives weigh as much as the negatives.
        trees: Trees of each random forest.
        device: auto, cpu or cuda.
        precision: 32-true or bf16-mixed.
        checkpoint_seconds: Least time between two saved states of a training.
        resume: Use the finished runs in the output directory and go on with the others.
        overwrite: Replace what the output directory holds.
    """
    options = Options(
        targets=_names(targets),
        ignore=_names(ignore),
        kinds=_kinds(_names(kind)),
        split=parse_split(split),
        backbone=MLPSpec(_widths(hidden), dropout, input_dropout),
        training=Training(
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            patience=patience,
            balance=balance,
        ),
        batch_size=batch_size,
        device=device,
        precision=precision,
        baselines=(),
        checkpoint_seconds=checkpoint_seconds,
    )
    study = Study(
        seeds=range(seeds), n_trials=search, n_trees=trees, processes=processes, threads=threads
    )

    def learned(seed: int) -> Sharing:
        return FullyAdaptive(
            max_parameters=max_parameters,
            growing_epochs=growing_epochs,
            n_candidates=candidates,
            seed=seed,
        )

    given = _tree(tree)
    ways: dict[str, Callable[[], Method]] = {
        "fully-adaptive": lambda: Method("fully-adaptive", learned),
        "hard": lambda: Method("hard", lambda _seed: HardSharing()),
        "single-task": lambda: Method("single-task", lambda _seed: SingleTask()),
        "tree": lambda: _fixed(given, growing_epochs),
        **{f"linear:{each}": partial(_linear, each) for each in LINEAR_METHODS},
    }
    methods = [_way(name, ways) for name in _names(sharing)]
    console = Console()
    with _resumable(output), _shown_runs(console) as tell:
        found = compare_table(
            open_table(table),
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


def _way(name: str, ways: dict[str, Callable[[], Method]]) -> Method:
    if name not in ways:
        raise InputError(f"--sharing must be among {listed(ways, len(ways))}. Got {quoted(name)}")
    return ways[name]()


def _linear(name: str) -> Method:
    return Method(f"linear:{name}", lambda _seed: LinearSharing(name))


def _tree(path: Path | None) -> SharingTree | None:
    if path is None:
        return None
    try:
        return SharingTree.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"--tree {quoted(path)} cannot be read: {error.strerror}; name a JSON file"
        ) from None


def _fixed(tree: SharingTree | None, growing_epochs: int) -> Method:
    if tree is None:
        raise InputError("--sharing tree needs --tree, the JSON file of a tree")
    return Method("tree", lambda _seed: FixedTree(tree, growing_epochs), {"tree": tree.to_json()})


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
