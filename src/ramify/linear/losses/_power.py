"""The largest curvature, by the power method."""

from collections.abc import Callable

import numpy as np

from ramify.linear.inputs import Floats

_N_STEPS = 12


def largest_curvature(times: Callable[[Floats], Floats], n_tasks: int, n_features: int) -> float:
    """An estimate from below of the largest eigenvalue over tasks.

    Args:
        times: The product of each task's curvature with directions ``(task, feature)``.
        n_tasks: How many curvatures there are.
        n_features: How many features.
    """
    # Fixed numbers, so that a fit repeats; with signs, so that no constant part is missed.
    directions = np.random.default_rng(0).normal(size=(n_tasks, n_features))
    lengths = np.zeros((n_tasks, 1))
    for _ in range(_N_STEPS):
        lengths = np.linalg.norm(directions, axis=1, keepdims=True)
        unit = np.divide(directions, lengths, out=np.zeros_like(directions), where=lengths > 0)
        directions = times(unit)
    return float(np.linalg.norm(directions, axis=1).max(initial=0.0))
