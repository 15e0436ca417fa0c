"""From what a run did to its record."""

import base64
import io
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
from PIL import Image

from ramify.networks import n_weights
from ramify.records import (
    Baseline,
    CurvePoint,
    RunRecord,
    Scores,
    SharingInfo,
    TaskInfo,
    TreeInfo,
)
from ramify.runs._deciding import decisions_from
from ramify.runs._inputs import ImageInputs, Inputs
from ramify.runs._options import Options
from ramify.runs._overall import overall_scores
from ramify.runs._prepared import Prepared
from ramify.runs._scoring import Scored, differences, relative_gain, scored
from ramify.runs.methods import Finished, stages_in_lists
from ramify.tasks import Binary, Ranking, Regression, Task

_PER_TASK = 6
_MOST_TASKS = 100
_LONGEST_SIDE = 56


def example_pictures(prepared: Prepared) -> dict[str, list[str]]:
    """For each task a few training pictures that show it, as PNG in base64.

    Of a binary task those with the second label, of a multiclass one of each class in turn, of a
    regression task those with the highest values.

    Args:
        prepared: The data.

    Returns:
        Empty where the inputs are no pictures.
    """
    inputs: Inputs = prepared.inputs
    if not isinstance(inputs, ImageInputs):
        return {}
    targets, mask = prepared.targets.numpy(), prepared.label_mask.numpy()
    train = prepared.split.train
    found = {}
    for t, task in enumerate(prepared.main[:_MOST_TASKS]):
        rows = train[mask[train, t]]
        chosen = rows[_places(task, targets[rows, t])]
        found[task.name] = _pngs(inputs, chosen)
    return found


def _places(task: Task, labels: np.ndarray) -> np.ndarray:
    """Which of a task's labelled rows show it best."""
    if isinstance(task.kind, Regression | Ranking):
        return np.argsort(-labels, kind="stable")[:_PER_TASK]
    if isinstance(task.kind, Binary):
        return np.flatnonzero(labels >= 0.5)[:_PER_TASK]
    first = [np.flatnonzero(labels == c)[:1] for c in range(len(task.kind.labels))]
    return np.concatenate(first)[:_PER_TASK]


def _pngs(inputs: ImageInputs, rows: np.ndarray) -> list[str]:
    if len(rows) == 0:
        return []
    return [_png(pixels) for pixels in inputs.images.take(rows).numpy()]


def _png(pixels: np.ndarray) -> str:
    plain = pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)
    picture = Image.fromarray(np.ascontiguousarray(plain))
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def recorded(
    prepared: Prepared,
    options: Options,
    main: Finished,
    baselines: Sequence[Finished],
    *,
    command: str,
) -> RunRecord:
    """Write down what a run did and found.

    Args:
        prepared: The table.
        options: The settings.
        main: What was wanted.
        baselines: What it is compared with.
        command: How to do the run again.
    """
    sharing = options.sharing
    ours = both_sides(main, prepared)
    compared = {each.name: _baseline(each, ours, prepared) for each in baselines}
    single = compared.get("single_task")
    return RunRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        tasks=[_task_info(task) for task in prepared.main],
        auxiliary=list(main.auxiliary),
        sharing=SharingInfo(
            name=sharing.word,
            label=sharing.label,
            structure=sharing.structure,
            shares=sharing.shares,
            settings={**sharing.settings(), **main.chosen},
        ),
        tree=TreeInfo(stages=stages_in_lists(main.tree)),
        path=list(main.path),
        affinity=dict(main.affinity),
        stability=list(main.stability),
        regroupings=list(main.regroupings),
        scores=scores_of(main, ours, prepared),
        baselines=compared,
        delta_m=None if single is None else single.delta_m,
        parameters=main.parameters,
        weights=None if main.model is None else n_weights(main.model) or None,
        flops=main.flops,
        examples=example_pictures(prepared),
        seconds={},
        versions=_versions(),
        seed=options.seed,
        data=prepared.info,
        curves=[
            CurvePoint(
                phase=each.phase if job is main else job.name,
                epoch=each.epoch,
                loss=each.loss,
                validation_score=each.validation_score,
                widths=each.widths,
            )
            for job in (main, *baselines)
            for each in job.curve
        ],
        settings=options.settings(),
        warnings=list(dict.fromkeys([*prepared.warnings, *_warnings([main, *baselines])])),
        decisions=decisions_from(main.validation, prepared.main),
        command=command,
    )


def _warnings(every: Sequence[Finished]) -> list[str]:
    return [warning for each in every for warning in each.warnings]


def both_sides(finished: Finished, prepared: Prepared) -> tuple[Scored, Scored]:
    """The scores on the validation rows and on the test rows.

    Args:
        finished: What is scored.
        prepared: The table.
    """
    tasks = prepared.main
    return scored(finished.validation, tasks), scored(finished.test, tasks)


def scores_of(finished: Finished, sides: tuple[Scored, Scored], prepared: Prepared) -> Scores:
    """The scores for a record.

    Args:
        finished: What was scored.
        sides: What `both_sides` gave.
        prepared: The table.
    """
    return Scores(
        test=sides[1].table(),
        validation=sides[0].table(),
        overall=overall_scores(finished.test, prepared.main),
    )


def _baseline(finished: Finished, ours: tuple[Scored, Scored], prepared: Prepared) -> Baseline:
    theirs = both_sides(finished, prepared)
    per_task, mean = differences(ours[1], theirs[1])
    return Baseline(
        scores=scores_of(finished, theirs, prepared),
        differences=per_task,
        mean_difference=mean,
        delta_m=relative_gain(ours[1], theirs[1]),
        parameters=finished.parameters,
        flops=finished.flops,
        seconds=finished.seconds,
        stages=stages_in_lists(finished.tree),
    )


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
