"""The table that was read: how many labels each task has, and of how many rows."""

from dataclasses import dataclass

from ramify.records import DataInfo, TaskLabels
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
