"""What a run did and found, as data: training writes it, the report and the user read it."""

from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ramify._core import Setting, quoted
from ramify.records._read import Part, read_json, with_description, write_json

Distance = Annotated[float, Field(ge=0)] | None


class Regrouping(Part):
    """One look at the gradients of the tasks' estimators, and what was merged or divided for it.

    Attributes:
        step: Step of training at which it happened, from 1.
        epoch: Epoch in which it happened, from 1.
        tasks: Names, in the order of the rows below.
        distances: Distances of the tasks' factor loadings; symmetric, 0 on the diagonal. None where
            one of the two had no label since the last look, or only labels that are all the same.
        loadings: Per task, its coordinates on the factors, strongest factor first.
        energy: Per factor, its share of the gradients' energy, in [0, 1].
        before: Groups of tasks before.
        groups: Groups of tasks after.
        keepers: Per group after, the task whose estimator the group goes on with.
        parameters_before: Trainable numbers of the network before.
        parameters: Trainable numbers of the network after.
    """

    step: int
    epoch: int
    tasks: list[str]
    distances: list[list[Distance]]
    loadings: list[list[float]]
    energy: list[float]
    before: list[list[str]]
    groups: list[list[str]]
    keepers: list[str]
    parameters_before: int
    parameters: int

    @model_validator(mode="after")
    def _sizes_agree(self) -> "Regrouping":
        n = len(self.tasks)
        if {len(self.distances), *map(len, self.distances)} != {n} or len(self.loadings) != n:
            raise ValueError("distances and loadings must have one row per task")
        if {len(row) for row in self.loadings} != {len(self.energy)}:
            raise ValueError("loadings must have one column per factor")
        for groups in (self.before, self.groups):
            if sorted(name for group in groups for name in group) != sorted(self.tasks):
                raise ValueError("groups must hold every task once")
        if len(self.keepers) != len(self.groups):
            raise ValueError("there must be one keeper per group")
        return self


FORMAT_VERSION = 2
RECORD_FILE = "record.json"

Stages = list[list[list[str]]]
Structure = Literal["tree", "network", "linear", "forest", "other"]


class TaskInfo(Part):
    """One task.

    Attributes:
        name: The target's column name.
        kind: ``binary``, ``multiclass``, ``ordinal``, ``ranking`` or ``regression``.
        metric: Name of the score, such as ``roc_auc``.
        higher_is_better: Direction of the score.
        classes: The labels of a classification task in the order of its outputs; else empty.
    """

    name: str
    kind: str
    metric: str
    higher_is_better: bool
    classes: list[str] = Field(default_factory=list)


class SharingInfo(Part):
    """The way of sharing.

    Attributes:
        name: The word for it.
        label: What it is in a few words.
        structure: What it gives: a tree of stages, a network of another shape, linear models, a
            forest, or a model of another kind.
        shares: Whether tasks share anything in it.
        settings: Its settings.
    """

    name: str
    label: str
    structure: Structure
    shares: bool = True
    settings: dict[str, Setting]


class TreeInfo(Part):
    """A sharing tree: from input to output, for each stage, its groups of task names."""

    stages: Annotated[Stages, Field(min_length=1)]


class AffinityInfo(Part):
    """One measure of how alike tasks are.

    Attributes:
        tasks: Names, in the order of the rows.
        matrix: Symmetric; higher is closer. None where no row had both labels.
        description: What the numbers mean, in a sentence.
        used: Whether the tree was grown from this measure.
    """

    tasks: list[str]
    matrix: list[list[float | None]]
    description: str
    used: bool

    @model_validator(mode="after")
    def _is_square(self) -> "AffinityInfo":
        if {len(self.matrix), *map(len, self.matrix)} != {len(self.tasks)}:
            raise ValueError("an affinity must have one row and one column per task")
        return self


class PathStep(Part):
    """The tree that is best for an interval of the trade-off α.

    Attributes:
        alpha_low: Lower end of the interval.
        alpha_high: Upper end; None means no upper end.
        stages: The tree.
        parameters: Trainable numbers of a network of that shape.
        flops: Floating-point operations for one row, forward.
        separation: Mean over stages of the separation cost L_s in [0, 1]; lower means that
            tasks which share are more alike.
        validation_score: Mean validation score if the tree was trained, else None.
        chosen: Whether this is the tree of the run.
    """

    alpha_low: float
    alpha_high: float | None
    stages: Stages
    parameters: int
    flops: int
    separation: float
    validation_score: float | None = None
    chosen: bool = False


