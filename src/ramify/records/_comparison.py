"""What a comparison of several methods did and found, as versioned JSON."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ramify._core import Setting
from ramify.records._read import Part, compared, read_json, write_json
from ramify.records._record import DataInfo, Scores, Stages, Structure, TaskInfo

COMPARISON_VERSION = 2
RESULT_VERSION = 1

Number = Annotated[int, Field(ge=0)]


class RunResult(Part):
    """One method, trained on one seed with one set of settings.

    Attributes:
        format_version: Version of this form.
        method: Name of the method.
        seed: Of the split, the initial weights and the order of the rows.
        trial: Number of the settings that were tried; 0 are those given.
        digest: Fingerprint of ``job``.
        job: What decides the result: the settings, and the fingerprint of the encoded data.
        scores: On validation and test rows.
        size: Trainable numbers; of a forest its nodes.
        flops: Operations for one row, forward; None where that has no meaning.
        seconds: Training time, since the last resumption.
        memory: Peak bytes of the process (on a GPU: of the device) while it ran; None if unknown.
        settings: What the method chose by itself on validation rows.
        stages: The sharing tree of a network; else None.
        warnings: What the user should know of what the method learned, a sentence each.
    """

    format_version: Literal[1] = 1
    method: str
    seed: Number
    trial: Number
    digest: str
    job: dict[str, Setting]
    scores: Scores
    size: Number
    flops: Number | None
    seconds: Annotated[float, Field(ge=0)]
    memory: Number | None
    settings: dict[str, Setting]
    stages: Stages | None
    warnings: list[str] = Field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write the result as JSON, whole or not at all."""
        write_json(self, path)

    @classmethod
    def load(cls, path: Path) -> "RunResult":
        """Read a result.

        Raises:
            ModelFileError: If the file is missing, damaged, or of a newer version.
        """
        return read_json(cls, path, RESULT_VERSION, "result")


class Gain(Part):
    """A mean over seeds of paired differences; positive means better.

    Attributes:
        value: The mean; None where no seed has both scores.
        low: Lower end of the 95 % interval over seeds; None with fewer than two seeds, or where all
            have the same difference other than 0.
        high: Upper end.
        seeds: Number of seeds that it rests on.
        clear: Whether it is a difference of the methods, with at most one false claim in twenty
            comparisons of a method, however many tasks there are; None in files of old, where the
            interval alone tells.
    """

    value: float | None
    low: float | None
    high: float | None
    seeds: Number
    clear: bool | None = None


class TaskMean(Part):
    """One task of one method, over seeds.

    Attributes:
        task: Name.
        value: Mean test score in the metric's own unit; None where absent.
        spread: Standard deviation over seeds; None with fewer than two.
        gain: Against one network per task, its sign turned so that positive is better.
    """

    task: str
    value: float | None
    spread: float | None
    gain: Gain


class MethodResult(Part):
    """One method over all its seeds.

    Attributes:
        name: Name of the method.
        label: What it is in a few words.
        structure: What it gives, as in `SharingInfo`.
        shares: Whether tasks share anything in it.
        settings: As they were given.
        seeds: The seeds that finished.
        test: Mean over seeds of the mean test skill over tasks (ROC-AUC, accuracy, R²).
        spread: Its standard deviation over seeds; None with fewer than two.
        validation: The same mean for the validation rows, on which every choice is made.
        gains: Paired, in mean test skill, against each of the record's references.
        delta_m: Mean relative gain over one network per task, percent; None if not defined.
        size: Mean trainable numbers; of a forest its nodes.
        flops: Mean operations for one row, forward.
        seconds: Mean training time.
        memory: Largest peak memory, bytes.
        tasks: Per task, in the order of the tasks.
    """

    name: str
    label: str
    structure: Structure
    shares: bool
    settings: dict[str, Setting]
    seeds: list[int]
    test: float | None
    spread: float | None
    validation: float | None
    gains: dict[str, Gain]
    delta_m: float | None
    size: float
    flops: float | None
    seconds: float
    memory: Number | None
    tasks: list[TaskMean]


