"""Training curves: loss and validation score of every network that was trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from ramify.records import CurvePoint
from ramify.report.charts import Chart, Frame, Point, chart, frame
from ramify.report.words import number

_MOST_DOTS = 60
_MOST_SHOWN = 6
_MOST_DRAWN = 24


@dataclass(frozen=True)
class Phase:
    """One network's training, in numbers and as charts (None if too many phases)."""

    name: str
    epochs: int
    last_loss: float
    best_score: float | None
    loss: Chart | None
    score: Chart | None


@dataclass(frozen=True)
class Curves:
    """All phases; the charts of the first few are shown, of some more folded away."""

    phases: list[Phase]
    shown: list[Phase]
    folded: list[Phase]


def curves(points: Sequence[CurvePoint]) -> Curves | None:
    """Sort points into phases and put them on paper, all on the same axes."""
    if not points:
        return None
    by_phase: dict[str, list[CurvePoint]] = {}
    for point in points:
        by_phase.setdefault(point.phase, []).append(point)
    drawn = [each for phase in list(by_phase.values())[:_MOST_DRAWN] for each in phase]
    losses, scores = frame(_losses(drawn)), _frame_of(_scores(drawn), drawn)
    phases = [
        _phase(name, each, losses, scores, i < _MOST_DRAWN)
        for i, (name, each) in enumerate(by_phase.items())
    ]
    return Curves(phases, phases[:_MOST_SHOWN], phases[_MOST_SHOWN:_MOST_DRAWN])


def _frame_of(scores: list[Point], drawn: Sequence[CurvePoint]) -> Frame | None:
    if not scores:
        return None
    # The same epochs as the loss above it, also where some scores are absent.
    return Frame(frame(_losses(drawn)).x, frame(scores).y)


def _phase(
    name: str, points: Sequence[CurvePoint], losses: Frame, scores: Frame | None, drawn: bool
) -> Phase:
    found = [p.validation_score for p in points if p.validation_score is not None]
    rules = _widenings(points)
    loss = chart("training loss", _losses(points), losses, x_label="epoch", height=150, rules=rules)
    score = None
    if scores and found:
        score = chart(
            "validation score", _scores(points), scores, x_label="epoch", height=150, rules=rules
        )
    return Phase(
        name,
        len(points),
        points[-1].loss,
        max(found, default=None),
        loss if drawn else None,
        score if drawn else None,
    )


def _widenings(points: Sequence[CurvePoint]) -> list[tuple[float, str]]:
    pairs = pairwise(points)
    return [
        (
            after.epoch,
            f"epoch {after.epoch}: branches per stage {_arrows(before)} become {_arrows(after)}",
        )
        for before, after in pairs
        if before.widths != after.widths
    ]


def _arrows(point: CurvePoint) -> str:
    return ", ".join(str(width) for width in point.widths)


def _losses(points: Sequence[CurvePoint]) -> list[Point]:
    values = [(p.epoch, p.loss) for p in points]
    return _points(values, "loss")


def _scores(points: Sequence[CurvePoint]) -> list[Point]:
    values = [(p.epoch, p.validation_score) for p in points if p.validation_score is not None]
    return _points(values, "validation score")


def _points(values: Sequence[tuple[int, float]], what: str) -> list[Point]:
    every = ceil(len(values) / _MOST_DOTS) or 1
    return [
        Point(epoch, value, f"epoch {epoch}: {what} {number(value)}" if not i % every else "")
        for i, (epoch, value) in enumerate(values)
    ]
