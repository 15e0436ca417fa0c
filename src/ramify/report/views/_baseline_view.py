"""The tree against every baseline, on average over tasks, with what each network costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramify.records import Baseline, RunRecord
from ramify.report.charts import Axis, Mark, axis
from ramify.report.words import NETWORKS, means


@dataclass(frozen=True)
class Rival:
    """A baseline in one line: what the tree gains over it on average, and what it costs."""

    name: str
    mean: float | None
    part: Baseline
    mark: Mark | None


@dataclass(frozen=True)
class BaselineTable:
    """All baselines on one axis, and the tree's own mean if the record can tell it."""

    tree_mean: float | None
    axis: Axis
    rows: list[Rival]

    @property
    def has_means(self) -> bool:
        """Whether any mean is known; a table of means without one would be empty."""
        return any(row.mean is not None for row in self.rows)


def baseline_table(record: RunRecord) -> BaselineTable | None:
    """The mean comparison with every baseline; None if none was trained."""
    if not record.baselines:
        return None
    gains = [each.mean_difference for each in record.baselines.values()]
    drawn = axis([v for g in gains for v in (g.value, g.low, g.high) if v is not None])
    pairs = {name: means(record, each) for name, each in record.baselines.items()}
    rows = [
        Rival(
            NETWORKS.get(name, name),
            pair.baseline if pair else None,
            part,
            drawn.mark(part.mean_difference),
        )
        for (name, part), pair in zip(record.baselines.items(), pairs.values(), strict=True)
    ]
    return BaselineTable(_one([pair.tree for pair in pairs.values() if pair]), drawn, rows)


def _one(values: Sequence[float]) -> float | None:
    # Baselines may lack scores for different tasks; then no single mean of the tree is right.
    return values[0] if values and max(values) - min(values) < 5e-4 else None
