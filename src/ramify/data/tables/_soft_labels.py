"""Probabilities of a trained model in place of labels that are missing."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ramify._core import InputError, ShapeError, listed
from ramify.data.tables._read import LabelMask, Targets
from ramify.tasks import Binary, TaskSet


class SoftLabels(NamedTuple):
    """What `with_soft_labels` gives.

    Attributes:
        targets: Labels, and probabilities where there was none.
        label_mask: True where there is either.
    """

    targets: Targets
    label_mask: LabelMask


def with_soft_labels(
    tasks: TaskSet,
    targets: Targets,
    label_mask: LabelMask,
    probabilities: Float[np.ndarray, "row task"],
) -> SoftLabels:
    """Fill missing labels of binary tasks with probabilities, for training rows.

    The loss takes the probability as it is; the error margin cuts it at one half. An observed label
    stays. Scores are of observed labels only: give validation and test rows no soft labels.

    Args:
        tasks: The tasks.
        targets: What `read_targets` gives.
        label_mask: True where a label was observed.
        probabilities: Of the positive class; NaN where there is none.

    Raises:
        InputError: If a probability is not within 0 to 1, or is of a task that is not binary.

    References:
        Lu et al. *Fully-adaptive Feature Sharing in Multi-Task Networks*, CVPR 2017 (its joint
        model of two data sets).
    """
    if probabilities.shape != targets.shape or label_mask.shape != targets.shape:
        raise ShapeError(
            "`probabilities`, `targets` and `label_mask` must be of one shape (row, task). "
            f"Got {probabilities.shape}, {targets.shape} and {label_mask.shape}"
        )
    given = ~np.isnan(probabilities)
    other = [
        task.name
        for t, task in enumerate(tasks)
        if given[:, t].any() and not isinstance(task.kind, Binary)
    ]
    if other:
        raise InputError(
            f"soft labels must be of binary tasks. {listed(other)} are of another kind"
        )
    known = probabilities[given]
    if len(known) and not (known.min() >= 0 and known.max() <= 1):
        raise InputError(f"soft labels must be from 0 to 1. Got {known.min():g} to {known.max():g}")
    filled = given & ~label_mask
    return SoftLabels(np.where(filled, probabilities, targets), label_mask | filled)
