"""Charts as SVG."""

from ramify.report.charts._chart import Chart, Frame, Point, chart, frame
from ramify.report.charts._forest import Axis, Mark, axis
from ramify.report.charts._group_marks import GroupMark, group_marks
from ramify.report.charts._histogram import Histogram, histogram
from ramify.report.charts._scale import Scale, Tick, padded, round_values, tick_label

__all__ = [
    "Axis",
    "Chart",
    "Frame",
    "GroupMark",
    "Histogram",
    "Mark",
    "Point",
    "Scale",
    "Tick",
    "axis",
    "chart",
    "frame",
    "group_marks",
    "histogram",
    "padded",
    "round_values",
    "tick_label",
]
