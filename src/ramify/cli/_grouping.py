"""``ramify grouping``: which tasks to train together, found by trial."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ramify._core import (
    InputError,
    check_seconds,
    listed,
    quoted,
    sole_writer,
    write_atomically,
)
from ramify.cli._data_options import DataOptions
from ramify.cli._data_summary import announce
from ramify.cli._words import names_in
from ramify.data import ImageData
from ramify.report import print_grouping, write_grouping
from ramify.runs import prepare
from ramify.trials import TrialOptions, group_prepared

HTML_FILE, JSON_FILE, TREE_FILE = "grouping.html", "grouping.json", "tree.json"
_FILES = (HTML_FILE, JSON_FILE, TREE_FILE)
_LINES = 10


def grouping(
    table: Path,
    data: DataOptions,
    *,
    output: Path,
    exhaustive: bool = False,
    pairs: bool = False,
    hidden: str | list[int] = "64,64",
    seeds: int = 3,
    steps: int | None = None,
    most_groups: int = 8,
    time_limit: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Find by trial which tasks to train together: hundreds of small networks in one run.

    Args:
        table: CSV, TSV or Parquet file; an empty target means not labelled.
        data: What is learned, and from what.
        output: Directory for grouping.html, grouping.json and tree.json, which ramify fit
            --sharing tree --tree trains.
        exhaustive: Train every subset of the tasks, of which there may be 8 (the default up to there).
        pairs: Train all pairs, and then the groups that these promise; up to 60 tasks (the default
            from 9 to there; beyond, groups follow from affinities).
        hidden: Width of each stage of each network, from input to output.
        seeds: How often each network is trained.
        steps: Most steps of each network; by default as many as suit the number of rows.
        most_groups: Largest number of groups that is tried where not every subset is.
        time_limit: For everything, such as 90s, 5m or 1.5h; networks take fewer steps if need be.
        seed: Of the split and the first training.
        overwrite: Replace what the output directory holds.
    """
    if exhaustive and pairs:
        raise InputError("`exhaustive` and `pairs` exclude each other; give one of them")
    options = TrialOptions(
        "every subset" if exhaustive else "pairs" if pairs else "auto",
        _widths(hidden),
        seeds,
        steps,
        most_groups,
        inf if time_limit is None else check_seconds("time_limit", time_limit),
    )
    console = Console()
    with _held(output, overwrite=overwrite):
        found, wanted = data.opened(table, console)
        if isinstance(found, ImageData):
            raise InputError("ramify grouping takes tables. Got pictures; use ramify fit for them")
        prepared = prepare(found, replace(data.options(found, wanted), seed=seed))
        announce(prepared, console)
        with _shown(console) as watch:
            groups = group_prepared(prepared, options, seed=seed, watch=watch)
        groups.record.save(output / JSON_FILE)
        write_atomically(output / TREE_FILE, groups.tree.to_json())
        write_grouping(groups.record, output / HTML_FILE)
    print_grouping(groups.record, console)
    console.print(f"\nPage: {escape(str(output / HTML_FILE))}", soft_wrap=True)
    console.print(
        f"Tree: {escape(str(output / TREE_FILE))}, for ramify fit --sharing tree --tree",
        soft_wrap=True,
    )


def _widths(given: str | list[int]) -> tuple[int, ...]:
    parts = names_in(given) if isinstance(given, str) else [str(width) for width in given]
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(
            "must be the width of each stage, as 64,64", argument="hidden", got=quoted(given)
        )
    return tuple(int(part) for part in parts)


@contextmanager
def _held(output: Path, *, overwrite: bool) -> Iterator[None]:
    """Hold a directory for these results; one that was made is gone again if nothing comes of it."""
    if output.exists() and not output.is_dir():
        raise InputError(f"must be a directory. {quoted(output)} is a file", argument="output")
    there = [name for name in _FILES if (output / name).exists()]
    if there and not overwrite:
        raise InputError(
            f"{quoted(output)} already holds {listed(there)}; choose another `output` or use "
            "`overwrite`"
        )
    is_new = not output.exists()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"`output` {quoted(output)} cannot be made: {error.strerror}; choose another"
        ) from None
    try:
        with sole_writer(output):
            yield
    except BaseException:
        if is_new and not any((output / name).exists() for name in _FILES):
            (output / ".lock").unlink(missing_ok=True)
            output.rmdir()
        raise


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A bar per batch of networks, or some lines without a terminal."""
    if not console.is_terminal:
        yield _printer(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total} steps at most"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[str, int] = {}

        def draw(what: str, done: int, most: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=most)
            progress.update(progress.task_ids[bars[what]], completed=done, total=most)

        yield draw


def _printer(console: Console) -> Callable[[str, int, int], None]:
    told: dict[str, int] = {}

    def tell(what: str, done: int, most: int) -> None:
        tenth = done * _LINES // max(most, 1)
        if told.get(what) == tenth:
            return
        told[what] = tenth
        console.print(
            f"{what}: step {done:,} of {most:,} at most",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    return tell
