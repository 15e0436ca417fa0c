"""Linear multi-task models: estimated together, saved as their weights."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from ramify._core import InputError, Setting, check_count, checked, listed, quoted
from ramify.linear import METHODS, MultiTaskModel
from ramify.networks import Parts, StackedHeads, TaskModel, network_cost, read_settings
from ramify.runs.methods._base import Finished, Job, Method
from ramify.sharing import Affinity
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression, SharingTree, TaskSet

Array = NDArray[np.float64]
_WEAKEST: Final = 1e-4  # part of the strongest penalty where the path ends
_NEEDS_A_GRAPH: Final = "graph"
LINEAR_METHODS: Final = tuple(name for name in METHODS if name != _NEEDS_A_GRAPH)
_MEANING: Final = (
    "How the method found the tasks to relate while it estimated them; higher is closer, negative "
    "is opposed."
)


@dataclass(frozen=True)
class _Settings:
    n_inputs: int


class LinearModel(TaskModel):
    """Heads that read the encoded row as it is: a linear model of each task.

    Args:
        n_inputs: Width of a flattened row.
        tree: One stage: which tasks the method found to belong together.
        tasks: The tasks.
    """

    kind = "linear"

    def __init__(self, n_inputs: int, tree: SharingTree, tasks: TaskSet) -> None:
        super().__init__()
        self.tasks, self._tree, self._n_inputs = tasks, tree, n_inputs
        with torch.random.fork_rng([]):  # start weights are drawn and then replaced
            self.heads = StackedHeads(n_inputs, tasks)
        self.heads.attach(tree.assignment(0).tolist())

    def forward(self, inputs: Tensor) -> Float[Tensor, "batch column"]:
        """Outputs of all tasks, in the columns that `TaskSet` tells."""
        rows = inputs.flatten(1)
        outputs: Tensor = self.heads(rows.expand(self._tree.widths[0], *rows.shape))
        return outputs

    @property
    def tree(self) -> SharingTree:
        """Which tasks the method found to belong together."""
        return self._tree

    def settings(self) -> Mapping[str, Setting]:
        """The width of a row."""
        return {"n_inputs": self._n_inputs}

    @classmethod
    def least_numbers(cls, settings: Mapping[str, Setting], backbone: int) -> int:
        """One per input."""
        return read_settings(_Settings, settings, "a linear model").n_inputs

    @classmethod
    def rebuilt(cls, parts: Parts, settings: Mapping[str, Setting]) -> Self:
        """One like one that was saved."""
        n_inputs = read_settings(_Settings, settings, "a linear model").n_inputs
        check_count("n_inputs", n_inputs)
        return cls(n_inputs, parts.tree, parts.tasks)


@checked
@dataclass(frozen=True)
class LinearSharing(Method):
    """A linear model per task; what the tasks share is in how they are estimated together.

    The strength of the penalty is chosen on the validation rows along a path, and the model that
    is kept is fitted to the training rows. Yes-or-no tasks are estimated together by logistic
    loss, a task of several classes as one of them against the rest for each; numbers are
    estimated together by squared loss on their standardised values. The two do not know each
    other.

    Attributes:
        method: Name among `LINEAR_METHODS`.
        n_alphas: Strengths tried, from one that is too strong to hardly any.

    Raises:
        InputError: If there is no such method.

    Example:
        >>> LinearSharing("clustered").word
        'linear:clustered'
    """

    name = "linear"
    label = "linear models that share"
    structure = "linear"
    model = LinearModel
    forms: ClassVar = {method: {"method": method} for method in LINEAR_METHODS}
    refused: ClassVar = {
        _NEEDS_A_GRAPH: "needs a graph of the tasks; use ramify.linear.GraphRegularized from Python"
    }

    method: str
    n_alphas: int = 30

    def __post_init__(self) -> None:
        """Check the name."""
        if self.method in self.refused:
            raise InputError(f"{self.word} {self.refused[self.method]}")
        if self.method not in LINEAR_METHODS:
            raise InputError(
                f"must be one of {listed(LINEAR_METHODS, len(METHODS))}",
                argument="method",
                got=quoted(self.method),
            )
        check_count("n_alphas", self.n_alphas)

    @property
    def word(self) -> str:
        """The word for it in a record."""
        return f"{self.name}:{self.method}"

    def fit(self, job: Job) -> Finished:
        """Estimate on the training rows, the strength chosen on the validation rows.

        Raises:
            InputError: If a task has no training label or is ordinal, or if no task has labels of
                two classes.
        """
        tasks = job.prepared.tasks
        _check_kinds(tasks)
        rows = _rows(job)
        affinity, groups = np.full((len(tasks), len(tasks)), np.nan), np.full(len(tasks), -1)
        chosen: dict[str, Setting] = {}
        fitted: list[tuple[list[int], MultiTaskModel]] = []
        for classifies, columns in _kinds(tasks).items():
            if columns:
                _check_labels(rows, tasks, columns)
                model, settings = _chosen(self, rows, columns, classifies=classifies)
                fitted.append((columns, model))
                chosen |= settings
                _learned(model, [tasks.task_of_column[c] for c in columns], affinity, groups)
        tree = _tree(tasks.names, groups)
        linear = LinearModel(rows.inputs.shape[1], tree, tasks)
        for columns, model in fitted:
            _put_into(linear.heads, columns, model)
        found = {} if np.isnan(affinity).all() else {self.word: Affinity(affinity, _MEANING, True)}
        cost = network_cost(linear, torch.zeros(1, *job.prepared.inputs.encoder.shape))
        return job.finished(
            linear,
            parameters=cost.parameters,
            flops=cost.flops,
            chosen=chosen,
            affinity=found,
        )


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of training and validation, one after the other, as the estimators take them."""

    inputs: Array
    labels: Array  # (row, column of the heads); NaN where there is none
    n_train: int

    @property
    def split(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        every = np.arange(len(self.inputs))
        return [(every[: self.n_train], every[self.n_train :])]

    @property
    def train(self) -> slice:
        return slice(0, self.n_train)


def _check_kinds(tasks: TaskSet) -> None:
    if places := tasks.of_kind(Ordinal):
        name = quoted(tasks[places[0]].name)
        raise InputError(
            f"linear models learn numbers and classes. Target {name} is ordinal; say in `kinds` "
            "that it is regression or multiclass, or use another way of sharing"
        )


def _rows(job: Job) -> _Rows:
    sides = [job.rows(side) for side in ("train", "validation")]
    return _Rows(
        np.concatenate([side.inputs for side in sides]).astype(np.float64),
        _columns(np.concatenate([side.labels for side in sides]), job.prepared.tasks),
        len(sides[0].inputs),
    )


def _columns(targets: Array, tasks: TaskSet) -> Array:
    """A column per output: 0 or 1 per class, or the standardised value."""
    columns = []
    for t, task in enumerate(tasks):
        labels = targets[:, t]
        if isinstance(task.kind, Regression):
            columns.append((labels - task.kind.location) / task.kind.scale)
        elif isinstance(task.kind, Multiclass):
            known = ~np.isnan(labels)
            columns += [np.where(known, labels == c, np.nan) for c in range(task.kind.n_outputs)]
        elif isinstance(task.kind, Ranking):
            columns.append(labels)  # the relevance itself: row by row, not against each other
        else:
            columns.append(np.where(np.isnan(labels), np.nan, labels >= 0.5))
    return np.stack(columns, axis=1)


def _kinds(tasks: TaskSet) -> dict[bool, list[int]]:
    """Columns of the heads that classify, and those that do not."""
    kinds: dict[bool, list[int]] = {True: [], False: []}
    for column, t in enumerate(tasks.task_of_column):
        kinds[isinstance(tasks[t].kind, Binary | Multiclass)].append(column)
    return kinds


def _chosen(
    sharing: LinearSharing, rows: _Rows, columns: Sequence[int], *, classifies: bool
) -> tuple[MultiTaskModel, dict[str, Setting]]:
    """The estimator of the strength that the validation rows choose, fitted to the training rows."""
    labels = rows.labels[:, columns]
    method = METHODS[sharing.method]
    searching = method.classifier_cv if classifies else method.regressor_cv
    plain = method.classifier if classifies else method.regressor
    with warnings.catch_warnings():
        # The ends of the path may stop early; the validation rows judge them all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # What the training rows lack has been said where they were read.
        warnings.filterwarnings("ignore", "labels of one class only", UserWarning)
        search = searching(alphas=sharing.n_alphas, eps=_WEAKEST, cv=rows.split)
        search.fit(rows.inputs, labels)
        settings = dict(search.best_params_)
        model = plain(**settings).fit(rows.inputs[rows.train], labels[rows.train])
    kind = "classes" if classifies else "numbers"
    return model, {f"{name} ({kind})": _plain(value) for name, value in settings.items()}


def _plain(value: object) -> Setting:
    return float(value) if isinstance(value, np.floating | float) else str(value)


def _check_labels(rows: _Rows, tasks: TaskSet, columns: Sequence[int]) -> None:
    known = ~np.isnan(rows.labels[rows.train])
    names = [
        tasks[tasks.task_of_column[place]].name for place in columns if not known[:, place].any()
    ]
    if names:
        raise InputError(
            "a linear model needs training labels of each task. They are missing for "
            f"{listed(dict.fromkeys(names))}; leave such targets, or the rows of such tasks, out"
        )


@torch.no_grad()
def _put_into(heads: nn.Module, columns: Sequence[int], model: MultiTaskModel) -> None:
    weight, bias = heads.get_parameter("weight"), heads.get_parameter("bias")
    coef = np.atleast_2d(model.coef_)
    weight[list(columns)] = torch.as_tensor(coef, dtype=weight.dtype)
    bias[list(columns)] = torch.as_tensor(np.atleast_1d(model.intercept_), dtype=bias.dtype)


def _learned(
    model: MultiTaskModel, places: Sequence[int], affinity: Array, groups: NDArray[np.intp]
) -> None:
    """Note what the method learned of the tasks, where each of them is one column.

    Args:
        model: The estimator.
        places: The task of each column.
        affinity: Filled in, ``(task, task)``.
        groups: Filled in: for each task, its group.
    """
    if len(set(places)) < len(places):
        return
    if (known := getattr(model, "task_affinity_", None)) is not None:
        affinity[np.ix_(places, places)] = known
    if (found := getattr(model, "groups_", None)) is not None:
        groups[list(places)] = groups.max() + 1 + np.asarray(found)


def _tree(names: Sequence[str], groups: NDArray[np.intp]) -> SharingTree:
    """One stage; apart by the groups that the method found, if it found some of every task."""
    if (groups < 0).any() or len(set(groups.tolist())) < 2:
        return SharingTree.shared(names, 1)
    parts = [
        tuple(n for n, g in zip(names, groups, strict=True) if g == each)
        for each in dict.fromkeys(groups.tolist())
    ]
    return SharingTree(tuple(names), (tuple(parts),))
