"""A small chart on paper: lines, dots and ticks, ready to be drawn as SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ramify.report.charts._scale import Scale, Tick, padded, round_values, tick_label

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 36
_LARGE_RATIO = 20


@dataclass(frozen=True)
class Point:
    """One value.

    Attributes:
        x: Across.
        y: Up.
        tip: What it says when pointed at; empty for a point of the line only.
        chosen: Whether it stands out.
    """

    x: float
    y: float
    tip: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class Frame:
    """What the axes of a chart span; several charts may share one.

    Attributes:
        x: Ends of the horizontal axis.
        y: Ends of the vertical axis.
        logarithmic: Whether x is drawn on a logarithmic scale.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    logarithmic: bool = False


def frame(points: Sequence[Point], spread_x: bool = False) -> Frame:
    """The frame that holds all points.

    Args:
        points: One or more.
        spread_x: Whether x may be drawn on a logarithmic scale if its values differ widely.
    """
    across, up = [point.x for point in points], [point.y for point in points]
    low, high = min(across), max(across)
    if spread_x and low > 0 and high / low > _LARGE_RATIO:
        return Frame((low / 1.3, high * 1.3), padded(min(up), max(up)), logarithmic=True)
    return Frame(padded(low, high, 0.06 if spread_x else 0.02), padded(min(up), max(up)))


@dataclass(frozen=True)
class Chart:
    """A chart on paper; all places are in its own units, from the upper left."""

    title: str
    x_label: str
    line: str
    dots: list[Point]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    rules: list[Tick]
    width: int
    height: int
    box: dict[str, int] = field(default_factory=dict)


def chart(
    title: str,
    points: Sequence[Point],
    span: Frame,
    *,
    x_label: str,
    height: int = 190,
    width: int = 340,
    x_text: Callable[[float], str] = tick_label,
    y_text: Callable[[float], str] = tick_label,
    connected: bool = True,
    rules: Sequence[tuple[float, str]] = (),
) -> Chart:
    """Put values on paper.

    Args:
        title: What the chart shows.
        points: The values, from left to right.
        span: What the axes span.
        x_label: What x is.
        height: Of the paper.
        width: Of the paper.
        x_text: How a tick of x is written.
        y_text: How a tick of y is written.
        connected: Whether a line joins the points.
        rules: Vertical lines, each with what it says when pointed at.
    """
    x = Scale(*span.x, _LEFT, width - _RIGHT, span.logarithmic)
    y = Scale(*span.y, height - _BOTTOM, _TOP)
    return Chart(
        title,
        x_label,
        " ".join(f"{x(p.x)},{y(p.y)}" for p in points) if connected and len(points) > 1 else "",
        [Point(x(p.x), y(p.y), p.tip, p.chosen) for p in points if p.tip],
        [Tick(x(value), x_text(value)) for value in _x_values(span)],
        [Tick(y(value), y_text(value)) for value in round_values(*span.y)],
        [Tick(x(at), tip) for at, tip in rules],
        width,
        height,
        {"left": _LEFT, "right": width - _RIGHT, "top": _TOP, "bottom": height - _BOTTOM},
    )


def _x_values(span: Frame) -> list[float]:
    low, high = span.x
    if not span.logarithmic:
        return round_values(low, high)
    decades = [10.0**k for k in range(-3, 16)]
    inside = [value for value in decades if low <= value <= high]
    halves = [value * 3 for value in decades if low <= value * 3 <= high]
    return sorted(inside + halves) if len(inside) < 3 else inside
