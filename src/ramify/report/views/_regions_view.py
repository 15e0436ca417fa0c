"""What tasks look at, in a sentence, pictures and matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify._core import counted
from ramify.records import ContrastInfo, ModelRegions, RegionsRecord
from ramify.report.views._distance_view import Distances, distances
from ramify.report.words import cited, interval, number

_MOST_TASKS = 24
_LEVEL = 0.05


@dataclass(frozen=True)
class TaskPictures:
    """One task's pictures, those of each model in turn."""

    task: str
    pictures: list[list[str]]


@dataclass(frozen=True)
class RegionsView:
    """Everything that the page of regions shows.

    Attributes:
        sentences: The answer first.
        groups: Tasks with pictures, group by group.
        n_left_out: Tasks whose pictures are not shown.
        matrices: Per model, 1 − intersection over union.
    """

    sentences: list[str]
    groups: list[list[TaskPictures]]
    n_left_out: int
    matrices: list[tuple[ModelRegions, Distances | None]]


def regions_view(record: RegionsRecord) -> RegionsView:
    """Put a record of regions on paper."""
    groups, n = [], 0
    for group in record.groups:
        chosen = [name for name in group if name in record.models[0].pictures]
        chosen = chosen[: _MOST_TASKS - n]
        n += len(chosen)
        if chosen:
            groups.append([_pictures(record, name) for name in chosen])
    return RegionsView(
        region_sentences(record),
        groups,
        len(record.tasks) - n,
        [(model, _matrix(record, model)) for model in record.models],
    )


def region_sentences(record: RegionsRecord) -> list[str]:
    """Say how far tasks look at the same parts; a claim only if chance does not explain it.

    Of pictures (the interval) and of which tasks form the groups (the p-value, at most 0.05).
    """
    found = [_judged(model.name, model.of_iou, i > 0) for i, model in enumerate(record.models)]
    found += _all_pairs(record.models) if not any(m.of_iou for m in record.models) else []
    chance = (
        f"Two regions drawn anywhere have an intersection over union of {number(record.by_chance)}"
    )
    return [
        *found,
        *_stages(record.models),
        f"{chance}; the numbers rest on {counted(record.n_images, 'picture')}.",
    ]


def _judged(name: str, found: ContrastInfo | None, brief: bool) -> str:
    who = f"In {cited(name)}"
    if found is None:
        return f"{who} there are no groups to compare: all tasks are in one group, or each alone."
    groups = " of the same groups" if brief else ""
    means = f"{number(found.within)} against {number(found.between)}"
    if found.low == found.high:  # one picture, or pictures that are all the same
        return (
            f"{who}{groups}, tasks of one group and other pairs cannot be told apart: mean "
            f"intersection over union {means}, but so few different pictures give no interval."
        )
    difference = interval(found.low, found.high)
    if found.low > 0 and found.p_value > _LEVEL:
        start = (
            "tasks of one group overlap more than other pairs, though a random deal may explain it"
        )
    elif found.low > 0:
        start = "tasks of one group look at the same parts more than other pairs"
    elif found.high < 0:
        start = "tasks of one group overlap less than other pairs on these pictures"
    else:
        start = "tasks of one group and other pairs cannot be told apart"
    return (
        f"{who}{groups}, {start}: mean intersection over union {means} (95 % "
        f"interval of the difference over pictures {difference}; "
        f"share of random deals of the tasks that do as well: {number(found.p_value)})."
    )


def _stages(models: Sequence[ModelRegions]) -> list[str]:
    if len({model.stage for model in models}) == 1:
        return []
    where = " and ".join(f"stage {model.stage} of {cited(model.name)}" for model in models)
    return [f"They are not compared at the same depth: the maps are from {where}."]


def _all_pairs(models: Sequence[ModelRegions]) -> list[str]:
    sentences = []
    for model in models:
        rows = enumerate(model.iou)
        values = [value for i, row in rows for value in row[:i] if value is not None]
        if values:
            mean = sum(values) / len(values)
            sentences.append(
                f"In {cited(model.name)} the mean intersection over union of all pairs is "
                f"{number(mean)}."
            )
    return sentences


def _pictures(record: RegionsRecord, task: str) -> TaskPictures:
    return TaskPictures(task, [model.pictures.get(task, []) for model in record.models])


def _matrix(record: RegionsRecord, model: ModelRegions) -> Distances | None:
    apart = [[None if v is None else max(1 - v, 0.0) for v in row] for row in model.iou]
    return distances(record.tasks, apart, record.groups) if len(record.tasks) > 1 else None
