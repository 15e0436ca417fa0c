"""What takes part in a comparison: something that learns the training rows of one seed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ramify.data import ImageData, Table
from ramify.records import Scores, Setting, Structure
from ramify.runs import Options

Job = dict[str, Setting]


@dataclass(frozen=True, eq=False)
class Work:
    """One seed and one set of settings for one contender.

    Attributes:
        contender: Who does it.
        table: The table; or pictures with the table of their labels.
        options: The settings, with the seed.
        trial: Number of the settings.
        job: What decides the result.
        n_tasks: Number of tasks.
        folder: Where a training keeps its state.
        result: Where the result is written.
        threads: Threads of the arithmetic.
    """

    contender: "Contender"
    table: Table | ImageData
    options: Options
    trial: int
    job: Job
    n_tasks: int
    folder: Path
    result: Path
    threads: int


@dataclass(frozen=True, eq=False)
class Attempt:
    """What a contender gives.

    Attributes:
        scores: On validation and test rows.
        size: Trainable numbers, or nodes.
        flops: Operations for one row, if that has a meaning.
        seconds: Training time.
        chosen: What it chose by itself on validation rows.
        stages: The sharing tree of a network.
    """

    scores: Scores
    size: int
    flops: int | None
    seconds: float
    chosen: Mapping[str, Setting] = field(default_factory=dict)
    stages: list[list[list[str]]] | None = None


class Contender(ABC):
    """Something that learns the training rows of one seed and is scored on the others."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What it is in a few words."""

    @property
    @abstractmethod
    def structure(self) -> Structure:
        """What it gives."""

    @property
    @abstractmethod
    def shares(self) -> bool:
        """Whether tasks share anything in it."""

    @property
    @abstractmethod
    def is_searched(self) -> bool:
        """Whether a search over the settings of training concerns it."""

    @property
    @abstractmethod
    def variant(self) -> str:
        """What sets its files apart where it tries several settings by itself; else empty."""

    @abstractmethod
    def settings(self, options: Options, n_tasks: int) -> Job:
        """All settings that decide its result, beside the data.

        Args:
            options: The settings, with the seed.
            n_tasks: Number of tasks.

        Raises:
            InputError: If they do not fit it.
        """

    @abstractmethod
    def attempt(self, work: Work) -> Attempt:
        """Learn and be scored.

        Raises:
            StoppedError: If SIGINT or SIGTERM came; the state is saved first.
        """
