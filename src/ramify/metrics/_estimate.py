r"""A score and how much each unit moves it: what its standard error, and that of any difference, follows from.

The influence :math:`\psi_i` of unit *i* is what it adds to the error of a score, so that

.. math:: \hat\theta - \theta \approx \sum_i \psi_i, \qquad
          \operatorname{Var} \hat\theta \approx \sum_c \Bigl(\sum_{i \in c} \psi_i\Bigr)^2

over rows, or over groups *c* of units that belong together. The influence of a difference or of a
mean over tasks is the difference or the mean of the influences, so one pass over the rows serves
every interval, where a bootstrap scores every network a thousand times.

References:
    Efron. *Nonparametric estimates of standard error: the jackknife, the bootstrap and other
    methods*, Biometrika 1981.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_N_BLOCKS = 20  # of rows, left out in turn where a score has no closed form


class Estimate(NamedTuple):
    """A score of some units.

    Attributes:
        value: The score; NaN where it is absent.
        influence: What each unit adds to its error; NaN where that cannot be said.
        model_variance: Variance that a score of this size has in a simple model; it keeps the
            interval of few units from being narrow by chance. 0 without such a model.
        inner_value: The value with two made-up units, one right and one wrong: never 0 or 1.
            NaN without a model.
    """

    value: float
    influence: Array
    model_variance: float = 0.0
    inner_value: float = float("nan")


def mean_estimate(values: Array) -> Estimate:
    """The mean of numbers, one per unit; NaN without a unit."""
    if not len(values):
        return absent(0)
    mean = values.mean()
    return Estimate(float(mean), unbiased((values - mean) / len(values)))


def blockwise(score: Callable[[NDArray[np.intp]], float], n_units: int) -> Estimate:
    """A score and its influence from scoring anew without each block of units (jackknife).

    A block's influence stands at its first unit.

    Args:
        score: From the places of units to their score.
        n_units: Number of units.
    """
    if n_units < 2:
        return absent(n_units)
    # The same blocks for every network on the same rows, so that differences stay paired.
    order = np.random.default_rng(n_units).permutation(n_units)
    blocks = np.array_split(order, min(_N_BLOCKS, n_units))
    every = np.arange(n_units)
    without = np.array([score(np.setdiff1d(every, block)) for block in blocks])
    influence = np.zeros(n_units)
    shrink = np.sqrt((len(blocks) - 1) / len(blocks))
    influence[[block[0] for block in blocks]] = shrink * (without.mean() - without)
    return Estimate(score(every), influence)


def unbiased(influence: Array) -> Array:
    """Influences whose squares sum to an unbiased variance; NaN for a lone unit."""
    n = len(influence)
    return influence * np.sqrt(n / (n - 1)) if n > 1 else np.full(n, np.nan)


def absent(n_units: int) -> Estimate:
    """No score."""
    return Estimate(float("nan"), np.full(n_units, np.nan))
