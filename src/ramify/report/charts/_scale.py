"""Axes: ends and ticks at round numbers, and the way from a value to a place on paper."""

from dataclasses import dataclass
from math import ceil, floor, log10

from ramify.report.words import MINUS


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Maps ``low``…``high`` to ``start``…``end`` on paper; outside values stick to the ends."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value."""
        low, high = self._inner(self.low), self._inner(self.high)
        part = (self._inner(value) - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(part, 0.0), 1.0) * (self.end - self.start), 1)

    def _inner(self, value: float) -> float:
        return log10(value) if self.logarithmic else value


def step(span: float, parts: int) -> float:
    """The round number (1, 2 or 5 times a power of ten) that divides a span best.

    Example:
        >>> step(0.9, 4), step(700, 5)
        (0.2, 100.0)
    """
    rough = span / parts
    power = 10.0 ** floor(log10(rough))
    sizes = [power * factor for factor in (1, 2, 5, 10)]
    return min(sizes, key=lambda size: abs(size - rough))


def round_values(low: float, high: float, parts: int = 4) -> list[float]:
    """Round numbers from ``low`` to ``high``.

    Example:
        >>> round_values(0.03, 0.52)
        [0.1, 0.2, 0.3, 0.4, 0.5]
    """
    if not high > low:
        return [low]
    size = step(high - low, parts)
    first, last = ceil(low / size - 1e-9), floor(high / size + 1e-9)
    return [float(f"{i * size:.10g}") for i in range(first, last + 1)]


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """Ends with a little room; never of zero width.

    Example:
        >>> padded(1.0, 1.0)
        (0.5, 1.5)
    """
    if low == high:
        room = abs(low) / 2 or 0.5
        return low - room, high + room
    room = share * (high - low)
    return low - room, high + room


def tick_label(value: float) -> str:
    """A tick's number, as short as it can be.

    Example:
        >>> tick_label(0.5), tick_label(-2), tick_label(0)
        ('.5', '−2', '0')
    """
    text = f"{abs(value):.6g}"
    text = text[1:] if text.startswith("0.") else text
    return f"{MINUS}{text}" if value < 0 else text
