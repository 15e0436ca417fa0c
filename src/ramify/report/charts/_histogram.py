"""How many tasks have which value: bars of equal width."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ramify._core import counted
from ramify.report.charts._scale import Scale, Tick, padded, round_values, tick_label

WIDTH, HEIGHT = 340, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 10, 8, 34
_BINS = 30


@dataclass(frozen=True)
class Bar:
    """One bar on paper, with what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    side: str
    tip: str


@dataclass(frozen=True)
class Histogram:
    """Bars, ticks, and where 0 is if it is in sight."""

    label: str
    bars: list[Bar]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    zero: float | None
    floor: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def histogram(values: Sequence[float], label: str, signed: bool = True) -> Histogram:
    """Count values.

    Args:
        values: One or more numbers.
        label: What they are, below the axis.
        signed: Whether the bars left and right of 0 differ in colour.
    """
    low, high = padded(min(values), max(values), 0.02)
    # A bin edge on 0 keeps gains and losses out of one bar.
    width = (high - low) / _BINS
    first, last = int(np.floor(low / width)), int(np.ceil(high / width))
    edges = np.arange(first, last + 1) * width
    counts, _ = np.histogram(np.array(values), edges)
    x = Scale(float(edges[0]), float(edges[-1]), _LEFT, WIDTH - _RIGHT)
    y = Scale(0, float(counts.max()), HEIGHT - _BOTTOM, _TOP)
    bars = [
        _bar(float(a), float(b), int(n), x, y, signed)
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    ]
    return Histogram(
        label,
        bars,
        [Tick(x(v), tick_label(v)) for v in round_values(x.low, x.high, 5)],
        [Tick(y(v), tick_label(v)) for v in round_values(0, y.high, 3) if v == int(v)],
        x(0.0) if signed and x.low <= 0 <= x.high else None,
    )


def _bar(low: float, high: float, count: int, x: Scale, y: Scale, signed: bool) -> Bar:
    side = "unclear" if not signed else "worse" if high <= 1e-12 else "better"
    tip = f"{tick_label(round(low, 4))} to {tick_label(round(high, 4))}: {counted(count, 'task')}"
    top = y(count)
    return Bar(
        x(low),
        top,
        round(max(x(high) - x(low) - 1, 0.5), 1),
        round(HEIGHT - _BOTTOM - top, 1),
        side,
        tip,
    )