class GroupStability(Part):
    """How reliably a group comes back when training is done again.

    Attributes:
        stage: Index of the stage, 0 at the input.
        tasks: The group.
        stability: Mean over other trainings of the best Jaccard overlap, above what chance gives: 0
            is chance, 1 is always.
        trainings: Number of those trainings; 0 in older records, where it was the plain mean over
            redrawn evidence of one training.
    """

    stage: int
    tasks: list[str]
    stability: float
    trainings: Annotated[int, Field(ge=0)] = 0


class TaskScore(Part):
    """One task's score on one side of the split.

    Attributes:
        task: Name.
        metric: Name of the score.
        value: The score; None means absent (no label, or labels of one class only).
        n_labels: Number of labels that the score rests on.
        low: Lower end of the 95 % interval over rows, or over whole groups of them.
        high: Upper end.
        note: Why the score is absent, or empty.
    """

    task: str
    metric: str
    value: float | None
    n_labels: int
    low: float | None = None
    high: float | None = None
    note: str = ""


class Scores(Part):
    """Scores on held-out rows.

    Attributes:
        test: Per task.
        validation: Per task.
        overall: Scores of all tasks together on the test rows, by name.
    """

    test: list[TaskScore]
    validation: list[TaskScore]
    overall: dict[str, float] = Field(default_factory=dict)


class Difference(Part):
    """The tree's test score minus a baseline's, on the same rows; positive means better.

    Attributes:
        task: Name; empty for the mean over tasks.
        value: Difference in the metric's own unit, its sign turned so that positive is better.
            For the mean over tasks: of the skills (ROC-AUC, accuracy, R²).
        low: Lower end of the 95 % interval, over rows and as far as known over trainings.
        high: Upper end.
        clear: Whether it is a difference of the ways of sharing, with at most one false claim in
            twenty tables, however many tasks these have. None where that cannot be said: after a
            single training each, retraining may change as much.
    """

    task: str
    value: float | None
    low: float | None
    high: float | None
    clear: bool | None = None


class Baseline(Part):
    """A network of the same backbone, epochs and selection rule, shared in another way.

    Attributes:
        scores: As for the tree.
        differences: Per task, the tree against this baseline.
        mean_difference: The mean over the tasks with a score (mean skill: ROC-AUC, accuracy, R²).
        delta_m: Mean relative gain of the tree over this baseline, percent; None if not defined.
        parameters: Trainable numbers.
        flops: Floating-point operations for one row, forward.
        seconds: Training time.
        stages: Its tree.
    """

    scores: Scores
    differences: list[Difference]
    mean_difference: Difference
    delta_m: float | None
    parameters: int
    flops: int
    seconds: float
    stages: Stages


class CurvePoint(Part):
    """The state of training after one epoch.

    Attributes:
        phase: Which network was training, such as ``growing``, ``candidate 2`` or ``shared``.
        epoch: Epoch within the phase, from 1.
        loss: Mean training loss over the epoch.
        validation_score: Mean skill over tasks on the validation rows; None if there is none.
        widths: Number of groups per stage, input to output.
    """

    phase: str
    epoch: int
    loss: float
    validation_score: float | None
    widths: list[int]


class TaskLabels(Part):
    """How many labels a task has, and what they look like.

    Attributes:
        task: Name.
        train: Labels among the training rows.
        validation: Labels among the validation rows.
        test: Labels among the test rows.
        summary: Share of positives, class counts, or mean and standard deviation, in words.
    """

    task: str
    train: int
    validation: int
    test: int
    summary: str


class DataInfo(Part):
    """The table as it was read.

    Attributes:
        source: File name or what the data was.
        rows: Rows per side of the split: ``train``, ``validation``, ``test``.
        features: Columns by type: ``numeric``, ``boolean``, ``categorical``; and ``encoded``, the
            width of the network's input.
        left_out: Columns that were ignored on request or hold nothing, with the reason.
        labels: Per task.
        split: How the rows were divided, in words.
    """

    source: str
    rows: dict[str, int]
    features: dict[str, int]
    left_out: dict[str, str]
    labels: list[TaskLabels]
    split: str


class AuxiliaryInfo(Part):
    """A task that only helped: it was trained, and is no part of the model.

    Attributes:
        task: Name.
        kind: Binary and so on.
        weight: Factor of its loss.
        shares: For each task with which it shared stages, how many.
    """

    task: str
    kind: str
    weight: float
    shares: dict[str, int]


