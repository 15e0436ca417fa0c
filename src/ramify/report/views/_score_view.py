"""Each task's test score against the baselines, tasks of one metric together."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify.records import Baseline, Difference, RunRecord, TaskInfo, TaskScore
from ramify.report.charts import Axis, Histogram, Mark, axis, histogram
from ramify.report.words import METRICS, NETWORKS, Outcome, by_task, ours, outcome

COMPARED = ("no_auxiliary", "single_task", "shared")
_MOST_ROWS = 40
_EXTREMES = 8


@dataclass(frozen=True)
class Cell:
    """One task against one baseline."""

    score: float | None
    difference: Difference | None
    mark: Mark | None


@dataclass(frozen=True)
class Row:
    """One task; ``score`` is None if the record has none."""

    task: str
    score: TaskScore | None
    cells: list[Cell]


@dataclass(frozen=True)
class Column:
    """One baseline: its name, its axis, and how the tasks fared in words."""

    name: str
    axis: Axis
    tally: str
    histogram: Histogram | None


@dataclass(frozen=True)
class ScoreTable:
    """The tasks of one metric.

    Attributes:
        metric: Its name.
        higher_is_better: Its direction.
        percent: Whether pictures show differences in percent of the baseline's score.
        columns: The baselines.
        rows: All tasks.
        gains: The largest gains, if there are too many tasks to show all.
        losses: The largest losses, likewise.
    """

    metric: str
    higher_is_better: bool
    percent: bool
    columns: list[Column]
    rows: list[Row]
    gains: list[Row]
    losses: list[Row]

    @property
    def is_long(self) -> bool:
        """Whether the whole table is folded away."""
        return len(self.rows) > _MOST_ROWS


def score_tables(record: RunRecord) -> list[ScoreTable]:
    """One table per metric, in the order of the tasks."""
    metrics = dict.fromkeys(task.metric for task in record.tasks)
    return [_table(record, [t for t in record.tasks if t.metric == each]) for each in metrics]


def _table(record: RunRecord, tasks: Sequence[TaskInfo]) -> ScoreTable:
    # Errors in different units cannot share an axis; relative to the baseline they can.
    percent = tasks[0].metric == "rmse"
    known = [name for name in COMPARED if name in record.baselines]
    columns = [_column(record.baselines[name], name, tasks, percent) for name in known]
    scores = {score.task: score for score in record.scores.test}
    sides = [
        _cells(record.baselines[c], tasks, column) for c, column in zip(known, columns, strict=True)
    ]
    rows = [
        Row(task.name, scores.get(task.name), [side[i] for side in sides])
        for i, task in enumerate(tasks)
    ]
    ranked = sorted(
        (row for row in rows if _gain(row) is not None), key=lambda row: _gain(row) or 0.0
    )
    most = _EXTREMES if len(rows) > _MOST_ROWS else 0
    gains = [row for row in reversed(ranked) if (_gain(row) or 0) > 0][:most]
    losses = [row for row in ranked if (_gain(row) or 0) < 0][:most]
    metric = tasks[0].metric
    name = METRICS.get(metric, metric)
    return ScoreTable(name, tasks[0].higher_is_better, percent, columns, rows, gains, losses)


def _gain(row: Row) -> float | None:
    first = row.cells[0].difference if row.cells else None
    return None if first is None else first.value


def _units(baseline: Baseline, percent: bool) -> dict[str, float]:
    if not percent:
        return {}
    scores = by_task(baseline.scores.test)
    return {name: abs(score.value or 0.0) / 100 or 1.0 for name, score in scores.items()}


def _column(baseline: Baseline, name: str, tasks: Sequence[TaskInfo], percent: bool) -> Column:
    names = {task.name for task in tasks}
    found = [d for d in baseline.differences if d.task in names and d.value is not None]
    units = _units(baseline, percent)
    ends = [
        value / units.get(d.task, 1.0)
        for d in found
        for value in (d.value, d.low, d.high)
        if value is not None
    ]
    drawn = [(d.value or 0.0) / units.get(d.task, 1.0) for d in found]
    against = NETWORKS[name]
    label = f"gain over {against}{', percent' if percent else ''}"
    picture = histogram(drawn, label) if len(names) > _MOST_ROWS and drawn else None
    return Column(against, axis(ends, percent), _tally(found), picture)


def _tally(found: Sequence[Difference]) -> str:
    gained = sum((d.value or 0) > 0 for d in found)
    lost = sum((d.value or 0) < 0 for d in found)
    clearly = [sum(outcome(d) is side for d in found) for side in (Outcome.BETTER, Outcome.WORSE)]
    return f"{gained:,} gained ({clearly[0]:,} clearly), {lost:,} lost ({clearly[1]:,} clearly)"


def _cells(baseline: Baseline, tasks: Sequence[TaskInfo], column: Column) -> list[Cell]:
    scores = {score.task: score for score in baseline.scores.test}
    differences = {d.task: d for d in baseline.differences}
    units = _units(baseline, column.axis.percent)
    cells = []
    for task in tasks:
        score, difference = scores.get(task.name), differences.get(task.name)
        mark = column.axis.mark(difference, units.get(task.name, 1.0)) if difference else None
        cells.append(Cell(None if score is None else score.value, difference, mark))
    return cells


@dataclass(frozen=True)
class OverallTable:
    """One line per score, one column per network; None where a network has no such score."""

    networks: list[str]
    rows: list[tuple[str, list[float | None]]]


def overall_table(record: RunRecord) -> OverallTable | None:
    """The table; None if the record has no such score."""
    sides = {ours(record).name: record.scores.overall} | {
        NETWORKS.get(name, name): each.scores.overall for name, each in record.baselines.items()
    }
    names = list(record.scores.overall)
    if not names:
        return None
    return OverallTable(list(sides), [(n, [side.get(n) for side in sides.values()]) for n in names])
