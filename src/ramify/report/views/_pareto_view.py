"""Score against cost: which methods no other one beats in both."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from ramify.records import ComparisonRecord, MethodResult
from ramify.report.charts import Chart, Point, chart, frame
from ramify.report.words import duration, large, number, shown, unit_of

_WIDTH, _HEIGHT = 470, 290
_LETTER, _LINE = 6.2, 13.0
_LONGEST = 24


@dataclass(frozen=True)
class Label:
    """A name beside its dot."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True)
class ParetoPicture:
    """A chart, the names of its dots, and the methods on the front."""

    chart: Chart
    labels: list[Label]
    front: list[str]


def pareto_pictures(record: ComparisonRecord, what: str) -> list[ParetoPicture]:
    """Score against size and against training time; none with fewer than two scores.

    Args:
        record: What the comparison did and found.
        what: What the score is a mean of.
    """
    known = [method for method in record.methods if method.test is not None]
    if len(known) < 2:
        return []
    chosen = "" if record.recommendation is None else record.recommendation.method
    forests = any(method.structure == "forest" for method in known)
    size = "parameters (a forest: nodes)" if forests else "parameters"
    return [
        _picture(known, chosen, f"{what} by {size}", size, lambda m: m.size, large),
        _picture(
            known, chosen, f"{what} by training time", "seconds", lambda m: m.seconds, _seconds
        ),
    ]


def pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """Which points no other one beats: none has a score as high at a cost as low, and one better.

    Example:
        >>> pareto_front([1.0, 2.0, 3.0], [0.7, 0.6, 0.8])
        [0, 2]
    """
    pairs = list(zip(costs, scores, strict=True))

    def beaten(cost: float, score: float) -> bool:
        return any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in pairs)

    return [i for i, pair in enumerate(pairs) if not beaten(*pair)]


def _picture(
    methods: Sequence[MethodResult],
    chosen: str,
    title: str,
    label: str,
    cost: Callable[[MethodResult], float],
    text: Callable[[float], str],
) -> ParetoPicture:
    points = [Point(max(cost(m), 1e-3), m.test or 0.0, _tip(m), m.name == chosen) for m in methods]
    span = frame(points, spread_x=True)
    front = pareto_front([p.x for p in points], [p.y for p in points])
    ordered = sorted((points[i] for i in front), key=lambda p: p.x)
    options = {"x_label": label, "x_text": text, "width": _WIDTH, "height": _HEIGHT}
    line = chart(title, ordered, span, **options)  # type: ignore[arg-type]  # all named
    every = chart(title, points, span, connected=False, **options)  # type: ignore[arg-type]
    names = [shown(m.name, _LONGEST) for m in methods]
    drawn = replace(every, line=line.line)
    first = {names[i] for i in front}
    return ParetoPicture(drawn, _labels(drawn, names, first), [methods[i].name for i in front])


def _labels(drawn: Chart, names: Sequence[str], first: Collection[str]) -> list[Label]:
    """Names beside their dots, moved down where two would meet.

    Where there is no room above the axis, only the tip of the dot has the name; those of the front
    come first.
    """
    placed: list[Label] = []
    middle = drawn.width * 0.55
    dots = zip(drawn.dots, names, strict=True)
    for dot, name in sorted(dots, key=lambda pair: (pair[1] not in first, pair[0].y)):
        left = dot.x > middle
        # Off the line, which rises to the right.
        x, y = (dot.x - 8, dot.y - 5) if left else (dot.x + 8, dot.y + 13)
        label = Label(x, y, "end" if left else "start", name)
        while any(_meet(label, other) for other in placed):
            label = replace(label, y=label.y + _LINE)
        if label.y < drawn.box["bottom"] or name in first:
            placed.append(label)
    return placed


def _meet(one: Label, other: Label) -> bool:
    if abs(one.y - other.y) >= _LINE:
        return False
    (a, b), (c, d) = _ends(one), _ends(other)
    return a < d and c < b


def _ends(label: Label) -> tuple[float, float]:
    length = _LETTER * len(label.text)
    return (label.x - length, label.x) if label.anchor == "end" else (label.x, label.x + length)


def _tip(method: MethodResult) -> str:
    return (
        f"{shown(method.name)}: {number(method.test or 0.0)}, {large(method.size)} {unit_of(method.structure)}, "
        f"{duration(method.seconds)}"
    )


def _seconds(value: float) -> str:
    return f"{value:g}"
