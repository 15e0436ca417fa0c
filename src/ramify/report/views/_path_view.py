"""The path over α: from one shared network to one per task, and where the run stands on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify.records import PathStep
from ramify.report.charts import Chart, Frame, Point, chart, frame
from ramify.report.views._tree_view import outline, runs, widths
from ramify.report.words import large, number

_FEW_STEPS = 20


@dataclass(frozen=True)
class Step:
    """One tree of the path, for the table."""

    alpha: str
    widths: str
    outline: str
    part: PathStep


@dataclass(frozen=True)
class Path:
    """The path in two charts and a table."""

    charts: list[Chart]
    steps: list[Step]

    @property
    def is_long(self) -> bool:
        """Whether the table is folded away."""
        return len(self.steps) > _FEW_STEPS


def path_picture(steps: Sequence[PathStep]) -> Path | None:
    """Put the path on paper; None if there is none."""
    if not steps:
        return None
    ordered = sorted(steps, key=lambda step: step.parameters)
    separation = [Point(s.parameters, s.separation, _tip(s), s.chosen) for s in ordered]
    found = [
        Point(s.parameters, s.validation_score, _tip(s), s.chosen)
        for s in ordered
        if s.validation_score is not None
    ]
    span = frame(separation, spread_x=True)
    charts = [_chart("separation (lower is better)", separation, span)]
    if found:
        fitted = frame(found)
        span = Frame(span.x, fitted.y, span.logarithmic)
        charts.append(_chart("validation score (of trees that were trained)", found, span))
    most = 40 if len(steps) <= _FEW_STEPS else 12
    return Path(charts, [_step(step, most) for step in steps])


def _chart(title: str, points: Sequence[Point], span: Frame) -> Chart:
    return chart(title, points, span, x_label="parameters", x_text=large)


def _step(step: PathStep, most: int) -> Step:
    text = outline(runs(step.stages), most)
    return Step(_alpha(step), widths(step.stages), text, step)


def _alpha(step: PathStep) -> str:
    if step.alpha_high is None:
        return f"above {_end(step.alpha_low)}"
    return f"{_end(step.alpha_low)} to {_end(step.alpha_high)}"


def _end(alpha: float) -> str:
    return number(alpha) if alpha else "0"


def _tip(step: PathStep) -> str:
    score = step.validation_score
    parts = [
        "chosen" if step.chosen else "",
        f"{step.parameters:,} parameters",
        f"branches {widths(step.stages)}",
        f"separation {number(step.separation)}",
        "" if score is None else f"validation score {number(score)}",
    ]
    return " · ".join(part for part in parts if part)
