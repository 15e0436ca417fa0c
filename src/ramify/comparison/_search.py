"""Which settings to try next: what a sampler of a search is, and what it is told."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """The values that a setting may take.

    Attributes:
        low: The lowest.
        high: The highest.
        is_log: Whether the scale is logarithmic.
    """

    low: float
    high: float
    is_log: bool = False


Space = Mapping[str, Span]
Values = Mapping[str, float]


@dataclass(frozen=True)
class Tried:
    """One trial that is over.

    Attributes:
        values: Of the settings.
        skill: Mean validation skill, higher is better; None if it failed or has none.
    """

    values: Values
    skill: float | None


class Search(ABC):
    """Says which settings to try next.

    A proposal follows from what was tried and from nothing else, so that a search that was stopped
    goes on as if it had not been, with the results of its finished runs for a journal.
    """

    @property
    @abstractmethod
    def packages(self) -> Sequence[str]:
        """Packages on whose version the proposals depend."""

    @abstractmethod
    def check(self) -> None:
        """Make sure that nothing is missing, before anything is trained.

        Raises:
            InputError: If a package is.
        """

    @abstractmethod
    def proposal(self, space: Space, tried: Sequence[Tried]) -> Values:
        """Settings to try next.

        Args:
            space: What may be tried.
            tried: All trials before, in order.
        """


def rounded(value: float) -> float:
    """Three digits, which is as fine as a setting is tried."""
    return float(f"{value:.3g}")
