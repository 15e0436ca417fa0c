"""Kinds of task in which order counts: levels that rise, and rows that are put in order."""

from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import expm1, log
from typing import Final

from ramify._core import InputError, checked, quoted
from ramify.tasks._kind import KAPPA, NDCG, Kind, LabelRange, Metric

NDCG_PLACES: Final = 10
# A score grows by all weights of a head at once, a threshold by one number alone: in the same steps
# it would fall behind, and the probabilities with it.
THRESHOLD_PACE: Final = 20.0


@checked
@dataclass(frozen=True)
class Ordinal(Kind):
    r"""One of several levels that rise, such as low, mid, high: proportional odds.

    A single score decides, with a threshold between each two levels,

    .. math:: P(y \ge k) = \sigma(\eta_k), \qquad \eta_1 = s, \quad
              \eta_{k+1} = \eta_k - \log(1 + e^{20\,o_k})

    so the probabilities of rising levels never cross. Only the first output, *s*, reads features;
    each further one, :math:`o_k`, is a number that is learned and the same for all rows; the factor
    (`THRESHOLD_PACE`) lets it keep up with the score. It is scored by Cohen's kappa with quadratic
    weights.

    Attributes:
        levels: The labels as they stand in the table, from the lowest to the highest.
        rates: Share of each among the training labels, positive, as far as they are known.

    Raises:
        InputError: If there are fewer than two levels, or the rates do not fit them.

    References:
        McCullagh. *Regression Models for Ordinal Data*, 1980, section 2.1.
        Cohen. *Weighted kappa*, 1968 (for the score).

    Example:
        >>> Ordinal(("low", "mid", "high")).n_outputs
        2
    """

    levels: tuple[str, ...]
    rates: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is an order, and that the rates have finite logarithms."""
        if len(self.levels) < 2 or len(set(self.levels)) < len(self.levels):
            raise InputError(
                "`levels` must be two or more different labels, from the lowest to the highest. "
                f"Got {quoted(list(self.levels))}"
            )
        if self.rates and (len(self.rates) != len(self.levels) or min(self.rates) <= 0):
            raise InputError(
                "`rates` must be positive, one per level, or empty. "
                f"Got {len(self.rates)} for {len(self.levels)} levels"
            )

    @property
    def name(self) -> str:
        """The word that the command line and the record use."""
        return "ordinal"

    @property
    def n_outputs(self) -> int:
        """Columns of the head's output: one per threshold."""
        return len(self.levels) - 1

    @property
    def start_outputs(self) -> tuple[float, ...]:
        """The score and distances at which each level has its rate."""
        rates = self.rates or (1 / len(self.levels),) * len(self.levels)
        below = list(accumulate(rates))
        logits = [log((below[-1] - b) / b) for b in below[:-1]]
        gaps = [log(expm1(higher - lower)) / THRESHOLD_PACE for higher, lower in pairwise(logits)]
        return (logits[0], *gaps)

    @property
    def metric(self) -> Metric:
        """The score of the task."""
        return KAPPA

    @property
    def labels(self) -> tuple[str, ...]:
        """The levels."""
        return self.levels

    @property
    def label_range(self) -> LabelRange:
        """The places of the levels, from 0."""
        return LabelRange(0, len(self.levels) - 1, whole=True)

    @property
    def n_constant(self) -> int:
        """Distances between thresholds: all outputs but the score."""
        return self.n_outputs - 1


@dataclass(frozen=True)
class Ranking(Kind):
    """Rows in order, within a group of rows such as the answers to one query: one score per row.

    Labels say how relevant a row is, from 0 up; only their order within a group is learned, from
    pairs of rows. Which rows make a group is a matter of the data; without groups all rows are
    one. It is scored by the normalised discounted cumulative gain of the first `NDCG_PLACES`.
    """

    @property
    def name(self) -> str:
        """The word that the command line and the record use."""
        return "ranking"

    @property
    def n_outputs(self) -> int:
        """Columns of the head's output."""
        return 1

    @property
    def start_outputs(self) -> tuple[float, ...]:
        """No row before another."""
        return (0.0,)

    @property
    def metric(self) -> Metric:
        """The score of the task."""
        return NDCG

    @property
    def label_range(self) -> LabelRange:
        """How relevant, from 0 up."""
        return LabelRange(low=0)

    @property
    def compares_rows(self) -> bool:
        """Only differences of scores within a group are learned."""
        return True