class Decision(Part):
    """What the validation rows tell of how to decide a task.

    Attributes:
        task: Name.
        threshold: The probability from which on a binary task is positive: that of the largest
            balanced accuracy. None of other tasks.
        errors: Absolute errors of a number, ascending; of many rows 500 quantiles of them. Empty
            of other tasks.
    """

    task: str
    threshold: float | None = None
    errors: list[float] = Field(default_factory=list)


class RunRecord(Part):
    """Everything that a run did and found.

    Attributes:
        format_version: Version of this form.
        created: When, in UTC, ISO 8601.
        tasks: The tasks.
        auxiliary: Tasks that only helped; mostly none.
        sharing: Way of sharing and settings.
        tree: Which tasks share which stages.
        path: The best tree for every α, from one shared network to much separation; may be empty.
        affinity: Per measure.
        stability: Per group of every stage with more than one group.
        regroupings: What selective sharing merged, and when; empty for other ways.
        scores: Of the network that was kept.
        baselines: ``single_task``, ``shared``, ``random_tree``, ``branched``, ``no_auxiliary``, as far
            as they were trained.
        delta_m: Mean relative gain over one network per task in percent; None without it.
        parameters: Trainable numbers of the network that was kept.
        weights: Those of them that are weights of dense and convolutional layers, as papers count.
        flops: Floating-point operations for one row, forward; None where that has no meaning.
        milliseconds: Median time of one row through the network on the CPU, batch norms folded.
        examples: A few training pictures per task, as PNG in base64; empty without pictures.
        seconds: Wall-clock time per part of the run, and ``total``.
        versions: Of the software.
        seed: The run's seed.
        data: The table.
        curves: Training curves of every phase.
        settings: All training settings.
        warnings: What the user should know, a sentence each.
        decisions: Per task that has any; empty in older records.
        command: How to do the run again.
    """

    format_version: Literal[2] = 2
    created: str
    tasks: Annotated[list[TaskInfo], Field(min_length=1)]
    auxiliary: list[AuxiliaryInfo] = Field(default_factory=list)
    sharing: SharingInfo
    tree: TreeInfo
    path: list[PathStep]
    affinity: dict[str, AffinityInfo]
    stability: list[GroupStability]
    regroupings: list[Regrouping] = Field(default_factory=list)
    scores: Scores
    baselines: dict[str, Baseline]
    delta_m: float | None
    parameters: int
    weights: int | None = None
    flops: int | None
    milliseconds: float | None = None
    examples: dict[str, list[Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+=*$")]]] = Field(
        default_factory=dict
    )
    seconds: dict[str, float]
    versions: dict[str, str]
    seed: int
    data: DataInfo
    curves: list[CurvePoint]
    settings: dict[str, Setting]
    warnings: list[str]
    decisions: list[Decision] = Field(default_factory=list)
    command: str

    @model_validator(mode="after")
    def _names_agree(self) -> "RunRecord":
        names = {task.name for task in self.tasks}
        for scored in (self.scores.test, self.scores.validation):
            if {score.task for score in scored} != names:
                raise ValueError("the scores are not those of exactly the tasks of the record")
        trees = [self.tree.stages, *(each.stages for each in self.path)]
        trees += [each.stages for each in self.baselines.values()]
        for groups in chain.from_iterable(trees):
            if sorted(chain.from_iterable(groups)) != sorted(names):
                raise ValueError("a tree does not hold exactly the tasks of the record")
        helping = {each.task for each in self.auxiliary}
        if strangers := self._spoken_of() - names - helping:
            raise ValueError(f"it speaks of {quoted(min(strangers))}, which is none of its tasks")
        return self

    def _spoken_of(self) -> set[str]:
        """The tasks that its parts name, beside those of trees."""
        sides = [self.scores, *(each.scores for each in self.baselines.values())]
        scores = chain.from_iterable((*each.test, *each.validation) for each in sides)
        compared = chain.from_iterable(each.differences for each in self.baselines.values())
        lists = [each.tasks for each in self.affinity.values()]
        lists += [each.tasks for each in self.stability]
        lists += [each.tasks for each in self.regroupings]
        labels = [each.task for each in self.data.labels]
        single = [*labels, *(each.task for each in scores), *(each.task for each in compared)]
        return {*single, *self.examples, *chain.from_iterable(lists)}

    def save(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        write_json(self, path)

    @classmethod
    def load(cls, path: Path) -> "RunRecord":
        """Read a record.

        Raises:
            ModelFileError: If the file is missing, damaged, or of a newer version.
        """
        return read_json(cls, path, FORMAT_VERSION, "record", {1: with_description})
