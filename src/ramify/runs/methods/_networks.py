"""Networks: the one that is wanted, and those it is compared with."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np
import torch

from ramify._core import counted
from ramify.metrics import mean_skill
from ramify.networks import BranchedNetwork, Cost, network_cost
from ramify.records import AuxiliaryInfo, PathStep
from ramify.runs.methods._base import MAIN, Finished, Job, affinity_info, stages_in_lists
from ramify.runs.methods._stability import doubts, stability_of
from ramify.sharing import BASELINES, WITHOUT_AUXILIARY, Affinity, Restructuring, Sharing
from ramify.tasks import SharingTree, TaskSet
from ramify.training import EpochEnded, Fitted, Predictions, Trainer, Watcher
from ramify.weighting import as_weighting

_MAIN_TIME = 0.6
_MOST_PARAMETERS = 40_000_000
_GROWING = "growing"  # the phase in which a tree is learned, where it has one of its own
_LITTLE = 0.05  # of mean skill above chance, below which a network has hardly learned anything


def fit_network(job: Job, sharing: Sharing) -> Finished:
    """Train the network of a way of sharing, or go on from the state in the job's folder.

    Args:
        job: Data and settings.
        sharing: The way of sharing.
    """
    share = _MAIN_TIME if job.options.baselines else 1.0
    fitted = _trained(job, MAIN, sharing, job.prepared.tasks, None, share)
    finished = _finished(job, MAIN, fitted)
    # Where auxiliary tasks took part, what was learned is of all tasks, and the tree of the others.
    is_whole = fitted.whole is None
    stability = stability_of(job, fitted.sharing, fitted.tree) if is_whole else []
    return replace(
        finished,
        auxiliary=_helpers(fitted),
        affinity=affinity_info(fitted.trained.tasks.names, _affinities(fitted)),
        path=_path(job, fitted),
        stability=stability,
        regroupings=fitted.sharing.regroupings,
        warnings=[
            *finished.warnings,
            *fitted.sharing.warnings(),
            *(_from_chance(fitted, finished.validation) or doubts(stability)),
        ],
    )


def baseline(job: Job, name: str, tree: SharingTree, share: float = 1.0) -> Finished | None:
    """Train a baseline with the same backbone, epochs and selection rule.

    Args:
        job: Data and settings.
        name: One of `BASELINES`.
        tree: The tree that it is to be compared with.
        share: Of the time that is left.

    Returns:
        None where there is nothing to compare: a random tree of a network that shares all.
    """
    sharing = BASELINES[name].make(tree, job.options.sharing, job.options.seed)
    if sharing is None:
        return None
    if not sharing.shares:
        return _separate(job, name, sharing, share)
    prepared = job.prepared
    tasks, places = prepared.tasks, None
    if name == WITHOUT_AUXILIARY:
        tasks, places = prepared.main, range(len(prepared.main))
        sharing = sharing.for_tasks(tasks.names)
    return _finished(job, name, _trained(job, name, sharing, tasks, places, share))


def _separate(job: Job, name: str, sharing: Sharing, share: float) -> Finished:
    """One network per task; so many at a time that they fit into memory."""
    tasks = job.prepared.main
    single = SharingTree.separate(tasks.names, job.n_stages)
    cost = job.costs.of(single)
    size = max(1, _MOST_PARAMETERS * len(tasks) // cost.parameters)
    parts = []
    for i, start in enumerate(range(0, len(tasks), size)):
        places = list(range(start, min(start + size, len(tasks))))
        part = TaskSet([tasks[p] for p in places])
        own = name if size >= len(tasks) else f"{name}-{i:03}"
        own_share = share * len(part) / (len(tasks) - start * share)
        fitted = _trained(job, own, sharing, part, places, own_share)
        parts.append(_finished(job, own, fitted, places))
    return Finished(
        name=name,
        model=None,
        tree=single,
        parameters=cost.parameters,
        flops=cost.flops,
        validation=_side_by_side([part.validation for part in parts]),
        test=_side_by_side([part.test for part in parts]),
        seconds=sum(part.seconds for part in parts),
        curve=[each for part in parts for each in part.curve],
        warnings=list(dict.fromkeys(each for part in parts for each in part.warnings)),
    )


def _trained(
    job: Job,
    name: str,
    sharing: Sharing,
    tasks: TaskSet,
    places: Sequence[int] | None,
    share: float,
) -> Fitted:
    options, prepared = job.options, job.prepared
    settings = options.training
    if settings.epochs is not None and not isinstance(sharing, Restructuring):
        # The same number of epochs in all as the network that grows before its last training. A
        # length that follows from the data holds those of growing as it is.
        growing = settings.warm_up_epochs(options.sharing.warm_up_epochs(len(prepared.tasks)))
        settings = replace(settings, epochs=settings.epochs + growing)
    if places is not None:
        weighting = as_weighting(settings.weighting).for_tasks(places)
        settings = replace(settings, weighting=weighting)
    trainer = Trainer(
        settings,
        seed=options.seed,
        fabric=job.fabric,
        checkpoint=None if job.folder is None else job.folder / name,
        checkpoint_seconds=options.checkpoint_seconds,
        seconds=job.seconds_left(share),
        watch=_named(name, job.watch),
    )
    return trainer.fit(
        sharing,
        job.backbone,
        tasks,
        prepared.batches("train", options.rows_per_step, options.seed, places),
        prepared.batches("validation", options.rows_per_step, options.seed, places),
        n_features=options.backbone.n_features,
    )


def _finished(job: Job, name: str, fitted: Fitted, places: Sequence[int] | None = None) -> Finished:
    options, prepared = job.options, job.prepared
    trainer = Trainer(options.training, fabric=job.fabric)

    wanted = range(len(prepared.main)) if places is None else places

    def predictions(side: str) -> Predictions:
        rows = prepared.batches(side, options.rows_per_step, options.seed, wanted)
        return trainer.predict(fitted.network, rows, only_labelled=True)

    cost = (
        Cost(0, 0)
        if places is not None and len(places) < len(prepared.main)
        else _cost(job, fitted)
    )
    # Where features of tasks are mixed, those of auxiliary ones go on being a part of the network.
    tree, names = fitted.tree, fitted.network.tasks.names
    return Finished(
        name=name,
        model=fitted.network,
        tree=tree if tree.tasks == names else tree.restricted(names),
        parameters=cost.parameters,
        flops=cost.flops,
        validation=predictions("validation"),
        test=predictions("test"),
        seconds=fitted.seconds,
        curve=fitted.curve,
        warnings=_of_time(name, fitted),
    )


def _helpers(fitted: Fitted) -> list[AuxiliaryInfo]:
    """The tasks that only helped, and how much of the network each shared with which others."""
    if fitted.whole is None:
        return []
    tree, tasks = fitted.trained.tree, fitted.trained.tasks
    group = np.stack([tree.assignment(stage) for stage in range(tree.n_stages)])
    place = {name: i for i, name in enumerate(tree.tasks)}
    found = []
    for task in (each for each in tasks if not each.is_main):
        together = (group == group[:, [place[task.name]]]).sum(axis=0)
        depth = {other: int(together[place[other]]) for other in fitted.network.tasks.names}
        found.append(
            AuxiliaryInfo(
                task=task.name,
                kind=task.kind.name,
                weight=task.weight,
                shares={other: n for other, n in depth.items() if n},
            )
        )
    return found


def _of_time(name: str, fitted: Fitted) -> list[str]:
    """That scores are those of a training which was cut short."""
    if not fitted.out_of_time:
        return []
    what = BASELINES[name].label if name in BASELINES else fitted.sharing.label
    epochs = counted(fitted.curve[-1].epoch, "epoch")
    return [
        f"the time was up while {what} was trained, in the end for {epochs}: its scores may be below "
        "what it can do, and so may be what it is compared with"
    ]


def _cost(job: Job, fitted: Fitted) -> Cost:
    network = fitted.network
    if isinstance(network, BranchedNetwork) and fitted.tree.n_stages == job.n_stages:
        return job.costs.of(fitted.tree)
    device = next(network.parameters()).device
    return network_cost(network, torch.zeros(1, *job.prepared.inputs.encoder.shape, device=device))


def _affinities(fitted: Fitted) -> dict[str, Affinity]:
    parts = {each.name: Affinity(each.matrix, each.meaning) for each in fitted.trained.relations()}
    return parts | fitted.sharing.affinities()


def _path(job: Job, fitted: Fitted) -> list[PathStep]:
    network, steps = fitted.network, []
    alone = len(network.tasks) == 1 or fitted.whole is not None
    if not isinstance(network, BranchedNetwork) or alone:
        return []
    path = fitted.sharing.path(network)
    scores = {each.tree: each.validation_score for each in fitted.candidates}
    for step in () if path is None else path.steps:
        cost = job.costs.of(step.tree)
        steps.append(
            PathStep(
                alpha_low=step.alpha_low,
                alpha_high=None if step.alpha_high == inf else step.alpha_high,
                stages=stages_in_lists(step.tree),
                parameters=cost.parameters,
                flops=cost.flops,
                separation=step.separation,
                validation_score=scores.get(step.tree),
                chosen=step.tree == fitted.tree,
            )
        )
    return steps


def _from_chance(fitted: Fitted, validation: Predictions) -> list[str]:
    """A warning where the tree was learned from a network that had hardly learned anything.

    What such a network finds easy and hard is noise.
    """
    learned = fitted.sharing.affinities() and fitted.tree.widths[-1] > 1
    watched = [each for each in fitted.curve if each.phase == _GROWING] or fitted.curve
    scores = [each.validation_score for each in watched if each.validation_score is not None]
    if not (learned and scores):
        return []
    chance = _chance(validation, fitted.network.tasks)
    if not max(scores) < chance + _LITTLE:
        return []
    return [
        "the tree is no evidence of which tasks are alike: the network that it was learned from "
        f"told the validation rows hardly better than chance (mean skill {max(scores):.3f}, by "
        f"chance {chance:.3f}); train longer, wider, or with more rows"
    ]


def _chance(validation: Predictions, tasks: TaskSet) -> float:
    """Mean skill of saying the same of every row: what labels are on average."""
    values = np.zeros_like(validation.values)
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        labels = validation.targets[validation.label_mask[:, t], t]
        if not len(labels):
            continue
        n = task.kind.n_outputs
        values[:, first : first + n] = (
            labels.mean() if n == 1 else np.bincount(labels.astype(int), minlength=n) / len(labels)
        )
    (mean,) = mean_skill(replace(validation, values=values).scores(tasks)[None], tasks)
    return float(mean)


def _named(name: str, watch: Watcher | None) -> Watcher | None:
    if watch is None or name == MAIN:
        return watch

    def told(event: EpochEnded) -> None:
        watch(replace(event, phase=name))

    return told


def _side_by_side(parts: list[Predictions]) -> Predictions:
    return Predictions(
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.targets for part in parts], axis=1),
        np.concatenate([part.label_mask for part in parts], axis=1),
        parts[0].groups,
    )
