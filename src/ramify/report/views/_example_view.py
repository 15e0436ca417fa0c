"""Example pictures of the tasks, one row per leaf of the tree."""

from dataclasses import dataclass

from ramify.records import RunRecord

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
