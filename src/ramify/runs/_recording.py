"""From what a run did to its record."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf

from ramify.networks import BranchedNetwork, n_weights
from ramify.records import (
    Baseline,
    CurvePoint,
    GroupStability,
    PathStep,
    RunRecord,
    Scores,
    SharingInfo,
    TaskInfo,
    TreeInfo,
)
from ramify.runs._affinity import affinity_of
from ramify.runs._examples import example_pictures
from ramify.runs._jobs import Finished, Jobs
from ramify.runs._options import Options
from ramify.runs._overall import overall_scores
from ramify.runs._prepared import Prepared
from ramify.runs._scoring import Scored, differences, relative_gain, scored
from ramify.tasks import SharingTree, Task
from ramify.training import Candidate, Fitted


def recorded(
    prepared: Prepared,
    options: Options,
    jobs: Jobs,
    main: tuple[Fitted, Finished],
    baselines: Sequence[Finished],
    *,
    command: str,
) -> RunRecord:
    """Write down what a run did and found.

    Args:
        prepared: The table.
        options: The settings.
        jobs: Knows what trees cost.
        main: The network that was wanted.
        baselines: Those it is compared with.
        command: How to do the run again.
    """
    fitted, finished = main
    sharing = fitted.sharing
    ours = _both_sides(finished, prepared)
    compared = {each.name: _baseline(each, ours, prepared) for each in baselines}
    single = compared.get("single_task")
    return RunRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        tasks=[_task_info(task) for task in prepared.tasks],
        sharing=SharingInfo(
            name=sharing.word,
            label=sharing.label,
            structure=sharing.structure,
            shares=sharing.shares,
            settings=sharing.settings(),
        ),
        tree=TreeInfo(stages=_stages(fitted.tree)),
        path=_path(fitted, jobs),
        affinity=affinity_of(fitted),
        stability=_stabilities(fitted),
        regroupings=sharing.regroupings,
        scores=_scores(finished, ours, prepared),
        baselines=compared,
        delta_m=None if single is None else single.delta_m,
        parameters=finished.cost.parameters,
        weights=n_weights(fitted.network),
        flops=finished.cost.flops,
        examples=example_pictures(prepared),
        seconds={},
        versions=_versions(),
        seed=options.seed,
        data=prepared.info,
        curves=[
            CurvePoint(
                phase=each.phase if job.name == "tree" else job.name,
                epoch=each.epoch,
                loss=each.loss,
                validation_score=each.validation_score,
                widths=each.widths,
            )
            for job in (finished, *baselines)
            for each in job.curve
        ],
        settings=options.settings(),
        warnings=prepared.warnings,
        command=command,
    )


def _both_sides(finished: Finished, prepared: Prepared) -> tuple[Scored, Scored]:
    tasks = prepared.tasks
    return scored(finished.validation, tasks), scored(finished.test, tasks)


def _scores(finished: Finished, sides: tuple[Scored, Scored], prepared: Prepared) -> Scores:
    return Scores(
        test=sides[1].table(),
        validation=sides[0].table(),
        overall=overall_scores(finished.test, prepared.tasks),
    )


def _baseline(finished: Finished, ours: tuple[Scored, Scored], prepared: Prepared) -> Baseline:
    theirs = _both_sides(finished, prepared)
    per_task, mean = differences(ours[1], theirs[1])
    return Baseline(
        scores=_scores(finished, theirs, prepared),
        differences=per_task,
        mean_difference=mean,
        delta_m=relative_gain(ours[1], theirs[1]),
        parameters=finished.cost.parameters,
        flops=finished.cost.flops,
        seconds=finished.seconds,
        stages=_stages(finished.tree),
    )


def _path(fitted: Fitted, jobs: Jobs) -> list[PathStep]:
    network, steps = fitted.network, []
    if not isinstance(network, BranchedNetwork) or len(network.tasks) == 1:
        return []
    path = fitted.sharing.path(network)
    for step in () if path is None else path.steps:
        cost = jobs.costs.of(step.tree)
        steps.append(
            PathStep(
                alpha_low=step.alpha_low,
                alpha_high=None if step.alpha_high == inf else step.alpha_high,
                stages=_stages(step.tree),
                parameters=cost.parameters,
                flops=cost.flops,
                separation=step.separation,
                validation_score=_score_of(step.tree, fitted.candidates),
                chosen=step.tree == fitted.tree,
            )
        )
    return steps


def _score_of(tree: SharingTree, candidates: Sequence[Candidate]) -> float | None:
    return next((c.validation_score for c in candidates if c.tree == tree), None)


def _stabilities(fitted: Fitted) -> list[GroupStability]:
    tree = fitted.tree
    found = None if tree.widths[-1] == 1 else fitted.sharing.stability(tree)
    return (
        []
        if found is None
        else [
            GroupStability(stage=stage, tasks=list(group), stability=value)
            for stage, groups in enumerate(tree.stages)
            if len(groups) > 1
            for group, value in zip(groups, found[stage], strict=True)
        ]
    )


def _stages(tree: SharingTree) -> list[list[list[str]]]:
    return [[list(group) for group in stage] for stage in tree.stages]


def _task_info(task: Task) -> TaskInfo:
    kind = task.kind
    return TaskInfo(
        name=task.name,
        kind=kind.name,
        metric=kind.metric.name,
        higher_is_better=kind.metric.higher_is_better,
        classes=list(kind.labels),
    )


def _versions() -> dict[str, str]:
    packages = ("ramify", "torch", "lightning-fabric", "polars", "numpy", "scipy", "scikit-learn")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
