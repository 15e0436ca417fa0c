"""All runs of a comparison: which there are, which are finished already, and the rest."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import product

from joblib import Parallel, delayed
from joblib.parallel import get_active_backend

from ramify._core import StoppedError
from ramify.comparison._contender import Contender, Work
from ramify.comparison._directory import Store
from ramify.comparison._divided import Divided
from ramify.comparison._search import TrialSettings
from ramify.comparison._study import Study
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
        open: Those that are to be done.
    """

    finished: list[RunResult]
    open: list[Work]


def scheduled(
    table: Table | ImageData,
    options: Options,
    study: Study,
    contenders: Sequence[Contender],
    seeds: dict[int, Divided],
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
    trials: list[TrialSettings | None] = [None, *study.search.proposals(study.n_trials)]
    schedule = Schedule([], [])
    for (seed, divided), contender in product(seeds.items(), contenders):
        for i, trial in enumerate(trials if contender.is_searched else trials[:1]):
            chosen = replace(options, seed=seed)
            chosen = chosen if trial is None else trial.applied(chosen)
            n_tasks = len(divided.tasks)
            job = {"method": contender.name, **contender.settings(chosen, n_tasks)}
            job |= {"targets": list(divided.tasks.names), "seed": seed, "data": divided.digest}
            place = store.place(contender.name, seed, i, job)
            found = place.finished(job)
            if found is not None:
                schedule.finished.append(found)
                continue
            result, state = place.result, place.state
            schedule.open.append(
                Work(contender, table, chosen, i, job, n_tasks, state, result, study.threads)
            )
    return schedule


def carried_out(
    schedule: Schedule, processes: int | None, tell: Teller | None
) -> list[RunResult | Failure]:
    """Do what is open, several runs at a time, and give all results.

    Args:
        schedule: The runs.
        processes: How many at a time; None for what joblib is set to.
        tell: Called after every run.

    Raises:
        StoppedError: If SIGINT or SIGTERM came; finished runs stay, the others keep their state.
    """
    every: list[RunResult | Failure] = []
    n_runs = len(schedule.finished) + len(schedule.open)

    def add(result: RunResult | Failure, *, reused: bool) -> None:
        every.append(result)
        if tell is not None:
            tell(Progress(result, len(every), n_runs, reused))

    for result in schedule.finished:
        add(result, reused=True)
    # Closed when a signal ends the loop, so that no process goes on unseen.
    with closing(_done(schedule.open, processes)) as done:
        for each in done:
            if isinstance(each, Stopped):
                raise StoppedError(
                    "the comparison was stopped: its finished runs are kept; use --resume",
                    each.signal_number,
                )
            add(each, reused=False)
    return every


def _done(works: Sequence[Work], processes: int | None) -> Generator[Done]:
    backend, _ = get_active_backend()
    # Ray's gives all results at the end; each is on the disk as soon as its run is over.
    streams = getattr(backend, "supports_return_generator", False)
    return_as = "generator_unordered" if streams else "list"
    parallel = Parallel(n_jobs=processes, return_as=return_as, batch_size=1)
    yield from parallel(delayed(do)(work) for work in works)
