"""Means over seeds, and intervals of paired differences."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import t as student

from ramify.metrics import holm
from ramify.records import Gain

Values = Sequence[float] | NDArray[np.float64]

_COVERAGE = 0.95
_SAME = 1e-9
_FEWEST_SEEDS = 3


def paired_gain(differences: Values, overlap: float = 0.0) -> Gain:
    r"""The mean of paired differences and its 95 % interval over seeds.

    .. math:: \bar d \pm t_{n-1} \sqrt{(1/n + \rho)\, s^2}

    where :math:`s` is the standard deviation of the *n* differences. With :math:`\rho = 0` it is
    the usual t-interval. Where every seed divides the same rows anew, training sets overlap and
    the differences are not independent; :math:`\rho` = test rows ÷ training rows makes up for it.

    Args:
        differences: One per seed, positive is better; NaN where a seed has none.
        overlap: :math:`\rho`.

    Returns:
        The ends are None with fewer than two seeds, and where all seeds have the same difference
        other than 0: with few test rows scores have few values, and an interval without width
        would be clear by that alone. It is clear as in `paired_gains`, of a family of one.

    References:
        Nadeau, Bengio. *Inference for the Generalization Error*, Machine Learning 2003, eq. 8.

    Example:
        >>> gain = paired_gain([0.01, 0.02, 0.03])
        >>> round(gain.value, 3), round(gain.low, 4), round(gain.high, 4)
        (0.02, -0.0048, 0.0448)
    """
    (gain,) = paired_gains(np.asarray(differences, dtype=np.float64)[:, None], overlap)
    return gain


def paired_gains(differences: Float[np.ndarray, "seed item"], overlap: float = 0.0) -> list[Gain]:
    """`paired_gain` of each of several items, such as tasks.

    They are clear where Holm's procedure says so, so that at most one family of items in twenty
    holds a false claim; and where there are three seeds or more, since with two a small spread by
    chance decides.

    Args:
        differences: Positive is better; NaN where a seed has none.
        overlap: As for `paired_gain`.
    """
    clear = holm(np.array([_p_value(column, overlap) for column in differences.T]))
    return [
        _interval(column, overlap).model_copy(update={"clear": bool(is_clear)})
        for column, is_clear in zip(differences.T, clear, strict=True)
    ]


def _p_value(differences: NDArray[np.float64], overlap: float) -> float:
    """Of no difference; NaN where nothing can be claimed."""
    known, error = _known(differences), standard_error(differences, overlap)
    if len(known) < _FEWEST_SEEDS or not error:
        return float("nan")
    return 2 * float(student.sf(abs(known.mean()) / error, len(known) - 1))


def _interval(differences: NDArray[np.float64], overlap: float) -> Gain:
    known = _known(differences)
    if len(known) == 0:
        return Gain(value=None, low=None, high=None, seeds=0)
    mean = float(known.mean())
    error = standard_error(known, overlap)
    if error is None or (mean != 0 and np.allclose(known, mean, rtol=_SAME, atol=0)):
        return Gain(value=mean, low=None, high=None, seeds=len(known))
    room = float(student.ppf((1 + _COVERAGE) / 2, len(known) - 1)) * error
    return Gain(value=mean, low=mean - room, high=mean + room, seeds=len(known))


def standard_error(differences: Values, overlap: float) -> float | None:
    """Standard error of the mean of paired differences; None with fewer than two.

    Args:
        differences: One per seed.
        overlap: As for `paired_gain`.
    """
    known = _known(differences)
    if len(known) < 2:
        return None
    return float(known.std(ddof=1)) * sqrt(1 / len(known) + overlap)


def mean_of(values: Values) -> float | None:
    """The mean of what is not NaN; None if there is nothing."""
    known = _known(values)
    return float(known.mean()) if len(known) else None


def spread_of(values: Values) -> float | None:
    """The standard deviation of what is not NaN; None with fewer than two."""
    known = _known(values)
    return float(known.std(ddof=1)) if len(known) > 1 else None


def _known(values: Values) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[~np.isnan(array)]
