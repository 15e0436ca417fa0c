"""A model of scikit-learn for each task: what one has without any network."""

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier

from ramify.comparison._contender import Attempt, Contender, Job, Work
from ramify.metrics import absence_note
from ramify.records import Scores, Structure, TaskScore
from ramify.runs import Options, Prepared, prepare
from ramify.tasks import Multiclass, Ordinal, Ranking, Regression, Task, TaskSet
from ramify.training import Predictions

Array = NDArray[np.float64]
Estimator = Any  # scikit-learn has no types


@dataclass(frozen=True, eq=False)
class TaskRows:
    """One task's labelled rows, and all rows to predict.

    Attributes:
        task: The task.
        train: Inputs of the labelled training rows.
        labels: Their labels.
        held_out: Inputs per side, of all rows.
    """

    task: Task
    train: NDArray[np.float32]
    labels: Array
    held_out: dict[str, NDArray[np.float32]]


class Family(ABC):
    """Models of one kind, of which validation rows choose one per task."""

    @abstractmethod
    def candidates(self, rows: TaskRows, n_extra: int) -> Sequence[tuple[str, Estimator]]:
        """Unfitted models with a word for each; those with the better start come first.

        Args:
            rows: The task.
            n_extra: How many at least beside the first.
        """

    @abstractmethod
    def finished(self, model: Estimator, rows: TaskRows) -> Estimator:
        """The chosen model, which was fitted to choose it, ready to be used."""

    @abstractmethod
    def size(self, model: Estimator) -> int:
        """Numbers, or nodes, that a fitted model holds."""

    @abstractmethod
    def settings(self) -> Job:
        """All settings that decide the result."""


@dataclass(frozen=True)
class PerTaskContender(Contender):
    """Learns one model per task from its labelled training rows.

    Attributes:
        title: Its name.
        made_of: What it is made of.
        family: The models.
        n_trials: So many settings at least are tried beside the first, as many as of a network.
    """

    title: str
    made_of: Structure
    family: Family
    n_trials: int = 0

    @property
    def name(self) -> str:
        """Its name."""
        return self.title

    @property
    def label(self) -> str:
        """What it is in a few words."""
        return (
            f"one {'forest' if self.made_of == 'forest' else 'linear model'} per task, scikit-learn"
        )

    @property
    def structure(self) -> Structure:
        """What it gives."""
        return self.made_of

    @property
    def shares(self) -> bool:
        """Whether tasks share anything in it."""
        return False

    @property
    def is_searched(self) -> bool:
        """Whether a search over the settings of training concerns it: it tries its own per task."""
        return False

    @property
    def variant(self) -> str:
        """How many it tries, in a comparison with a search."""
        return f"-best-of-{self.n_trials + 1}" if self.n_trials else ""

    def settings(self, options: Options, n_tasks: int) -> Job:
        """All settings that decide its result, beside the data."""
        tries = {"trials": self.n_trials} if self.n_trials else {}
        return {**self.family.settings(), **tries}

    def attempt(self, work: Work) -> Attempt:
        """Learn every task and be scored."""
        prepared = prepare(work.table, work.options)
        started = time.monotonic()
        found = [_learned(self, rows, t, prepared) for t, rows in _tasks(prepared)]
        seconds = time.monotonic() - started
        columns = {
            side: np.concatenate([each.columns[side] for each in found], axis=1)
            for side in ("validation", "test")
        }
        size = sum(each.size for each in found)
        return Attempt(
            scores=Scores(
                test=_scored(prepared, "test", columns["test"]),
                validation=_scored(prepared, "validation", columns["validation"]),
            ),
            size=size,
            flops=2 * size if self.made_of == "linear" else None,
            seconds=seconds,
            chosen={f"tasks with {w}": n for w, n in Counter(f.word for f in found).items()},
        )


@dataclass(frozen=True, eq=False)
class _Learned:
    columns: dict[str, Array]
    size: int
    word: str


def _tasks(prepared: Prepared) -> list[tuple[int, TaskRows]]:
    rows = prepared.split.train
    train = _encoded(prepared, rows)
    targets, mask = prepared.targets.numpy()[rows], prepared.label_mask.numpy()[rows]
    held_out = {
        "validation": _encoded(prepared, prepared.split.validation),
        "test": _encoded(prepared, prepared.split.test),
    }
    found = []
    for t, task in enumerate(prepared.tasks):
        known = mask[:, t]
        labels = targets[known, t].astype(np.float64)
        found.append((t, TaskRows(task, train[known], labels, held_out)))
    return found


