"""What the terminal shows while a run or a comparison goes on: a live line, or plain lines without a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ramify._core import retold
from ramify.comparison import Progress as RunEnded
from ramify.records import Failure
from ramify.training import EpochEnded, Watcher

_ALONE = "growing: one network per task, to start from"
_WORDS = {
    "growing": "growing: one shared network, to see which tasks are alike",
    "training": "training",
    "single_task": "baseline: one network per task",
    "shared": "baseline: one shared network",
    "no_auxiliary": "baseline: the same without auxiliary tasks",
    "random_tree": "baseline: random tree of the same shape",
}


@contextmanager
def shown_progress(console: Console) -> Iterator[Watcher]:
    """Give a watcher that draws a bar per phase, or prints a line per phase without a terminal."""
    if not console.is_terminal:
        yield _printer(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total} epochs{task.fields[most]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}", style="dim"),
    )
    with Progress(*columns, console=console) as progress:
        yield _drawer(progress)


def _drawer(progress: Progress) -> Watcher:
    bars: dict[str, TaskID] = {}

    def draw(event: EpochEnded) -> None:
        name = _phase(event)
        if name not in bars or event.epoch < progress.tasks[bars[name]].completed:
            bars[name] = progress.add_task(name, total=event.n_epochs, state="", most="")
        total = event.epoch if event.is_last else _expected(event)
        most, state = _most(event), _state(event)
        progress.update(bars[name], completed=event.epoch, total=total, most=most, state=state)

    return draw


def _printer(console: Console) -> Watcher:
    counts: dict[str, int] = {}

    def tell(event: EpochEnded) -> None:
        name = _phase(event)
        count = counts[name] = counts.get(name, 0) + 1
        if count == 1 or count % 5 == 0 or event.is_last:
            console.print(
                f"{name}: epoch {event.epoch}/{_expected(event)}{_most(event)}, {_state(event)}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
        if event.is_last:
            counts[name] = 0

    return tell


def _most(event: EpochEnded) -> str:
    """What comes if scores rise again."""
    if event.is_last:
        return " (over)" if event.epoch < event.n_epochs else ""
    return "" if event.ends_at is None else f" ({event.n_epochs:,} at most)"


def _expected(event: EpochEnded) -> int:
    return event.n_epochs if event.ends_at is None else event.ends_at


def _phase(event: EpochEnded) -> str:
    n_tasks = len(event.tree.tasks)
    if event.phase == "growing" and n_tasks > 1 and set(event.tree.widths) == {n_tasks}:
        return _ALONE
    return _WORDS.get(event.phase, event.phase)


def _state(event: EpochEnded) -> str:
    score = "" if event.validation_score is None else f", validation {event.validation_score:.4f}"
    widths = "-".join(str(width) for width in event.tree.widths)
    return f"loss {event.loss:.4f}{score}, {event.rows_per_second:,.0f} rows/s, tree {widths}"


Naming = Callable[[str], str]


@contextmanager
def shown_runs(
    console: Console, naming: Callable[[str], Naming]
) -> Iterator[Callable[[RunEnded], None]]:
    """Give what draws a bar of all runs, or prints a line per run without a terminal.

    Args:
        console: Where to.
        naming: For a method, what was typed for its arguments, for runs that fail by one.
    """
    if not console.is_terminal:
        yield lambda ended: console.print(
            _line(ended, naming), highlight=False, markup=False, soft_wrap=True
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
            bar,
            completed=ended.n_done,
            total=ended.n_runs,
            description=escape(_what(ended, naming)),
        )


def _line(ended: RunEnded, naming: Callable[[str], Naming]) -> str:
    return f"run {ended.n_done} of {ended.n_runs}: {_what(ended, naming)}"


def _what(ended: RunEnded, naming: Callable[[str], Naming]) -> str:
    result = ended.result
    trial = f", trial {result.trial}" if result.trial else ""
    name = f"{result.method}, seed {result.seed}{trial}"
    if isinstance(result, Failure):
        return f"{name}: failed: {retold(result.reason, naming(result.method))}"
    return f"{name}: {'kept' if ended.reused else f'{result.seconds:.1f} s'}"
