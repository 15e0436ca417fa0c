"""A few pictures per task for the report."""

import base64
import io

import numpy as np
from PIL import Image

from ramify.runs._inputs import ImageInputs, Inputs
from ramify.runs._prepared import Prepared
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
    for t, task in enumerate(prepared.tasks[:_MOST_TASKS]):
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
