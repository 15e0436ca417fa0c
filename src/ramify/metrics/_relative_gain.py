"""How much better one network is than another: the mean relative gain."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from ramify._core import InputError, ShapeError


def delta_m(
    multi_task: Float[np.ndarray, " task"],
    single_task: Float[np.ndarray, " task"],
    higher_is_better: Bool[np.ndarray, " task"] | Sequence[bool],
) -> float:
    r"""Mean relative gain of one network over another, in percent; positive is better.

    .. math:: \Delta_m = \frac{100}{T} \sum_{t=1}^{T} s_t \frac{M_t - B_t}{B_t}

    where :math:`s_t` is 1 if task *t* is better when higher and −1 otherwise. A strong gain can
    hide a loss, so look at the tasks too.

    Args:
        multi_task: Score :math:`M_t` of each task, in the metric's own unit.
        single_task: Score :math:`B_t` of the network that it is compared with. Positive.
        higher_is_better: Direction of each task's metric.

    Returns:
        Percentage points, unweighted over the tasks that have both scores (not NaN); NaN if
        there is none.

    Raises:
        ShapeError: If the three do not have one entry per task.
        InputError: If a baseline score is not positive: a relative change has no sign then.

    References:
        Maninis, Radosavovic, Kokkinos. *Attentive Single-Tasking of Multiple Tasks*, CVPR 2019.

    Example:
        >>> import numpy as np
        >>> round(delta_m(np.array([0.88]), np.array([0.8]), [True]), 6)
        10.0
    """
    direction = np.asarray(higher_is_better, dtype=bool)
    if not multi_task.shape == single_task.shape == direction.shape or multi_task.ndim != 1:
        raise ShapeError(
            "`multi_task`, `single_task` and `higher_is_better` must have one entry per task. "
            f"Got {multi_task.shape}, {single_task.shape} and {direction.shape}"
        )
    both = ~(np.isnan(multi_task) | np.isnan(single_task))
    ours, theirs = multi_task[both], single_task[both]
    if (theirs <= 0).any():
        raise InputError(
            f"`single_task` must be positive. Got {theirs.min():.3g}; compare differences instead"
        )
    if not both.any():
        return float("nan")
    signs = np.where(direction[both], 1.0, -1.0)
    return float(100 * (signs * (ours - theirs) / theirs).mean())