class Loss(Part):
    """A task that did worse with a way of sharing than with a network of its own.

    Attributes:
        method: The way of sharing.
        task: The task.
        gain: The loss; its value is negative.
        clear: Whether the whole interval lies below 0.
    """

    method: str
    task: str
    gain: Gain
    clear: bool


class Failure(Part):
    """A run that did not finish, and why."""

    method: str
    seed: int
    trial: int
    reason: str


class Choice(Part):
    """Which settings of a search were kept for one method and seed, by validation rows.

    Attributes:
        method: The method.
        seed: The seed.
        trial: Number of the settings; 0 are those given.
        settings: The settings that were searched over.
        validation: Mean validation skill of each trial that finished, by its number.
    """

    method: str
    seed: int
    trial: int
    settings: dict[str, Setting]
    validation: dict[int, float | None]


class Recommendation(Part):
    """The method that validation rows speak for; test rows have no say.

    Attributes:
        method: The smallest of those within one standard error of the best.
        best: The method with the best mean validation skill.
        tied: All methods within one standard error of the best.
    """

    method: str
    best: str
    tied: list[str]


class ComparisonRecord(Part):
    """Everything that a comparison did and found.

    Attributes:
        format_version: Version of this form.
        created: When, in UTC, ISO 8601.
        tasks: The tasks.
        data: The table as the first seed divides it.
        seeds: All seeds that were asked for.
        new_split: Whether each seed divides the rows anew.
        methods: From the highest mean test skill to the lowest.
        references: The methods that all are compared with, by what they are: ``single_task`` (a
            network per task) and ``shared`` (one network).
        losses: Tasks that lost against a network of their own, the largest loss first.
        recommendation: What to take; None if no method finished.
        failures: Runs that did not finish.
        runs: The run of each method and seed that counts.
        choices: What a search kept; empty without one.
        intervals: How the intervals were computed, in a sentence.
        settings: What all methods have in common.
        warnings: What the user should know, a sentence each.
        versions: Of the software.
        command: How to do it again.
    """

    format_version: Literal[2] = 2
    created: str
    tasks: Annotated[list[TaskInfo], Field(min_length=1)]
    data: DataInfo
    seeds: Annotated[list[int], Field(min_length=1)]
    new_split: bool
    methods: list[MethodResult]
    references: dict[str, str]
    losses: list[Loss]
    recommendation: Recommendation | None
    failures: list[Failure]
    runs: list[RunResult]
    choices: list[Choice]
    intervals: str
    settings: dict[str, Setting]
    warnings: list[str]
    versions: dict[str, str]
    command: str

    @model_validator(mode="after")
    def _names_agree(self) -> "ComparisonRecord":
        names = [task.name for task in self.tasks]
        for method in self.methods:
            if [each.task for each in method.tasks] != names:
                raise ValueError("a method does not have exactly the tasks of the record")
        known = {method.name for method in self.methods}
        advice = [] if self.recommendation is None else [self.recommendation.method]
        if not {each.method for each in self.losses}.union(advice) <= known:
            raise ValueError("a method is named that the record does not hold")
        return self

    @property
    def alone(self) -> str:
        """Name of the method with one network per task."""
        return self.references.get("single_task", "")

    def label_of(self, name: str) -> str:
        """What a method is in a few words; its name if it did not finish."""
        return next((m.label for m in self.methods if m.name == name), "") or name

    def save(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        write_json(self, path)

    @classmethod
    def load(cls, path: Path) -> "ComparisonRecord":
        """Read a record.

        Raises:
            ModelFileError: If the file is missing, damaged, or of a newer version.
        """
        return read_json(cls, path, COMPARISON_VERSION, "comparison", {1: compared})
