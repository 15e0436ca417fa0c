"""Scores of all tasks together, the run's network beside the baselines."""

from dataclasses import dataclass

from ramify.records import RunRecord
from ramify.report.words import NETWORKS, ours


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
