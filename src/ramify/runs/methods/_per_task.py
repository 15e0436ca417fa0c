"""A model of scikit-learn for each task: what one has without any network."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import qmc
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from ramify._core import Option, check_count, checked
from ramify.losses import TaskLosses
from ramify.runs._prepared import SideRows
from ramify.runs.methods._base import Finished, Job, Method
from ramify.runs.methods._tensor_models import (
    Forest,
    ForestModel,
    LinearPart,
    LinearPerTaskModel,
    PerTaskModel,
    TaskPart,
    learns_numbers,
    table_of,
)
from ramify.tasks import Regression, Task, TaskSet
from ramify.training import Predictions

Array = NDArray[np.float64]
Estimator = Any  # scikit-learn has no types

_MOST_INPUTS: Final = 64
_LEAF, _LARGEST_LEAF = 3, 20
_DRAWS: Final = 8
_RIDGE = (1.0, 10.0, 100.0, 1000.0, 0.1)
_LOGISTIC = (1.0, 0.1, 0.01, 0.001, 10.0, 100.0)
_PENALTIES = (0.002, 2000.0)
_STEPS: Final = 1000


@dataclass(frozen=True, eq=False)
class TaskRows:
    """One task's labelled rows of training, and the rows that choose between models.

    Attributes:
        task: The task.
        inputs: Of the labelled training rows.
        labels: Theirs; numbers standardised, since trees take small differences for none.
        held_out: All validation rows, with the labels of this task only, likewise.
        balance: Whether rare classes weigh as much as the others.
    """

    task: Task
    inputs: NDArray[np.float32]
    labels: Array
    held_out: SideRows
    balance: bool

    @classmethod
    def of(cls, job: Job, place: int, train: SideRows, validation: SideRows) -> Self:
        """Those of one task.

        Args:
            job: Data and settings.
            place: Of the task.
            train: All training rows.
            validation: All validation rows.
        """
        task = job.prepared.tasks[place]
        location, scale = _unit_of(task)
        labels = (train.labels[:, place] - location) / scale
        judges = (validation.labels[:, place : place + 1] - location) / scale
        known = ~np.isnan(labels)
        return cls(
            task,
            train.inputs[known],
            labels[known],
            replace(validation, labels=judges),
            job.options.training.balance,
        )


class PerTask(Method):
    """Learns one model per task from its labelled training rows; validation rows choose which.

    What is tried first is what is best known. A task without a training label predicts its base
    rate; one with labels of one class, that class.
    """

    shares = False
    training_settings = ("balance",)
    model: ClassVar[type[PerTaskModel]]

    def trying(self, n_trials: int) -> "PerTask":
        """The same that tries so many settings for each task beside the first."""
        made: Any = self
        tried: PerTask = replace(made, n_trials=n_trials)
        return tried

    @abstractmethod
    def candidates(self, rows: TaskRows) -> Sequence[tuple[str, Estimator]]:
        """Unfitted models with a word for each; those with the better start come first.

        Args:
            rows: The task.
        """

    @abstractmethod
    def finished(self, model: Estimator, rows: TaskRows) -> Estimator:
        """The chosen model, which was fitted to choose it, ready to be used."""

    @abstractmethod
    def part(self, model: Estimator, task: Task) -> TaskPart:
        """A fitted model as tensors."""

    @abstractmethod
    def constant(self, columns: Array, n_inputs: int) -> TaskPart:
        """What predicts the same for every row."""

    @abstractmethod
    def size(self, model: Estimator) -> int:
        """Numbers, or nodes, that a fitted model holds."""

    def fit(self, job: Job) -> Finished:
        """Fit every task."""
        tasks, train, validation = job.prepared.tasks, job.rows("train"), job.rows("validation")
        found = [self._fitted(TaskRows.of(job, t, train, validation)) for t in range(len(tasks))]
        size = sum(each.size for each in found)
        return job.finished(
            self.model(tasks, [each.part for each in found], train.inputs.shape[1]),
            parameters=size,
            flops=2 * size if self.structure == "linear" else None,
            chosen={f"tasks with {w}": n for w, n in Counter(f.word for f in found).items()},
        )

    def _fitted(self, rows: TaskRows) -> "_Fitted":
        task, width = rows.task, rows.inputs.shape[1]
        if len(rows.labels) == 0:
            start = torch.tensor([task.kind.start_outputs])
            usual = TaskLosses(TaskSet([task])).predictions(start)[0].double().numpy()
            return _Fitted(self.constant(usual, width), 0, "no training label")
        classes = [] if learns_numbers(task) else np.unique(rows.labels).astype(int).tolist()
        if len(classes) == 1:
            only = table_of(task, classes)[0]
            return _Fitted(self.constant(only, width), 1, "one class only")
        tried = [
            (word, model.fit(rows.inputs, rows.labels)) for word, model in self.candidates(rows)
        ]
        merits = [_merit(model, rows) for _, model in tried]
        word, chosen = tried[int(np.argmax(merits))]
        model = self.finished(chosen, rows)
        part = self.part(model, task)
        if isinstance(task.kind, Regression):
            location, scale = _unit_of(task)
            part.rescale(scale, location)
        return _Fitted(part, self.size(model), word)


@checked
@dataclass(frozen=True)
class RandomForest(PerTask):
    """Random forests; a quarter of the trees are grown to choose between three settings or more.

    Tried are √p of the p inputs per split with leaves of 1 row and of 3, and a third of the inputs
    (64 at most) with leaves of 1; then up to all inputs (64 at most) with leaves of up to 20, both on
    a logarithmic scale.

    Attributes:
        n_trees: Trees of the chosen one.
        n_trials: So many settings at least are tried for each task beside the first.

    References:
        Breiman. *Random Forests*, Machine Learning 2001.
    """

    name = "random-forest"
    label = "one forest per task, scikit-learn"
    structure = "forest"
    model = ForestModel
    options = (Option("trees", "Trees of each random forest (200 by default).", sets="n_trees"),)

    n_trees: int = 200
    n_trials: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_count("n_trees", self.n_trees)
        check_count("n_trials", self.n_trials, 0)

    def candidates(self, rows: TaskRows) -> Sequence[tuple[str, Estimator]]:
        """Unfitted forests of few trees."""
        width, n_extra = rows.inputs.shape[1], self.n_trials
        few = max(1, isqrt(width))
        many = max(few, min(width // 3, _MOST_INPUTS))
        tried = {(few, 1): "√p inputs", (few, _LEAF): f"√p inputs, leaves of {_LEAF}"}
        tried.setdefault((many, 1), "a third of the inputs" if many < _MOST_INPUTS else "64 inputs")
        most, missing = min(width, _MOST_INPUTS), 1 + n_extra - len(tried)
        for across, along in _spread(2, _DRAWS * missing):  # some coincide
            if len(tried) > n_extra:
                break
            n_inputs, leaf = round(most**across), round(_LARGEST_LEAF**along)
            tried.setdefault((n_inputs, leaf), f"{n_inputs} inputs, leaves of {leaf}")
        return [(word, self._forest(rows, *each)) for each, word in tried.items()]

    def _forest(self, rows: TaskRows, n_inputs: int, leaf: int) -> Estimator:
        common = {
            "n_estimators": max(1, self.n_trees // 4),
            "max_features": n_inputs,
            "min_samples_leaf": leaf,
            "warm_start": True,
            "random_state": 0,
        }
        if learns_numbers(rows.task):
            return RandomForestRegressor(**common)
        weights = "balanced_subsample" if rows.balance else None
        return RandomForestClassifier(**common, class_weight=weights)

    def finished(self, model: Estimator, rows: TaskRows) -> Estimator:
        """The forest with all its trees."""
        return model.set_params(n_estimators=self.n_trees).fit(rows.inputs, rows.labels)

    def part(self, model: Estimator, task: Task) -> Forest:
        """The trees as tensors."""
        classes = [] if learns_numbers(task) else model.classes_.astype(int).tolist()
        return Forest.of([each.tree_ for each in model.estimators_], table_of(task, classes))

    def constant(self, columns: Array, n_inputs: int) -> Forest:
        """One leaf."""
        return Forest.constant(columns)

    def size(self, model: Estimator) -> int:
        """Nodes of all trees."""
        return sum(int(tree.tree_.node_count) for tree in model.estimators_)


@checked
@dataclass(frozen=True)
class RidgeLogistic(PerTask):
    """Ridge regression for numbers, logistic regression with an L2 penalty for classes.

    Attributes:
        n_trials: So many strengths at least are tried for each task beside the first.
    """

    name = "ridge-logistic"
    label = "one linear model per task, scikit-learn"
    structure = "linear"
    model = LinearPerTaskModel

    n_trials: int = 0

    def __post_init__(self) -> None:
        """Check the number."""
        check_count("n_trials", self.n_trials, 0)

    def candidates(self, rows: TaskRows) -> Sequence[tuple[str, Estimator]]:
        """Unfitted models, one per strength of the penalty."""
        n_extra = self.n_trials
        if learns_numbers(rows.task):
            strengths = [*_RIDGE, *_between(n_extra - len(_RIDGE) + 1)]
            return [(f"penalty {alpha:.3g}", Ridge(alpha=alpha)) for alpha in strengths]
        weights = "balanced" if rows.balance else None
        inverses = [*_LOGISTIC, *(1 / each for each in _between(n_extra - len(_LOGISTIC) + 1))]
        return [
            (
                f"penalty {1 / inverse:.3g}",
                LogisticRegression(C=inverse, max_iter=_STEPS, class_weight=weights),
            )
            for inverse in inverses
        ]

    def finished(self, model: Estimator, rows: TaskRows) -> Estimator:
        """The model as it is."""
        return model

    def part(self, model: Estimator, task: Task) -> LinearPart:
        """The weights as tensors."""
        classes = [] if learns_numbers(task) else model.classes_.astype(int).tolist()
        return LinearPart.of(model.coef_, np.asarray(model.intercept_), table_of(task, classes))

    def constant(self, columns: Array, n_inputs: int) -> LinearPart:
        """An intercept."""
        return LinearPart.constant(columns, n_inputs)

    def size(self, model: Estimator) -> int:
        """Coefficients and intercepts."""
        return int(model.coef_.size) + int(getattr(model.intercept_, "size", 1))


@dataclass(frozen=True, eq=False)
class _Fitted:
    part: TaskPart
    size: int
    word: str


def _merit(model: Estimator, rows: TaskRows) -> float:
    """The task's score on its validation rows, higher is better; lowest if it is absent."""
    inside = rows.held_out
    values = _outputs(model, rows.task, inside.inputs)
    found = Predictions(values, inside.labels, ~np.isnan(inside.labels), inside.groups)
    score = found.scores(TaskSet([rows.task]))[0]
    sign = 1.0 if rows.task.kind.metric.higher_is_better else -1.0
    return -np.inf if np.isnan(score) else sign * float(score)


def _unit_of(task: Task) -> tuple[float, float]:
    """Location and scale of a number's training labels; 0 and 1 of other kinds."""
    kind = task.kind
    return (kind.location, kind.scale) if isinstance(kind, Regression) else (0.0, 1.0)


def _outputs(
    model: Estimator, task: Task, inputs: NDArray[np.float32]
) -> Float[np.ndarray, "row column"]:
    """Predictions in the columns of a network's output; classes never seen have probability 0."""
    if learns_numbers(task):
        return np.asarray(model.predict(inputs), dtype=np.float64)[:, None]
    classes = model.classes_.astype(int).tolist()
    return np.asarray(model.predict_proba(inputs) @ table_of(task, classes))


def _between(number: int) -> list[float]:
    """Penalties between those that are always tried, on a logarithmic scale."""
    low, high = _PENALTIES
    return [low * (high / low) ** part for (part,) in _spread(1, number)]


def _spread(n_axes: int, number: int) -> list[tuple[float, ...]]:
    """Points spread over the unit cube, ``(point, axis)``; the first stay if more are asked for."""
    points = qmc.Halton(n_axes, scramble=False).random(max(0, number) + 1)
    return [tuple(map(float, point)) for point in points[1:]]  # without the corner
