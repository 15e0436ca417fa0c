"""All runs of a comparison: which there are, which are finished already, and the rest."""

import os
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product

from joblib import Parallel, delayed
from joblib.parallel import get_active_backend

from ramify._core import StoppedError
from ramify.comparison._contender import Contender, Work
from ramify.comparison._directory import Store
from ramify.comparison._seed_splits import SeedSplit
from ramify.comparison._study import Study
from ramify.comparison._trials import Trials
from ramify.comparison._work import Done, Stopped, do
from ramify.data import ImageData, Table
from ramify.records import Failure, RunResult
from ramify.runs import Options


@dataclass(frozen=True)
class Progress:
    """One run is over, or was found finished.

    Attributes:
        result: Its result, or why there is none.
        n_done: Runs that are over, this one among them.
        n_runs: All runs.
        reused: Whether it was finished before.
    """

    result: RunResult | Failure
    n_done: int
    n_runs: int
    reused: bool


Teller = Callable[[Progress], None]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The runs of a comparison.

    Attributes:
        finished: Those that an earlier time finished.
        sequences: The others, and what they follow from.
    """

    finished: list[RunResult]
    sequences: dict[tuple[str, int], Trials]


def scheduled(
    table: Table | ImageData,
    options: Options,
    study: Study,
    contenders: Sequence[Contender],
    seeds: dict[int, SeedSplit],
    store: Store,
) -> Schedule:
    """List all runs, and sort out the finished ones before anything is trained.

    Args:
        table: The table.
        options: The settings.
        study: How much to do.
        contenders: Who takes part.
        seeds: The table as each seed divides it.
        store: Where results are.

    Raises:
        InputError: If a finished run had other data or settings.
        ModelFileError: If a result is damaged.
    """
    schedule = Schedule([], {})
    for (seed, divided), contender in product(seeds.items(), contenders):
        trials = Trials(contender, table, replace(options, seed=seed), divided, study, store)
        schedule.finished.extend(trials.kept())
        trials.work()  # what does not fit is refused now
        schedule.sequences[contender.name, seed] = trials
    return schedule


def carried_out(
    schedule: Schedule, processes: int | None, tell: Teller | None
) -> list[RunResult | Failure]:
    """Do what is open, several runs at a time, and give all results.

    Each round does the next run of every contender and seed: what a search proposes follows from
    the trials before.

    Args:
        schedule: The runs.
        processes: How many at a time; None for what joblib is set to.
        tell: Called after every run.

    Raises:
        StoppedError: If SIGINT or SIGTERM came; finished runs stay, the others keep their state.
    """
    every: list[RunResult | Failure] = []
    sequences = schedule.sequences.values()
    n_runs = sum(trials.n_runs for trials in sequences)
    processes = _at_most(processes, len(sequences))

    def add(result: RunResult | Failure, *, reused: bool) -> None:
        every.append(result)
        if tell is not None:
            tell(Progress(result, len(every), n_runs, reused))

    for result in schedule.finished:
        add(result, reused=True)
    while works := [work for trials in sequences if (work := trials.work()) is not None]:
        with _closed(_done(works, processes)) as done:
            for each in done:
                if isinstance(each, Stopped):
                    raise StoppedError(
                        "the comparison was stopped: its finished runs are kept; use `resume`",
                        each.signal_number,
                    )
                schedule.sequences[each.method, each.seed].add(each)
                add(each, reused=False)
        for result in [found for trials in sequences for found in trials.kept()]:
            add(result, reused=True)
    return every


def _at_most(processes: int | None, n_lanes: int) -> int | None:
    """As many as there is work for: joblib starts all that it is told, however few the runs."""
    return None if processes is None else min(processes, n_lanes)


def _done(works: Sequence[Work], processes: int | None) -> Generator[Done]:
    backend, _ = get_active_backend()
    # Ray's gives all results at the end; each is on the disk as soon as its run is over.
    streams = getattr(backend, "supports_return_generator", False)
    return_as = "generator_unordered" if streams else "list"
    parallel = Parallel(n_jobs=processes, return_as=return_as, batch_size=1)
    yield from parallel(delayed(do)(work, os.getpid()) for work in works)


@contextmanager
def _closed(done: Generator[Done]) -> Iterator[Generator[Done]]:
    """Closed when a signal ends the loop, so that no process goes on unseen."""
    try:
        yield done
    finally:
        with warnings.catch_warnings():
            # joblib advises to start fewer runs than one stops; that a run is lost is known.
            warnings.simplefilter("ignore", UserWarning)
            done.close()
