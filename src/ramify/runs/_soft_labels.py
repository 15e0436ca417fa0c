"""Labels that are missing, filled in by models that were trained before."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ramify._core import InputError, listed
from ramify.data import ImageData, Split, Table, with_soft_labels
from ramify.runs._model import Model
from ramify.runs._predicting import raw_batches
from ramify.runs._start import naming
from ramify.tasks import Binary, TaskSet


def soft_labelled(
    folders: Sequence[Path],
    data: Table | ImageData,
    split: Split,
    tasks: TaskSet,
    targets: np.ndarray,
    label_mask: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Fill the missing labels of training rows with what models say of them.

    A model speaks for its binary tasks that are tasks here by name. Labels that are there stay,
    and so do the gaps of validation and test rows: scores are of observed labels only.

    Args:
        folders: Directories of finished runs, each with its model.
        data: The rows.
        split: Its training rows are filled in.
        tasks: The tasks.
        targets: Their labels.
        label_mask: True where there is one.

    Returns:
        Targets and mask.

    Raises:
        InputError: If a model has no binary task of the run, or reads other data.
        ModelFileError: If a directory holds no model.

    References:
        Lu et al., CVPR 2017: its joint model of two data sets.
    """
    for folder in folders:
        probabilities = np.full(targets.shape, np.nan, dtype=np.float32)
        with naming("soft_labels_from", folder):
            model = Model.load(folder)
            shared = _shared_tasks(model, tasks)
            said = _said(model, data, split.train)
        for here, column in shared.items():
            probabilities[split.train, here] = said[:, column]
        targets, label_mask = with_soft_labels(tasks, targets, label_mask, probabilities)
    return targets, label_mask


def _shared_tasks(model: Model, tasks: TaskSet) -> dict[int, int]:
    """For each binary task that the model knows: its place here, its column there."""
    columns = {
        task.name: column
        for task, column in zip(model.tasks, model.tasks.first_columns, strict=True)
        if isinstance(task.kind, Binary)
    }
    shared = {
        t: columns[task.name]
        for t, task in enumerate(tasks)
        if task.name in columns and isinstance(task.kind, Binary)
    }
    if not shared:
        own = [task.name for task in tasks if isinstance(task.kind, Binary)]
        raise InputError(
            "its model must know a binary task of this run, of which there are "
            f"{listed(own) or 'none'}. It knows {listed(columns) or 'none'}"
        )
    return shared


@torch.inference_mode()
def _said(model: Model, data: Table | ImageData, rows: np.ndarray) -> np.ndarray:
    wanted = data.images.select(rows) if isinstance(data, ImageData) else data
    values: Tensor = torch.cat([model(raw) for raw in raw_batches(model, wanted)])
    said: np.ndarray = values.numpy()
    return said if isinstance(data, ImageData) else said[rows]
