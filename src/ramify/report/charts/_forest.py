"""Differences with their intervals on one axis through 0, one small picture per row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ramify.records import Difference
from ramify.report.charts._scale import Scale, Tick, step, tick_label
from ramify.report.words import outcome

WIDTH = 150
_EDGE = 6
_MANY = 40


@dataclass(frozen=True)
class Mark:
    """One difference on paper.

    Attributes:
        x: Place of the value.
        low: Place of the interval's lower end.
        high: Place of its upper end.
        outcome: ``better``, ``worse``, ``unclear`` or ``untested``.
    """

    x: float
    low: float
    high: float
    outcome: str


@dataclass(frozen=True)
class Axis:
    """The axis that the marks of a column share, symmetric about 0."""

    limit: float
    percent: bool

    @property
    def ticks(self) -> list[Tick]:
        """Its ends and the 0."""
        unit = " %" if self.percent else ""
        scale = self.scale
        return [
            Tick(
                scale(value),
                f"{'+' if value > 0 else ''}{tick_label(value)}{unit if value else ''}",
            )
            for value in (-self.limit, 0.0, self.limit)
        ]

    @property
    def scale(self) -> Scale:
        """From a value to its place."""
        return Scale(-self.limit, self.limit, _EDGE, WIDTH - _EDGE)

    def mark(self, difference: Difference, unit: float = 1.0) -> Mark | None:
        """The place of a difference, or None if it is absent.

        Args:
            difference: Value and interval.
            unit: What they are divided by before they are drawn.
        """
        if difference.value is None:
            return None
        ends = (difference.low, difference.high)
        low, high = (difference.value if end is None else end for end in ends)
        scale = self.scale
        places = [scale(value / unit) for value in (difference.value, low, high)]
        return Mark(places[0], places[1], places[2], outcome(difference).value)


def axis(values: Sequence[float], percent: bool = False) -> Axis:
    """The axis that shows all values; among many, a few that lie far out may stick at its ends.

    Example:
        >>> axis([0.031, -0.012]).limit
        0.04
    """
    sizes = np.abs(np.array(values, dtype=np.float64))
    if not sizes.size or not sizes.max() > 0:
        return Axis(1.0, percent)
    largest, usual = float(sizes.max()), float(np.quantile(sizes, 0.98))
    if len(sizes) > _MANY and 0 < usual < largest / 3:
        largest = usual
    size = step(largest, 3)
    return Axis(float(f"{np.ceil(largest / size - 1e-9) * size:.10g}"), percent)
