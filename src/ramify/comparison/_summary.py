"""From all runs of a comparison to its record."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from ramify.comparison._contender import Contender
from ramify.comparison._search import searched, space_of
from ramify.comparison._seed_splits import SeedSplit, all_warnings, overlap, splits_differ
from ramify.comparison._statistics import (
    mean_of,
    paired_gain,
    paired_gains,
    spread_of,
    standard_error,
)
from ramify.comparison._study import Study
from ramify.comparison._table import ScoreTable, skill_of
from ramify.records import (
    Choice,
    ComparisonRecord,
    Failure,
    Gain,
    Loss,
    MethodResult,
    Recommendation,
    RunResult,
    TaskInfo,
    TaskMean,
)
from ramify.runs import Options
from ramify.sharing import REFERENCES
from ramify.tasks import Task


def recommended(
    validation: Mapping[str, Sequence[float]], sizes: Mapping[str, float], overlap: float
) -> Recommendation | None:
    """The smallest of the methods that validation rows cannot tell from the best.

    A method cannot be told from the best if its mean over seeds is lower by no more than one
    standard error of the paired difference. Nodes of a forest count like trainable numbers.

    Args:
        validation: Mean validation skill of each method that finished every seed, per seed.
        sizes: Numbers that each holds.
        overlap: As for `paired_gain`.

    Returns:
        None if no method has a validation score.
    """
    means = {name: mean_of(values) for name, values in validation.items()}
    known = {name: mean for name, mean in sorted(means.items()) if mean is not None}
    if not known:
        return None
    best = max(known, key=lambda name: (known[name], -sizes[name]))
    tied = [
        name
        for name in known
        if known[best] - known[name] <= _error(validation[best], validation[name], overlap)
    ]
    chosen = min(tied, key=lambda name: (sizes[name], -known[name]))
    return Recommendation(method=chosen, best=best, tied=tied)


def _error(best: Sequence[float], other: Sequence[float], overlap: float) -> float:
    differences = [a - b for a, b in zip(best, other, strict=True)]
    return standard_error(differences, overlap) or 0.0


_REFERENCES = {role: kind.name for role, kind in REFERENCES.items()}
_ALONE = _REFERENCES["single_task"]


@dataclass(frozen=True, eq=False)
class Summary:
    """Makes the record of a comparison.

    Attributes:
        options: The settings.
        study: How much was done.
        contenders: Who took part.
        seeds: The table as each seed divides it.
        command: How to do it again.
    """

    options: Options
    study: Study
    contenders: Sequence[Contender]
    seeds: dict[int, SeedSplit]
    command: str

    def record(self, results: Sequence[RunResult | Failure]) -> ComparisonRecord:
        """Choose among trials, average over seeds, and compare.

        Args:
            results: Of all runs, in any order.
        """
        runs = [each for each in results if isinstance(each, RunResult)]
        failures = [each for each in results if isinstance(each, Failure)]
        tasks = {seed: each.tasks for seed, each in self.seeds.items()}
        choices = [self._choice(*key, trials) for key, trials in _by_seed(runs).items()]
        counted = {(c.method, c.seed, c.trial) for c in choices}
        kept = {(r.method, r.seed): r for r in runs if (r.method, r.seed, r.trial) in counted}
        table = ScoreTable(tasks, kept)
        methods = [self._method(each, table) for each in self.contenders]
        finished = [each for each in methods if each.seeds]
        first = next(iter(self.seeds.values()))
        return ComparisonRecord(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            tasks=[_task_info(task) for task in first.tasks],
            data=first.info,
            seeds=list(self.seeds),
            new_split=splits_differ(self.seeds),
            methods=sorted(finished, key=_rank),
            references=dict(_REFERENCES),
            losses=_losses(finished),
            recommendation=self._recommendation(finished, table),
            failures=sorted(failures, key=lambda f: (f.method, f.seed, f.trial)),
            runs=[kept[key] for key in sorted(kept)],
            choices=choices if self.study.n_trials else [],
            intervals=self._intervals(),
            settings=self._settings(),
            warnings=all_warnings(self.seeds, kept.values()),
            versions=_versions(self.study.search.packages if self.study.n_trials else ()),
            command=self.command,
        )

    def _choice(self, method: str, seed: int, trials: Mapping[int, RunResult]) -> Choice:
        """The trial with the best validation score; the first of equal ones."""
        skills = {i: skill_of(r, "validation", self.seeds[seed].tasks) for i, r in trials.items()}
        best = max(skills, key=lambda i: (-np.inf if np.isnan(skills[i]) else skills[i], -i))
        return Choice(
            method=method,
            seed=seed,
            trial=best,
            settings=searched(trials[best].job, space_of(self.options)),
            validation={i: None if np.isnan(v) else v for i, v in skills.items()},
        )

    def _method(self, contender: Contender, table: ScoreTable) -> MethodResult:
        name = contender.name
        runs = [run for (method, _), run in table.runs.items() if method == name]
        tests = table.skills(name, "test")
        room = overlap(self.seeds, "test")
        gains = {
            other: paired_gain(table.differences(name, other), room)
            for other in _REFERENCES.values()
            if other != name
        }
        operations = [float(run.flops) for run in runs if run.flops is not None]
        return MethodResult(
            name=name,
            label=contender.strategy.label,
            structure=contender.strategy.structure,
            shares=contender.strategy.shares,
            settings=contender.settings(self.options, next(iter(table.tasks.values()))),
            seeds=sorted(run.seed for run in runs),
            test=mean_of(tests),
            spread=spread_of(tests),
            validation=mean_of(table.skills(name, "validation")),
            gains=gains,
            delta_m=mean_of(table.relative_gains(name, _ALONE)) if name != _ALONE else None,
            size=mean_of([float(run.size) for run in runs]) or 0.0,
            flops=mean_of(operations),
            seconds=mean_of([run.seconds for run in runs]) or 0.0,
            memory=max((run.memory for run in runs if run.memory is not None), default=None),
            tasks=_task_means(name, table, room),
        )

    def _recommendation(
        self, methods: Sequence[MethodResult], table: ScoreTable
    ) -> Recommendation | None:
        whole = [each for each in methods if len(each.seeds) == len(self.seeds)]
        return recommended(
            {each.name: table.skills(each.name, "validation") for each in whole},
            {each.name: each.size for each in whole},
            overlap(self.seeds, "validation"),
        )

    def _intervals(self) -> str:
        n = len(self.seeds)
        if n == 1:
            return "With one seed there are no intervals."
        start = f"Intervals are 95 % t-intervals of the paired differences over {n} seeds"
        if not splits_differ(self.seeds):
            return f"{start}; all seeds have the same test rows, so they cover training alone."
        return (
            f"{start}, widened because the seeds' training rows overlap (Nadeau and Bengio 2003)."
        )

    def _settings(self) -> dict[str, object]:
        found = {k: v for k, v in self.options.settings().items() if k != "baselines"}
        if self.study.weightings:
            found = {k: v for k, v in found.items() if not k.startswith("weighting")}
            found["weightings"] = list(self.study.weightings)
        return {**found, "trials": self.study.n_trials}


def _by_seed(runs: Sequence[RunResult]) -> dict[tuple[str, int], dict[int, RunResult]]:
    found: dict[tuple[str, int], dict[int, RunResult]] = {}
    for run in sorted(runs, key=lambda r: (r.method, r.seed, r.trial)):
        found.setdefault((run.method, run.seed), {})[run.trial] = run
    return found


def _task_means(name: str, table: ScoreTable, room: float) -> list[TaskMean]:
    values, single = table.values(name), table.values(_ALONE)
    gains = table.signs * (values - single)
    names = next(iter(table.tasks.values())).names
    return [
        TaskMean(
            task=task,
            value=mean_of(values[:, t]),
            spread=spread_of(values[:, t]),
            gain=gain,
        )
        for t, (task, gain) in enumerate(zip(names, paired_gains(gains, room), strict=True))
    ]


def _losses(methods: Sequence[MethodResult]) -> list[Loss]:
    """Tasks that lost, the clear ones first, then by the loss relative to the task's own score."""
    found = [
        Loss(method=method.name, task=each.task, gain=each.gain, clear=_is_clear(each.gain))
        for method in methods
        if method.shares
        for each in method.tasks
        if each.gain.value is not None and each.gain.value < 0
    ]
    single = [each for each in methods if each.name == _ALONE]
    own = {each.task: abs(each.value or 1.0) for method in single for each in method.tasks}

    def size(loss: Loss) -> float:
        return (loss.gain.value or 0.0) / own[loss.task]

    return sorted(found, key=lambda each: (not each.clear, size(each), each.method, each.task))


def _is_clear(gain: Gain) -> bool:
    return bool(gain.clear) and (gain.value or 0.0) < 0


def _rank(method: MethodResult) -> tuple[float, str]:
    return (-np.inf if method.test is None else -method.test, method.name)


def _task_info(task: Task) -> TaskInfo:
    kind = task.kind
    return TaskInfo(
        name=task.name,
        kind=kind.name,
        metric=kind.metric.name,
        higher_is_better=kind.metric.higher_is_better,
        classes=list(kind.labels),
    )


def _versions(further: Sequence[str]) -> dict[str, str]:
    packages = ("ramify", "torch", "numpy", "scipy", "scikit-learn", "joblib", *further)
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
