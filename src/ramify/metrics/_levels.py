"""How well levels that rise were told."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ramify.metrics._estimate import Estimate, absent, unbiased

Array = NDArray[np.float64]


def expected_level(reaching: Float[np.ndarray, "row threshold"]) -> Float[np.ndarray, " row"]:
    """The mean of the levels, from 0 up, under the probabilities of reaching each but the lowest."""
    mean: Array = reaching.astype(np.float64).sum(axis=1)
    return mean


def most_fitting_level(reaching: Float[np.ndarray, "row threshold"]) -> Float[np.ndarray, " row"]:
    """The level nearest to the expected one: that with the least expected squared distance.

    Example:
        >>> most_fitting_level(np.array([[0.9, 0.8], [0.5, 0.1]])).tolist()
        [2.0, 1.0]
    """
    level: Array = np.floor(expected_level(reaching) + 0.5)
    return level


def weighted_kappa(
    reaching: Float[np.ndarray, "unit threshold"], targets: Float[np.ndarray, " unit"]
) -> Estimate:
    r"""Cohen's kappa with quadratic weights of the most fitting levels: 1 perfect, 0 chance.

    .. math:: \kappa = 1 - \frac{E[(p - y)^2]}{E[p^2] + E[y^2] - 2 E[p] E[y]}

    where the denominator is the squared distance of levels *p* and *y* drawn independently.

    Args:
        reaching: Probability of each level but the lowest, or a higher one.
        targets: The true levels, from 0 up.

    Returns:
        At most 1; absent if the labels are of one level only.

    References:
        Cohen. *Weighted kappa*, Psychological Bulletin 1968.

    Example:
        >>> weighted_kappa(np.array([[0.1], [0.9]]), np.array([0.0, 1.0])).value
        1.0
    """
    level, n = most_fitting_level(reaching), len(targets)
    if n == 0 or np.ptp(targets) == 0:
        return absent(n)
    told, true = level.mean(), targets.mean()
    apart = (level - targets) ** 2
    # Its mean is the denominator, and its deviations from it are the denominator's influence.
    by_chance = level**2 + targets**2 - 2 * level * true - 2 * told * targets + 2 * told * true
    chance = by_chance.mean()
    ratio = apart.mean() / chance
    value = float(np.round(1 - ratio, 12)) + 0.0  # chance is 0, not what rounding leaves of it
    return Estimate(value, unbiased((ratio * by_chance - apart) / (chance * n)))


def level_error(reaching: Array, targets: Array) -> float:
    """Mean distance in levels between the most fitting level and the true one; NaN without a row."""
    if len(targets) == 0:
        return float("nan")
    return float(np.abs(most_fitting_level(reaching) - targets).mean())


def level_correlation(reaching: Array, targets: Array) -> float:
    """Spearman's correlation of expected and true levels; NaN if either does not vary."""
    expected = expected_level(reaching)
    if len(targets) < 2 or np.ptp(expected) == 0 or np.ptp(targets) == 0:
        return float("nan")
    return float(spearmanr(expected, targets).statistic)
