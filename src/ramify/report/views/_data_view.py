"""What the data is: its coverage by labels, and examples of each task."""

from dataclasses import dataclass

from ramify.records import DataInfo, RunRecord, TaskLabels
from ramify.report.charts import Histogram, histogram

_MOST_ROWS = 40


@dataclass(frozen=True)
class Coverage:
    """One task's labels, and the percentage of all rows that have one."""

    labels: TaskLabels
    percent: float | None


@dataclass(frozen=True)
class DataPicture:
    """Label coverage per task; as a histogram too if there are many tasks."""

    rows: int
    tasks: list[Coverage]
    histogram: Histogram | None

    @property
    def is_long(self) -> bool:
        """Whether the table is folded away."""
        return len(self.tasks) > _MOST_ROWS


def data_picture(data: DataInfo) -> DataPicture:
    """Work out how much of the table is labelled."""
    rows = sum(data.rows.values())
    tasks = [Coverage(each, _percent(each, rows)) for each in data.labels]
    known = [each.percent for each in tasks if each.percent is not None]
    label = "rows with a label, percent"
    picture = histogram(known, label, signed=False) if len(known) > _MOST_ROWS else None
    return DataPicture(rows, tasks, picture)


def _percent(labels: TaskLabels, rows: int) -> float | None:
    return 100 * (labels.train + labels.validation + labels.test) / rows if rows else None


_PER_LEAF = 24


@dataclass(frozen=True)
class TaskExamples:
    """One task and its pictures, as PNG in base64."""

    task: str
    pictures: list[str]


@dataclass(frozen=True)
class Leaf:
    """The tasks of one group of the last stage, with their pictures."""

    tasks: list[TaskExamples]


def example_leaves(record: RunRecord) -> list[Leaf]:
    """The leaves that have pictures; each shows no more than about two dozen."""
    leaves = []
    for group in record.tree.stages[-1]:
        known = [name for name in group if record.examples.get(name)]
        each = max(1, _PER_LEAF // max(1, len(known)))
        if known:
            leaves.append(Leaf([TaskExamples(n, record.examples[n][:each]) for n in known]))
    return leaves
