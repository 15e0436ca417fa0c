"""How the runs of a comparison go on: a bar of all, or a line for each without a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ramify._core import retold
from ramify.comparison import Progress as RunEnded
from ramify.records import Failure

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
