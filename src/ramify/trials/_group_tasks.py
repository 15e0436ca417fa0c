"""The search: which networks are trained, and what is made of their scores."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import inf
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from ramify._core import InputError, check_count, check_seconds, checked, counted
from ramify.affinity import ErrorMarginAffinity
from ramify.data import RandomSplit, SplitRule, StatedKind, open_table, parse_split, split_names
from ramify.grouping import (
    TrialScores,
    best_cover,
    grouping_options,
    pair_gains,
    partitions_by_pairs,
    score_of,
)
from ramify.networks import MLPSpec
from ramify.records import (
    Cover,
    GradedPartition,
    GroupedTask,
    GroupingRecord,
    TriedNetwork,
    WiderNetwork,
)
from ramify.runs import Options, Prepared, TableInputs, prepare
from ramify.stacked import (
    FoldTraining,
    StackedMLP,
    SubsetLosses,
    SubsetRows,
    fit_subsets,
    shared_margins,
)
from ramify.tasks import SharingTree, TaskSet
from ramify.trials._evidence import Difference, Evidence, Groups, difference, fewest_groups

Search = Literal["auto", "every subset", "pairs", "path"]
Watch = Callable[[str, int, int], None] | None

MOST_EVERY: Final = 8
MOST_PAIRS: Final = 60
_N_PARTS, _FEW_PARTS, _FEW_ROWS = 10, 5, 200
_ROUNDS: Final = 2
_MOST_COVER: Final = 4
_MOST_MARGINS: Final = 20_000
# Of the time: the first networks, groups that follow from them, the one wider network.
_SHARES: Final = (0.7, 0.2, 0.1)


@checked
@dataclass(frozen=True)
class TrialOptions:
    """How groups are searched for.

    Attributes:
        search: ``every subset`` of the tasks, all ``pairs``, or the ``path`` of partitions that
            affinities propose; by default the first up to 8 tasks, the second up to 60.
        hidden: Widths of each network.
        seeds: How often each network is trained.
        steps: Most steps of each; None for as many as suit the number of rows.
        most_groups: Largest number of groups that is tried where not every subset is.
        seconds: For everything; all networks take fewer steps where that does not suffice.

    Raises:
        InputError: If a number is out of range.
    """

    search: Search = "auto"
    hidden: tuple[int, ...] = (64, 64)
    seeds: int = 3
    steps: int | None = None
    most_groups: int = 8
    seconds: float = inf

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("seeds", "most_groups"):
            check_count(name, getattr(self, name))
        if self.steps is not None:
            check_count("steps", self.steps)
        if not self.hidden:
            raise InputError("must hold at least one width", argument="hidden", got="none")
        for width in self.hidden:
            check_count("hidden", width)

    def search_of(self, n_tasks: int) -> Literal["every subset", "pairs", "path"]:
        """The search for a number of tasks.

        Raises:
            InputError: If there are too few or too many for what was asked for.
        """
        if n_tasks < 2:
            raise InputError(
                "must name at least two tasks to group", argument="targets", got=str(n_tasks)
            )
        most = {"every subset": MOST_EVERY, "pairs": MOST_PAIRS}
        if self.search in most and n_tasks > most[self.search]:
            raise InputError(
                f"the search of {self.search} is for at most {most[self.search]} tasks. "
                f"Got {n_tasks}; name fewer `targets`, or leave the choice of the search open"
            )
        if self.search != "auto":
            return self.search
        if n_tasks <= MOST_EVERY:
            return "every subset"
        return "pairs" if n_tasks <= MOST_PAIRS else "path"


@dataclass(frozen=True, eq=False)
class TaskGroups:
    """Which tasks are best trained together.

    Attributes:
        record: Everything that was found.
    """

    record: GroupingRecord

    @property
    def groups(self) -> list[list[str]]:
        """The recommended groups; one group where one network is as good."""
        return self.record.recommended

    @property
    def tree(self) -> SharingTree:
        """The same as a tree that `ramify.FixedTree` trains: groups that share no stage."""
        names = self.record.tasks
        partition = tuple(tuple(group) for group in self.groups)
        return SharingTree(tuple(names), (partition,) * len(self.record.hidden))


def group_tasks(
    data: str | Path | IntoFrame,
    targets: str | Sequence[str],
    *,
    ignore: str | Sequence[str] = (),
    kinds: Mapping[str, StatedKind] | None = None,
    split: str | SplitRule | None = None,
    search: Search = "auto",
    hidden: Sequence[int] = (64, 64),
    seeds: int = 3,
    steps: int | None = None,
    most_groups: int = 8,
    time_limit: float | str | None = None,
    seed: int = 0,
    watch: Watch = None,
) -> TaskGroups:
    """Find by trial which tasks of a table are best trained together.

    Networks on groups of the tasks, hundreds if need be, are trained in one stacked run and graded on
    the validation rows: every subset of at most 8 tasks; for at most 60 all pairs, and then the groups
    that these promise; else groups that affinities propose. Test rows are not looked at.

    Args:
        data: A CSV, TSV or Parquet file, or a dataframe. An empty target means not labelled.
        targets: Names or globs (``NR-*``) of the target columns; a text is split at commas.
        ignore: Names or globs of columns that are no features.
        kinds: As for `ramify.fit`; no rankings.
        split: As for `ramify.fit`.
        search: ``every subset``, ``pairs`` or ``path``; ``auto`` by the number of tasks.
        hidden: Widths of each network.
        seeds: How often each network is trained.
        steps: Most steps of each.
        most_groups: Largest number of groups that is tried where not every subset is.
        time_limit: For everything, in seconds or as ``"5m"``.
        seed: Of the split and the first training.
        watch: Called with what is trained, steps done and steps expected.

    Raises:
        InputError: If the table or an argument is not fit for it.

    References:
        Standley et al. *Which tasks should be learned together in multi-task learning?*, ICML 2020.

    Example:
        >>> from ramify.data import planted_table
        >>> frame, groups = planted_table(n_groups=2, tasks_per_group=1, rows=120)
        >>> names = [name for group in groups for name in group]
        >>> found = group_tasks(frame, names, hidden=(4,), seeds=1, steps=2)
        >>> sorted(name for group in found.groups for name in group) == sorted(names)
        True
    """
    options = Options(
        targets=split_names(targets) if isinstance(targets, str) else list(targets),
        ignore=split_names(ignore) if isinstance(ignore, str) else list(ignore),
        kinds=dict(kinds or {}),
        split=_rule(split),
        seed=check_count("seed", seed, 0),
    )
    how = TrialOptions(
        search,
        tuple(hidden),
        seeds,
        steps,
        most_groups,
        inf if time_limit is None else check_seconds("time_limit", time_limit),
    )
    return group_prepared(prepare(open_table(data), options), how, seed=seed, watch=watch)


def _rule(split: str | SplitRule | None) -> SplitRule:
    if split is None:
        return RandomSplit()
    return parse_split(split) if isinstance(split, str) else split


def group_prepared(
    prepared: Prepared, options: TrialOptions, *, seed: int = 0, watch: Watch = None
) -> TaskGroups:
    """Find by trial which tasks of a table are best trained together.

    Args:
        prepared: The table.
        options: How to search.
        seed: Of the first training.
        watch: Called with what is trained, steps done and steps expected.

    Raises:
        InputError: If the table is not fit for it.
    """
    if not isinstance(prepared.inputs, TableInputs):
        raise InputError("groups are searched for by trial in tables only. Got pictures")
    if prepared.tasks.compares_rows:
        raise InputError(
            "groups are searched for by trial among tasks that judge each row by itself; leave "
            "rankings out of `targets`"
        )
    started = time.monotonic()
    search = options.search_of(len(prepared.tasks))
    trainer = _Trainer(prepared, prepared.inputs.encoded, options, seed, watch)
    evidence = _SEARCHES[search](trainer)
    return TaskGroups(_recorded(trainer, evidence, search, started))


class _Trainer:
    """Trains networks on groups of tasks, all alike."""

    def __init__(
        self,
        prepared: Prepared,
        inputs: torch.Tensor,
        options: TrialOptions,
        seed: int,
        watch: Watch,
    ) -> None:
        self.prepared, self.options, self.watch = prepared, options, watch
        self.seeds = range(seed, seed + options.seeds)
        split = prepared.split
        self.rows = SubsetRows(
            inputs.float(),
            prepared.targets,
            prepared.label_mask,
            *(torch.from_numpy(np.asarray(side)) for side in (split.train, split.validation)),
        )
        self.parts = _parts(np.asarray(split.validation), split.units, seed)
        self.settings = _settings(prepared, options)

    @property
    def tasks(self) -> TaskSet:
        return self.prepared.tasks

    @property
    def everything(self) -> tuple[int, ...]:
        return tuple(range(len(self.tasks)))

    def losses(
        self,
        what: str,
        subsets: Iterable[tuple[int, ...]],
        share: float,
        widths: Sequence[int] = (),
    ) -> tuple[TrialScores, ...]:
        """Train networks; their losses on the parts of the validation rows, per seed."""
        settings = replace(
            self.settings,
            widths=tuple(widths) or self.settings.widths,
            seconds=self.options.seconds * share,
        )
        found = fit_subsets(
            self.rows,
            self.tasks,
            list(dict.fromkeys(subsets)),
            self.parts,
            settings,
            seeds=self.seeds,
            watch=self._told(what),
        )
        return _per_seed(found)

    def affinity(self) -> NDArray[np.float64]:
        """How alike tasks are difficult, in one network for all."""
        at = self.rows.train[:_MOST_MARGINS]
        seconds = self.options.seconds * _SHARES[1] / 2
        settings = replace(self.settings, seconds=seconds)
        margins = shared_margins(self.rows, self.tasks, at, settings, seeds=self.seeds[:1])
        measure = ErrorMarginAffinity(len(self.tasks), decay=1.0)
        mask = self.rows.label_mask[at]
        order = torch.randperm(len(at), generator=torch.Generator().manual_seed(0))
        for part in torch.split(order, 128):
            measure.update(margins[part], mask[part])
        return np.asarray(measure.corrected().numpy(), dtype=np.float64)

    def n_parameters(self, groups: Groups, widths: Sequence[int]) -> int:
        n_inputs = self.rows.inputs.shape[1]
        return sum(
            StackedMLP.numbers(1, n_inputs, sum(self.tasks[t].kind.n_outputs for t in g), widths)
            for g in groups
        )

    def _told(self, what: str) -> Callable[[int, int], None] | None:
        watch = self.watch
        if watch is None:
            return None
        return lambda done, most: watch(what, done, most)


def _settings(prepared: Prepared, options: TrialOptions) -> FoldTraining:
    stages = MLPSpec(options.hidden).completed(prepared.facts)
    n_rows = len(prepared.split.train)
    return FoldTraining(
        options.hidden,
        stages.dropout or 0.0,
        stages.input_dropout or 0.0,
        learning_rate=1e-3 if prepared.inputs.are_bits else 2e-3,
        most_steps=options.steps or max(1500, min(4 * n_rows // 128, 6000)),
    )


def _parts(
    rows: NDArray[np.int64], units: NDArray[np.int64] | None, seed: int
) -> list[torch.Tensor]:
    """Validation rows in five or ten parts; what must stay together does."""
    unit = np.arange(len(rows)) if units is None else np.unique(units[rows], return_inverse=True)[1]
    n = int(unit.max()) + 1
    most = _FEW_PARTS if n < _FEW_ROWS else _N_PARTS
    part = np.random.default_rng(seed).permutation(n) % min(most, n)
    return [torch.from_numpy(rows[part[unit] == k]) for k in range(int(part.max()) + 1)]


def _per_seed(found: SubsetLosses) -> tuple[TrialScores, ...]:
    return tuple(
        TrialScores(found.subsets, losses, found.start, found.counts) for losses in found.losses
    )


def _every_subset(trainer: _Trainer) -> Evidence:
    tasks = trainer.everything
    subsets = [s for n in range(1, len(tasks) + 1) for s in combinations(tasks, n)]
    what = f"every subset: {counted(len(subsets), 'network')}"
    return Evidence(trainer.losses(what, subsets, sum(_SHARES[:2])))


def _by_pairs(trainer: _Trainer) -> Evidence:
    tasks = trainer.everything
    subsets = [*((t,) for t in tasks), *combinations(tasks, 2), tasks]
    found = trainer.losses(f"all pairs: {counted(len(subsets), 'network')}", subsets, _SHARES[0])
    evidence = Evidence(found)
    mean = evidence.mean
    gains = pair_gains(mean.subsets, mean.explained())
    proposed = partitions_by_pairs(gains, min(trainer.options.most_groups, len(tasks)))
    alone = tuple((t,) for t in tasks)
    return _refined(trainer, evidence, [*proposed.values(), alone], gains)


def _by_path(trainer: _Trainer) -> Evidence:
    tasks, most = trainer.everything, trainer.options.most_groups
    affinity = trainer.affinity()
    options = grouping_options(affinity, max_groups=most)
    proposed = [option.groups for option in options]
    alone = tuple((t,) for t in tasks)
    subsets = [*alone, tasks, *(g for groups in proposed for g in groups)]
    what = f"single tasks and the affinities' groups: {counted(len(set(subsets)), 'network')}"
    evidence = Evidence(trainer.losses(what, subsets, _SHARES[0]))
    return _refined(trainer, evidence, [*proposed, (tasks,), alone], affinity)


_SEARCHES: Final = {"every subset": _every_subset, "pairs": _by_pairs, "path": _by_path}


def _refined(
    trainer: _Trainer,
    evidence: Evidence,
    partitions: Sequence[Groups],
    closeness: NDArray[np.float64],
) -> Evidence:
    """Train the groups of the partitions, and for some rounds those of their neighbours."""
    known = [_ordered(groups) for groups in partitions]
    wanted = known
    for i in range(_ROUNDS + 1):
        new = {g for groups in wanted for g in groups} - set(evidence.scores[0].subsets)
        if new:
            what = f"groups that these promise: {counted(len(new), 'network')}"
            share = _SHARES[1] / 2 ** (i + 1)
            more = trainer.losses(what, sorted(new), share)
            scores = tuple(a.joined(b) for a, b in zip(evidence.scores, more, strict=True))
            evidence = Evidence(scores)
        known = list(dict.fromkeys([*known, *wanted]))
        mean = evidence.mean
        scored = mean.explained()
        ranked = sorted(known, key=lambda groups: -score_of(groups, mean.place, scored))
        now = [_ordered(each) for best in ranked[:2] for each in _neighbours(best, closeness)]
        wanted = [each for each in now if each not in known and len(each) <= len(closeness)]
        if not wanted or i == _ROUNDS:
            break
    return replace(evidence, candidates=tuple(known))


def _neighbours(groups: Groups, closeness: NDArray[np.float64]) -> list[Groups]:
    """Partitions with two groups joined, or one divided."""
    found = []
    if len(groups) <= _MOST_JOINED:
        for a, b in combinations(groups, 2):
            rest = [each for each in groups if each not in (a, b)]
            found.append((*rest, (*a, *b)))
    for group in groups:
        if len(group) < 2:
            continue
        chosen = list(group)
        halves = partitions_by_pairs(closeness[np.ix_(chosen, chosen)], 2)[2]
        rest = [each for each in groups if each != group]
        found.append((*rest, *(tuple(chosen[i] for i in half) for half in halves)))
    return found


_MOST_JOINED: Final = 8


def _ordered(groups: Iterable[Iterable[int]]) -> Groups:
    return tuple(sorted(tuple(sorted(group)) for group in groups))


def _recorded(
    trainer: _Trainer, evidence: Evidence, search: Search, started: float
) -> GroupingRecord:
    mean, names = evidence.mean, trainer.tasks.names
    scores = mean.explained()
    if np.isnan(scores).all():
        raise InputError(
            "no task has both labels to learn from and labels on the validation rows that differ; "
            "choose another `split`"
        )
    judged, best = evidence.judged(), evidence.best(scores)
    together = judged[1]
    means = {n: _mean(values) for n, values in judged.items() if n in best}
    chosen = fewest_groups({n: judged[n] for n in means})
    gain = difference(judged[chosen] - together)
    wider = None if chosen == 1 else _wider(trainer, best[chosen], judged[chosen])
    named = [_names(best[n], names) for n in sorted(best)]
    widths = trainer.options.hidden
    return GroupingRecord(
        source=trainer.prepared.info.source,
        tasks=list(names),
        rows=dict(trainer.prepared.info.rows),
        search=search,
        seeds=trainer.options.seeds,
        hidden=list(widths),
        steps=trainer.settings.most_steps,
        seconds=time.monotonic() - started,
        warnings=list(trainer.prepared.warnings),
        advice=_advice(chosen, gain, wider),
        chosen=chosen,
        gains=_tasks(evidence, best[chosen], names),
        partitions=[
            GradedPartition(
                groups=groups,
                score=score_of(best[n], mean.place, scores),
                judged=_known(means.get(n, np.nan)),
                **_interval(difference(judged[n] - together) if n in judged else _UNKNOWN),
                parameters=trainer.n_parameters(best[n], widths),
            )
            for n, groups in zip(sorted(best), named, strict=True)
        ],
        covers=_covers(mean, scores, names),
        pairs=[[_known(v) for v in row] for row in pair_gains(mean.subsets, scores)],
        wider=wider,
        networks=_tried(mean, scores, best[chosen], names),
    )


_UNKNOWN: Final = Difference(np.nan, np.nan, np.nan)


def _advice(
    chosen: int, gain: Difference, wider: WiderNetwork | None
) -> Literal["divide", "one network", "one wider network", "either"]:
    """Groups only where rows that did not choose them are clearly predicted better."""
    if wider is None or not gain.low > 0:
        return "one network"
    if wider.low is not None and wider.low > 0:
        return "divide"
    if wider.high is not None and wider.high < 0:
        return "one wider network"
    return "either"


def _wider(trainer: _Trainer, groups: Groups, judged: NDArray[np.float64]) -> WiderNetwork:
    """Train one network for all tasks of as many parameters as a partition."""
    whole = (trainer.everything,)
    usual = trainer.options.hidden
    wanted = trainer.n_parameters(groups, usual)
    factors = np.linspace(1, len(groups) + 1, 64 * len(groups) + 1)
    shapes = [tuple(max(1, round(f * width)) for width in usual) for f in factors]
    widths = min(shapes, key=lambda each: abs(trainer.n_parameters(whole, each) - wanted))
    found = trainer.losses("one wider network", whole, _SHARES[2], widths)
    mean = Evidence(found).mean
    parts = np.arange(mean.n_parts)
    own = np.array([score_of(whole, mean.place, mean.explained(parts == k)) for k in parts])
    return WiderNetwork(
        hidden=list(widths),
        parameters=trainer.n_parameters(whole, widths),
        score=score_of(whole, mean.place, mean.explained()),
        **_interval(difference(judged - own)),
    )


def _tasks(evidence: Evidence, groups: Groups, names: Sequence[str]) -> list[GroupedTask]:
    mean = evidence.mean
    scores, place = mean.explained(), mean.place
    whole = place[tuple(range(len(names)))]
    of = {t: place[group] for group in groups for t in group}
    return [
        GroupedTask(
            task=names[t],
            alone=_known(scores[place[(t,)], t]),
            together=_known(scores[whole, t]),
            grouped=_known(scores[of[t], t]),
            **_interval(gain),
        )
        for t, gain in enumerate(evidence.task_gains(groups))
    ]


def _covers(mean: TrialScores, scores: NDArray[np.float64], names: Sequence[str]) -> list[Cover]:
    found: list[Cover] = []
    for budget in range(1, _MOST_COVER + 1):
        places = best_cover(mean.subsets, scores, budget)
        if len(places) < budget:
            break
        values = scores[list(places)]
        by = np.where(np.isnan(values), -np.inf, values)
        served = [
            [names[t] for t in range(len(names)) if _server(by, mean.subsets, places, t) == i]
            for i in range(len(places))
        ]
        known = by.max(axis=0)
        found.append(
            Cover(
                networks=[[names[t] for t in mean.subsets[i]] for i in places],
                serves=served,
                score=float(known[np.isfinite(known)].mean()),
            )
        )
    return found


def _server(
    by: NDArray[np.float64], subsets: Sequence[Sequence[int]], places: Sequence[int], t: int
) -> int:
    if np.isfinite(by[:, t]).any():
        return int(by[:, t].argmax())
    return next(i for i, place in enumerate(places) if t in subsets[place])


def _tried(
    mean: TrialScores, scores: NDArray[np.float64], best: Groups, names: Sequence[str]
) -> list[TriedNetwork]:
    first = [mean.place[group] for group in best]
    order = [*first, *(i for i in range(len(mean.subsets)) if i not in set(first))]
    return [
        TriedNetwork(
            tasks=[names[t] for t in mean.subsets[i]],
            scores=[_known(scores[i, t]) for t in mean.subsets[i]],
        )
        for i in order
    ]


def _names(groups: Groups, names: Sequence[str]) -> list[list[str]]:
    return [[names[t] for t in group] for group in groups]


def _interval(found: Difference) -> dict[str, float | None]:
    return {"gain": _known(found.mean), "low": _known(found.low), "high": _known(found.high)}


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
