r"""Intervals and p-values from the influence of rows, and from what retraining changes.

The variance of a value has two parts: that of the rows, from their influence (see `Estimate`), and that of
training, from networks trained alike but for their seed. Either may be known from little: few rows of a class,
or two networks. Each part therefore has its own degrees of freedom.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import stdtr, stdtrit

from ramify.metrics._scores import TaskScores

Array = NDArray[np.float64]

_COVERAGE = 0.95
_HALVINGS = 40
_MODEL_ROWS = 4


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its 95 % interval; NaN where it cannot be said.

    Attributes:
        value: The value.
        low: Lower end.
        high: Upper end.
        p: Two-sided p-value of the value being 0; NaN where there is no interval.
    """

    value: float
    low: float
    high: float
    p: float = float("nan")


@dataclass(frozen=True, eq=False)
class Spread:
    """A part of the variance of several values.

    Attributes:
        variance: Of each value, 0 or more.
        freedom: Degrees of freedom that it is known with, 1 or more.
    """

    variance: Float[np.ndarray, " item"]
    freedom: Float[np.ndarray, " item"]


def spread_over_rows(
    influence: Float[np.ndarray, "row item"], groups: Int64[np.ndarray, " row"] | None = None
) -> Spread:
    r"""What drawing other rows, or other groups of rows, would change.

    The degrees of freedom follow from the fourth moment of the influence,
    :math:`\nu = 3 (\sum \psi^2)^2 / \sum \psi^4 - 1`: the number of rows where the influence is normal, about
    the number of positives where these are few, and few where single rows decide.

    Args:
        influence: What each row adds to the error of each value; a column of NaN where unknown.
        groups: Number of each row's group, if whole groups were drawn.
    """
    if groups is not None:
        names, place = np.unique(groups, return_inverse=True)
        if len(names) > 1:
            influence = _sums(influence, place, len(names)) * np.sqrt(len(names) / (len(names) - 1))
    squares = influence.astype(np.float64) ** 2
    variance = squares.sum(axis=0)
    fourth = (squares**2).sum(axis=0)
    freedom = np.ones_like(variance)
    np.divide(3 * variance**2, fourth, out=freedom, where=fourth > 0)
    return Spread(variance, np.maximum(freedom - 1, 1.0))


def spread_over_trainings(left_out: Float[np.ndarray, "member item"]) -> Spread:
    """What retraining would change, from networks that answer together.

    Args:
        left_out: Each value without one of the networks (jackknife); two or more.
    """
    n = len(left_out)
    variance = (n - 1) * left_out.var(axis=0)
    return Spread(variance, np.full(left_out.shape[1], n - 1.0))


def sum_of_spreads(*parts: Spread) -> Spread:
    """The spread of a sum or difference of independent values.

    Args:
        parts: Spreads of as many values each.
    """
    variance = np.sum([part.variance for part in parts], axis=0)
    doubt = np.sum([part.variance**2 / part.freedom for part in parts], axis=0)
    freedom = np.min([part.freedom for part in parts], axis=0)
    np.divide(variance**2, doubt, out=freedom, where=doubt > 0)
    return Spread(variance, freedom)


def intervals(
    values: Float[np.ndarray, " item"], rows: Spread, trainings: Spread | None = None
) -> list[Interval]:
    """Values with their intervals.

    Args:
        values: NaN where absent.
        rows: What drawing other rows would change.
        trainings: What retraining would change; None if that is not asked for.
    """
    half = _quantile(np.full(len(values), 1 - (1 - _COVERAGE) / 2), rows, trainings)
    half = half * _deviation(rows, trainings)
    p = _p_values(values, rows, trainings)
    found = zip(values, values - half, values + half, p, strict=True)
    return [Interval(*map(float, each)) for each in found]


def score_intervals(
    scores: TaskScores, groups: Int64[np.ndarray, " row"] | None = None
) -> list[Interval]:
    r"""Scores with their intervals, which stay within the score's range.

    A score between 0 and 1 with the variance :math:`V` has that of a share of
    :math:`n = \theta (1 - \theta) / V` rows, and Wilson's interval of it; an error has a
    symmetric one of its logarithm.

    Args:
        scores: Of one network.
        groups: Number of each row's group, if whole groups were drawn.

    References:
        Wilson. *Probable inference, the law of succession, and statistical inference*, 1927; Korn,
        Graubard. *Confidence intervals for proportions with small expected number of positive
        counts estimated from survey data*, 1998, for the effective number of rows.
    """
    rows = spread_over_rows(scores.influence, groups)
    # The variance that a model gives counts like four rows: of few rows the spread may be none.
    freedom = rows.freedom + _MODEL_ROWS
    mixed = (rows.freedom * rows.variance + _MODEL_ROWS * scores.model_variances) / freedom
    has_model = scores.model_variances > 0
    variance = np.where(has_model, mixed, rows.variance)
    quantile = stdtrit(np.where(has_model, freedom, rows.freedom), (1 + _COVERAGE) / 2)
    return [
        Interval(float(value), *_ends(task.kind.metric.scale, float(value), inner, spread, wide))
        for task, value, inner, spread, wide in zip(
            scores.tasks, scores.values, scores.inner_values, variance, quantile, strict=True
        )
    ]


