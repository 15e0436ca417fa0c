"""The runs of one contender on one seed, one after the other: a trial depends on those before."""

from dataclasses import dataclass, field

import numpy as np

from ramify.comparison._contender import Contender, Work
from ramify.comparison._directory import Place, Store
from ramify.comparison._search import Tried, Values, given, space_of, with_values
from ramify.comparison._seed_splits import SeedSplit
from ramify.comparison._study import Study
from ramify.comparison._table import skill_of
from ramify.data import ImageData, Table
from ramify.records import Failure, RunResult
from ramify.runs import Options


@dataclass(eq=False)
class Trials:
    """First the given settings, then those that a search proposes.

    Attributes:
        contender: Who runs.
        table: The table.
        options: The given settings, with the seed.
        divided: The table as the seed divides it.
        study: How much to do.
        store: Where results are.
        tried: The trials that are over.
    """

    contender: Contender
    table: Table | ImageData
    options: Options
    divided: SeedSplit
    study: Study
    store: Store
    tried: list[Tried] = field(default_factory=list)
    _is_new: bool = False

    @property
    def n_runs(self) -> int:
        """All its runs."""
        searched = self.contender.strategy.trained_by_steps
        return 1 + self.study.n_trials if searched else 1

    def kept(self) -> list[RunResult]:
        """Results of an earlier time, up to the next run that is to be done.

        Raises:
            InputError: If other data or settings decided one.
            ModelFileError: If one is damaged.
        """
        found = []
        while len(self.tried) < self.n_runs:
            work, place = self._next()
            # What follows a run that was done anew, such as a failed one, may have been other trials.
            result = place.finished(work.job, may_differ=self._is_new)
            if result is None:
                break
            self._note(result)
            found.append(result)
        return found

    def work(self) -> Work | None:
        """The next run, after those of `kept`; None if all are over."""
        return self._next()[0] if len(self.tried) < self.n_runs else None

    def add(self, result: RunResult | Failure) -> None:
        """Take note of how the next run ended."""
        self._is_new = True
        self._note(result)

    def _next(self) -> tuple[Work, Place]:
        trial, tasks = len(self.tried), self.divided.tasks
        chosen = with_values(self.options, self._values()) if trial else self.options
        job = {"method": self.contender.name, **self.contender.settings(chosen, tasks)}
        job |= {"targets": list(tasks.names), "seed": chosen.seed}
        job |= {"data": self.divided.digest}
        place = self.store.place(
            self.contender.name, chosen.seed, trial, job, self.contender.variant
        )
        work = Work(
            *(self.contender, self.table, chosen, trial, job, tasks),
            folder=place.state,
            result=place.result,
            threads=self.study.threads,
        )
        return work, place

    def _values(self) -> Values:
        space = space_of(self.options)
        if self.tried:
            return self.study.search.proposal(space, self.tried)
        return given(self.options, space)

    def _note(self, result: RunResult | Failure) -> None:
        skill = np.nan
        if isinstance(result, RunResult):
            skill = skill_of(result, "validation", self.divided.tasks)
        self.tried.append(Tried(self._values(), None if np.isnan(skill) else float(skill)))