def _encoded(prepared: Prepared, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """What networks get to see of some rows, in order, each row flat."""
    targets, mask = prepared.targets[rows], prepared.label_mask[rows]
    batches = prepared.inputs.batches(rows, targets, mask, batch_size=1, seed=0, training=False)
    parts = [batch.inputs.flatten(1).numpy() for batch in batches]
    whole: NDArray[np.float32] = np.concatenate(parts)
    return whole


def _learned(
    contender: PerTaskContender, rows: TaskRows, place: int, prepared: Prepared
) -> _Learned:
    if len(rows.labels) == 0:
        start = np.array([rows.task.kind.start_outputs])
        columns = {side: np.repeat(start, len(x), axis=0) for side, x in rows.held_out.items()}
        return _Learned(columns, 0, "no training label")
    if not learns_numbers(rows.task) and len(np.unique(rows.labels)) == 1:
        constant = DummyClassifier(strategy="prior").fit(rows.train, rows.labels)
        return _Learned(_columns(constant, rows), 1, "one class only")
    family = contender.family
    candidates = family.candidates(rows, contender.n_trials)
    tried = [(word, model.fit(rows.train, rows.labels)) for word, model in candidates]
    merits = [_merit(model, rows, place, prepared) for _, model in tried]
    word, chosen = tried[int(np.argmax(merits))]
    model = family.finished(chosen, rows)
    return _Learned(_columns(model, rows), family.size(model), word)


def _merit(model: Estimator, rows: TaskRows, place: int, prepared: Prepared) -> float:
    """The task's score on its validation rows, higher is better; lowest if it is absent."""
    inside = prepared.split.validation
    score = Predictions(
        _outputs(model, rows.task, rows.held_out["validation"]),
        prepared.targets.numpy()[inside, place : place + 1],
        prepared.label_mask.numpy()[inside, place : place + 1],
        _groups(prepared, "validation"),
    ).scores(TaskSet([rows.task]))[0]
    sign = 1.0 if rows.task.kind.metric.higher_is_better else -1.0
    return -np.inf if np.isnan(score) else sign * float(score)


def _columns(model: Estimator, rows: TaskRows) -> dict[str, Array]:
    return {side: _outputs(model, rows.task, inputs) for side, inputs in rows.held_out.items()}


def _outputs(model: Estimator, task: Task, inputs: NDArray[np.float32]) -> Array:
    """Predictions in the columns of a network's output; classes never seen have probability 0."""
    if learns_numbers(task):
        return np.asarray(model.predict(inputs), dtype=np.float64)[:, None]
    places = model.classes_.astype(np.int64)
    full = np.zeros((len(inputs), len(task.kind.labels)))
    full[:, places] = model.predict_proba(inputs)
    if isinstance(task.kind, Ordinal):  # of each level but the lowest, or a higher one
        return np.asarray(full[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])
    return full if isinstance(task.kind, Multiclass) else full[:, 1:]


def learns_numbers(task: Task) -> bool:
    """Whether a model of the task predicts its labels as numbers; the relevance of a ranking too."""
    return isinstance(task.kind, Regression | Ranking)


def _groups(prepared: Prepared, side: str) -> NDArray[np.int64] | None:
    groups = prepared.groups_of(side)
    return None if groups is None else groups.numpy()


def _scored(prepared: Prepared, side: str, values: Array) -> list[TaskScore]:
    inside = getattr(prepared.split, side)
    targets, mask = prepared.targets.numpy()[inside], prepared.label_mask.numpy()[inside]
    groups = _groups(prepared, side)
    scores = Predictions(values, targets, mask, groups).scores(prepared.tasks)
    return [
        TaskScore(
            task=task.name,
            metric=task.kind.metric.name,
            value=None if np.isnan(scores[t]) else float(scores[t]),
            n_labels=int(mask[:, t].sum()),
            note=absence_note(
                task, targets[mask[:, t], t], None if groups is None else groups[mask[:, t]]
            ),
        )
        for t, task in enumerate(prepared.tasks)
    ]