def _ends(
    scale: str, value: float, inner: float, variance: float, quantile: float
) -> tuple[float, float]:
    if np.isnan(value) or not variance > 0:
        return float("nan"), float("nan")
    half = quantile * np.sqrt(variance)
    if scale == "error":
        return value * float(np.exp(-half / value)), value * float(np.exp(half / value))
    share = value if np.isnan(inner) else inner
    if scale == "free" or not 0 < share < 1:
        return value - half, value + half
    pull = quantile**2 * variance / (share * (1 - share))  # the quantile squared per row
    middle = (value + pull / 2) / (1 + pull)
    half = np.sqrt(pull * value * (1 - value) + pull**2 / 4) / (1 + pull)
    return float(middle - half), float(middle + half)


def holm(p: Float[np.ndarray, " item"], level: float = 0.05) -> NDArray[np.bool_]:
    """Which of several claims hold if at most one in twenty families may hold a false one.

    Args:
        p: Their p-values; NaN for what cannot be claimed.
        level: Chance of a false claim in the family.

    References:
        Holm. *A simple sequentially rejective multiple test procedure*, 1979.

    Example:
        >>> holm(np.array([0.001, 0.04, np.nan, 0.03])).tolist()
        [True, False, False, False]
    """
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    passed = p[order] <= level / np.arange(len(order), 0, -1)
    holds = np.zeros(len(p), dtype=bool)
    holds[order[np.logical_and.accumulate(passed)]] = True
    return holds


def _deviation(rows: Spread, trainings: Spread | None) -> Array:
    variance = rows.variance if trainings is None else rows.variance + trainings.variance
    deviation: Array = np.sqrt(variance)
    # Without any spread at all nothing was seen of it: twins, or rows that all were told right.
    return np.where(deviation > 0, deviation, np.nan)


def _quantile(level: Array, rows: Spread, trainings: Spread | None) -> Array:
    """The quantile of a value in units of its standard deviation.

    With two parts neither approximation alone holds: by one number of degrees of freedom
    (Satterthwaite) intervals are too short where two networks differ little by chance, by the
    weighted mean of both quantiles (Cochran) too long. Their mean keeps to 93 to 98 % for two
    networks and to 94 to 97 % for three or more (`benchmarks/coverage.py`).
    """
    if trainings is None:
        return stdtrit(rows.freedom, level)  # type: ignore[no-any-return]  # scipy is untyped
    total = rows.variance + trainings.variance
    share = np.divide(rows.variance, total, out=np.ones_like(total), where=total > 0)
    rest = 1 - share
    freedom = 1 / (share**2 / rows.freedom + rest**2 / trainings.freedom)
    one, other = stdtrit(rows.freedom, level), stdtrit(trainings.freedom, level)
    weighted = np.sqrt(share * one**2 + rest * other**2)
    return (stdtrit(freedom, level) + weighted) / 2  # type: ignore[no-any-return]


def _p_values(values: Array, rows: Spread, trainings: Spread | None) -> Array:
    distance = np.abs(values) / _deviation(rows, trainings)
    if trainings is None:
        return 2 * stdtr(rows.freedom, -distance)  # type: ignore[no-any-return]
    low, high = np.full(len(values), -30.0), np.zeros(len(values))  # logarithms of p
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_far = distance > _quantile(1 - np.exp(middle) / 2, rows, trainings)
        low, high = np.where(is_far, low, middle), np.where(is_far, middle, high)
    return np.where(np.isnan(distance), np.nan, np.exp(high))


def _sums(values: Array, place: NDArray[np.int64], n: int) -> Array:
    rows = np.arange(len(place))
    belongs = csr_array((np.ones(len(place)), (place, rows)), shape=(n, len(place)))
    sums: Array = belongs @ values
    return sums
