"""The best intercept of every task at once, by Newton's method kept inside brackets."""

from collections.abc import Callable

import numpy as np

from ramify.linear.inputs import Floats

_FARTHEST = 40.0
_N_STEPS = 60
_PRECISION = 1e-12

Slopes = Callable[[Floats], tuple[Floats, Floats]]


def best_intercepts(slopes: Slopes, start: Floats, centre: Floats, reach: Floats) -> Floats:
    """Where the slope by each task's intercept is zero.

    The slope rises with the intercept, so a bracket closes in on the zero; a step of Newton that
    leaves it is replaced by its middle. A task without a minimum, which has labels of one class
    only, ends at the bracket.

    Args:
        slopes: Gives slope and curvature ``(task,)`` at intercepts ``(task,)``.
        start: Where to begin.
        centre: Middle of the first bracket.
        reach: Half its width, in units that grow from there to at most forty times.
    """
    low, high = centre - _FARTHEST * reach, centre + _FARTHEST * reach
    at = np.clip(start, low, high)
    for _ in range(_N_STEPS):
        slope, curvature = slopes(at)
        low = np.where(slope < 0, at, low)
        high = np.where(slope > 0, at, high)
        step = np.divide(slope, curvature, out=np.zeros_like(at), where=curvature > 0)
        proposed = at - step
        inside = (proposed >= low) & (proposed <= high) & ((curvature > 0) | (slope == 0))
        moved = np.where(inside, proposed, (low + high) / 2)
        done = np.abs(moved - at) <= _PRECISION * (1 + np.abs(at))
        at = moved
        if done.all():
            break
    return at
