"""What networks on groups of tasks scored, and which groups are best, as data."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ramify.records._read import Part, read_json, write_json

GROUPING_VERSION = 1

Advice = Literal["divide", "one network", "one wider network", "either"]
Matrix = list[list[float | None]]


class GroupedTask(Part):
    """One task by itself, beside all others, and in its group.

    Attributes:
        task: Its name.
        alone: Score of a network of its own; None without labels.
        together: Score in one network for all tasks.
        grouped: Score in its group of the best partition.
        gain: Of the group over a network of its own, as mean over seeds.
        low: Lower end of the 95 % interval over seeds; None with one seed.
        high: Upper end.
    """

    task: str
    alone: float | None
    together: float | None
    grouped: float | None
    gain: float | None
    low: float | None
    high: float | None


class GradedPartition(Part):
    """The best partition into a number of groups.

    Attributes:
        groups: Names of the tasks of each group.
        score: Mean score of the tasks on the rows that also chose it.
        judged: Mean score on rows that did not choose: of the partitions into as many groups that
            the other rows chose. None where that cannot be said.
        gain: Of ``judged`` over one network for all tasks.
        low: Lower end of the 95 % interval over parts of the rows.
        high: Upper end.
        parameters: Of all networks together.
    """

    groups: list[list[str]]
    score: float
    judged: float | None
    gain: float | None
    low: float | None
    high: float | None
    parameters: int


class Cover(Part):
    """Networks of which every task takes the one that is best for it.

    Attributes:
        networks: Names of the tasks that each is trained on.
        serves: Names of the tasks that each predicts.
        score: Mean score of the tasks on the rows that also chose them.
    """

    networks: list[list[str]]
    serves: list[list[str]]
    score: float


class WiderNetwork(Part):
    """One network for all tasks with about as many parameters as the best partition.

    Attributes:
        hidden: Its widths.
        parameters: How many.
        score: Mean score of the tasks.
        gain: Of the best partition over it, on rows that did not choose.
        low: Lower end of the 95 % interval over parts of the rows.
        high: Upper end.
    """

    hidden: list[int]
    parameters: int
    score: float
    gain: float | None
    low: float | None
    high: float | None


class TriedNetwork(Part):
    """A network that was trained.

    Attributes:
        tasks: Names.
        scores: Of each of them, as the mean over seeds; None without labels.
    """

    tasks: list[str]
    scores: list[float | None]


class GroupingRecord(Part):
    """What was tried, and what it says.

    Attributes:
        format_version: Version of this form.
        source: Name of the table.
        tasks: Names.
        rows: Number of rows per side.
        search: ``every subset``, ``pairs`` or ``path``.
        seeds: Number of trainings of each network.
        hidden: Widths of each network.
        steps: Most steps of each.
        seconds: Time taken.
        warnings: What the user should know.
        advice: What to do.
        chosen: Number of groups of the best partition.
        gains: Per task.
        partitions: By number of groups.
        covers: By number of networks.
        pairs: What a task (row) gains by another (column) beside it; None where not tried.
        wider: One network of the size of the best partition; None if that is one network.
        networks: Everything that was trained, the best partition's first.
    """

    format_version: Literal[1] = 1
    source: str
    tasks: list[str]
    rows: dict[str, int]
    search: Literal["every subset", "pairs", "path"]
    seeds: int
    hidden: list[int]
    steps: int
    seconds: float
    warnings: list[str]
    advice: Advice
    chosen: int
    gains: list[GroupedTask]
    partitions: Annotated[list[GradedPartition], Field(min_length=1)]
    covers: list[Cover]
    pairs: Matrix
    wider: WiderNetwork | None
    networks: list[TriedNetwork]

    @model_validator(mode="after")
    def _sizes_agree(self) -> "GroupingRecord":
        if {len(self.pairs), len(self.gains), *map(len, self.pairs)} != {len(self.tasks)}:
            raise ValueError("there must be one row and one column per task")
        if self.chosen not in {len(each.groups) for each in self.partitions}:
            raise ValueError("the best partition must be among the partitions")
        return self

    @property
    def best(self) -> GradedPartition:
        """The best partition."""
        return next(each for each in self.partitions if len(each.groups) == self.chosen)

    @property
    def recommended(self) -> list[list[str]]:
        """The groups that are recommended; one group if one network is as good."""
        return self.best.groups if self.advice in ("divide", "either") else [list(self.tasks)]

    def save(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        write_json(self, path)

    @classmethod
    def load(cls, path: Path) -> "GroupingRecord":
        """Read a record.

        Raises:
            ModelFileError: If the file is missing, damaged, or of a newer version.
        """
        return read_json(cls, path, GROUPING_VERSION, "record of groups")
