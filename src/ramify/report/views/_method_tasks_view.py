"""Every task with every method, and the tasks that lost by sharing."""

from dataclasses import dataclass

from ramify.records import ComparisonRecord, Difference, Loss, TaskInfo, TaskMean
from ramify.report.charts import Axis, Mark, axis
from ramify.report.views._leaderboard_view import as_difference
from ramify.report.words import METRICS, outcome

_MOST_ROWS = 40


@dataclass(frozen=True)
class TaskCell:
    """One task with one method.

    Attributes:
        mean: Score, spread and gain.
        gain: The gain over one network per task.
        outcome: How it stands against one network per task.
        highest: Whether no method has a better mean.
    """

    mean: TaskMean
    gain: Difference
    outcome: str
    highest: bool


@dataclass(frozen=True)
class TaskTable:
    """The tasks of one metric; ``rows`` are a task and a cell per method."""

    metric: str
    higher_is_better: bool
    methods: list[str]
    rows: list[tuple[str, list[TaskCell]]]

    @property
    def is_long(self) -> bool:
        """Whether the table is folded away."""
        return len(self.rows) > _MOST_ROWS


@dataclass(frozen=True)
class LossRow:
    """A task that lost by sharing; the picture is in percent of its own network's score."""

    loss: Loss
    gain: Difference
    percent: float | None
    mark: Mark | None


@dataclass(frozen=True)
class LossTable:
    """Tasks that lost, the clear ones apart from the others, on one axis."""

    axis: Axis
    clear: list[LossRow]
    unclear: list[LossRow]


def task_tables(record: ComparisonRecord) -> list[TaskTable]:
    """One table per metric, in the order of the tasks."""
    metrics = dict.fromkeys(task.metric for task in record.tasks)
    return [_table(record, metric) for metric in metrics]


def loss_table(record: ComparisonRecord) -> LossTable:
    """The tasks that did worse with a way of sharing than alone."""
    single = next((m for m in record.methods if m.name == record.alone), None)
    own = {} if single is None else {each.task: each.value for each in single.tasks}
    units = {task: abs(value) / 100 for task, value in own.items() if value}
    ends = [
        end / units[each.task]
        for each in record.losses
        for end in (each.gain.value, each.gain.low if each.clear else None)
        if end is not None and each.task in units
    ]
    drawn = axis(ends, percent=True)
    rows = [_loss(each, units, drawn) for each in record.losses]
    clear = [row for row in rows if row.loss.clear]
    return LossTable(drawn, clear, [row for row in rows if not row.loss.clear])


def _loss(loss: Loss, units: dict[str, float], drawn: Axis) -> LossRow:
    gain = as_difference(loss.gain, loss.task)
    unit = units.get(loss.task)
    if unit is None or gain.value is None:
        return LossRow(loss, gain, None, None)
    return LossRow(loss, gain, gain.value / unit, drawn.mark(gain, unit))


def _table(record: ComparisonRecord, metric: str) -> TaskTable:
    places = [i for i, task in enumerate(record.tasks) if task.metric == metric]
    first = record.tasks[places[0]]
    rows = [(record.tasks[i].name, _cells(record, i, first)) for i in places]
    names = [method.name for method in record.methods]
    return TaskTable(METRICS.get(metric, metric), first.higher_is_better, names, rows)


def _cells(record: ComparisonRecord, place: int, task: TaskInfo) -> list[TaskCell]:
    means = [method.tasks[place] for method in record.methods]
    known = [mean.value for mean in means if mean.value is not None]
    best = (max if task.higher_is_better else min)(known, default=None)
    cells = []
    for method, mean in zip(record.methods, means, strict=True):
        gain = as_difference(mean.gain, mean.task)
        # Nothing is better or worse than itself.
        side = "untested" if method.name == record.alone else outcome(gain).value
        cells.append(TaskCell(mean, gain, side, mean.value is not None and mean.value == best))
    return cells
