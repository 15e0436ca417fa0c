"""How the runs of a comparison go on: a bar of all, or a line for each without a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ramify.cli._made import as_typed
from ramify.cli._settings import GivenSetting
from ramify.comparison import BETWEEN
from ramify.comparison import Progress as RunEnded
from ramify.records import Failure


@contextmanager
def shown_runs(
    console: Console, settings: Sequence[GivenSetting]
) -> Iterator[Callable[[RunEnded], None]]:
    """Give what draws a bar of all runs, or prints a line per run without a terminal.

    Args:
        console: Where to.
        settings: What ``--set`` says, for runs that fail by it.
    """
    if not console.is_terminal:
        yield lambda ended: console.print(
            _line(ended, settings), highlight=False, markup=False, soft_wrap=True
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
            description=escape(_what(ended, settings)),
        )


def _line(ended: RunEnded, settings: Sequence[GivenSetting]) -> str:
    return f"run {ended.n_done} of {ended.n_runs}: {_what(ended, settings)}"


def _what(ended: RunEnded, settings: Sequence[GivenSetting]) -> str:
    result = ended.result
    trial = f", trial {result.trial}" if result.trial else ""
    name = f"{result.method}, seed {result.seed}{trial}"
    if isinstance(result, Failure):
        own = [each for each in settings if any(map(each.concerns, result.method.split(BETWEEN)))]
        return f"{name}: failed: {as_typed(result.reason, own)}"
    return f"{name}: {'kept' if ended.reused else f'{result.seconds:.1f} s'}"
