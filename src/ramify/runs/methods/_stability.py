"""Whether other trainings would find the groups of a learned tree: a few short ones are done."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ramify._core import listed
from ramify.records import GroupStability
from ramify.runs.methods._base import Job
from ramify.sharing import Restructuring, Sharing
from ramify.tasks import SharingTree
from ramify.training import Trainer, Training

N_TRAININGS: Final = 3
_LEAST_STEPS = 140  # fewer do not show the groups that a whole warm-up shows
_TIME = 0.2  # of what is left
_DOUBTFUL = 0.5
_MOST_NAMED = 3


def stability_of(job: Job, sharing: Sharing, tree: SharingTree) -> list[GroupStability]:
    """How reliably each group of a learned tree comes back when training is done again.

    Three networks with other weights are trained on training rows redrawn with replacement, each
    for a third of the steps that the tree was learned from (all of them if they are few). So this
    takes about as long as the warm-up did. None of them is kept.

    Args:
        job: Data and settings.
        sharing: The way of sharing, after it learned the tree.
        tree: The tree.

    Returns:
        For each group of each stage with several; none where nothing was learned, or time was up.
    """
    if tree.widths[-1] == 1 or not job.tells_stability or sharing.observer() is None:
        return []
    observers = []
    for place in range(N_TRAININGS):
        observer = _trained(job, sharing, place)
        if observer is None:
            return []
        observers.append(observer)
    found = sharing.stability(tree, observers) or []
    return [
        GroupStability(
            stage=stage, tasks=list(group), stability=round(value, 4), trainings=N_TRAININGS
        )
        for stage, (groups, values) in enumerate(zip(tree.stages, found, strict=True))
        if len(groups) > 1
        for group, value in zip(groups, values, strict=True)
    ]


def doubts(stability: Sequence[GroupStability]) -> list[str]:
    """A warning that names the groups which other trainings did not find.

    Args:
        stability: Of the groups of a tree.
    """
    last = max((each.stage for each in stability), default=0)
    groups = [each for each in stability if each.stage == last]
    doubtful = sorted((g for g in groups if g.stability < _DOUBTFUL), key=lambda g: g.stability)
    if not doubtful:
        return []
    again = f"in {N_TRAININGS} other trainings, from other weights and rows redrawn,"
    if len(doubtful) == len(groups):
        mean = float(np.mean([each.stability for each in groups]))
        return [
            f"the tree may be chance: {again} its groups came back hardly more often than random "
            f"ones would (stability {mean:.2f} on average; 0 is chance, 1 is always)"
        ]
    named = "; ".join(
        f"{listed(each.tasks)} ({each.stability:.2f})" for each in doubtful[:_MOST_NAMED]
    )
    more = f" and {len(doubtful) - _MOST_NAMED} more" if len(doubtful) > _MOST_NAMED else ""
    return [
        f"{len(doubtful)} of {len(groups)} groups of the tree may be chance: {again} they did not "
        f"come back reliably (stability; 0 is chance, 1 is always): {named}{more}"
    ]


def _trained(job: Job, sharing: Sharing, place: int) -> Sharing | None:
    """What another training learns of the tasks; None if the time was up."""
    observer = sharing.observer()
    assert observer is not None  # for the type checker only
    options, prepared = job.options, job.prepared
    seed = int(np.random.SeedSequence([options.seed, place, 0x57AB]).generate_state(1)[0])
    rows = prepared.redrawn(options.rows_per_step, seed)
    trainer = Trainer(
        _short(options.training, sharing, len(prepared.tasks), len(rows)),
        seed=seed,
        fabric=job.fabric,
        checkpoint=None if job.folder is None else job.folder / f"stability-{place + 1}",
        checkpoint_seconds=options.checkpoint_seconds,
        seconds=job.seconds_left(_TIME / (N_TRAININGS - place)),
    )
    fitted = trainer.fit(
        observer,
        job.backbone_of(seed),
        prepared.tasks,
        rows,
        n_features=options.backbone.n_features,
    )
    return None if fitted.out_of_time else observer


def _short(settings: Training, sharing: Sharing, n_tasks: int, steps_per_epoch: int) -> Training:
    """A part of the training that the tree was learned from."""
    length = settings.length(steps_per_epoch)
    asked = sharing.warm_up_epochs(n_tasks)
    learned = (length.warm_up_epochs if asked is None else asked) * steps_per_epoch
    if not learned and isinstance(sharing, Restructuring):
        learned = min(sharing.steps_between(steps_per_epoch), length.n_steps)
    steps = min(learned, max(learned // N_TRAININGS, _LEAST_STEPS))
    if settings.stops_by_itself:
        return replace(settings, steps=steps)
    return replace(settings, epochs=None, iterations=steps)
