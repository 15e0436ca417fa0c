"""Fitting a linear multi-task model to a prepared data set, and turning it into a network."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from ramify._core import InputError, listed, quoted
from ramify.data import Batches
from ramify.linear import METHODS, MultiTaskModel
from ramify.networks import BranchedNetwork, LinearSpec
from ramify.records import Setting
from ramify.runs._linear_sharing import LinearSharing
from ramify.runs._prepared import Prepared
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression, SharingTree, TaskSet
from ramify.training import Fitted

Array = NDArray[np.float64]
_WEAKEST = 1e-4  # part of the strongest penalty where the path ends


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


def fit_linear(sharing: LinearSharing, prepared: Prepared, batch_size: int) -> Fitted:
    """Fit a linear method to the training rows, its strength chosen on the validation rows.

    Args:
        sharing: The method; gets what it learned.
        prepared: The data.
        batch_size: Rows that are encoded at a time.

    Raises:
        InputError: If a task has no training label or is ordinal, or if no task has labels of two
            classes.
    """
    started = time.monotonic()
    tasks = prepared.tasks
    _check_kinds(tasks)
    rows = _rows(prepared, batch_size)
    spec = LinearSpec(prepared.inputs.encoder.shape)
    network = sharing.build(spec.build(spec.shape), tasks, spec.n_features)
    sharing.affinity, sharing.chosen = None, {}
    groups = np.full(len(tasks), -1)
    for classifies, columns in _kinds(tasks).items():
        if columns:
            _check_labels(rows, tasks, columns)
            model = _chosen(sharing, rows, columns, classifies=classifies)
            _put_into(network.heads, columns, model)
            _note(sharing, tasks, columns, model, groups)
    network = _divided(network, groups)
    return Fitted(network.eval(), sharing, [], [], time.monotonic() - started)


def _check_kinds(tasks: TaskSet) -> None:
    if places := tasks.of_kind(Ordinal):
        name = quoted(tasks[places[0]].name)
        raise InputError(
            f"linear models learn numbers and classes. Target {name} is ordinal; say "
            f"--kind NAME=regression or NAME=multiclass, or use another way of sharing"
        )


def _rows(prepared: Prepared, batch_size: int) -> _Rows:
    sides = [_read(prepared, side, batch_size) for side in ("train", "validation")]
    return _Rows(
        np.concatenate([inputs for inputs, _ in sides]),
        np.concatenate([labels for _, labels in sides]),
        len(sides[0][0]),
    )


def _read(prepared: Prepared, side: str, batch_size: int) -> tuple[Array, Array]:
    batches: Batches = prepared.in_order(side, batch_size)
    inputs, labels = [], []
    for batch in batches:
        inputs.append(batch.inputs.flatten(1).double().numpy())
        targets = np.where(batch.label_mask.numpy(), batch.targets.numpy(), np.nan)
        labels.append(_columns(targets.astype(np.float64), prepared.tasks))
    return np.concatenate(inputs), np.concatenate(labels)


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
) -> MultiTaskModel:
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
    sharing.chosen |= {f"{name} ({kind})": _plain(value) for name, value in settings.items()}
    return model


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


def _note(
    sharing: LinearSharing,
    tasks: TaskSet,
    columns: Sequence[int],
    model: MultiTaskModel,
    groups: NDArray[np.intp],
) -> None:
    """Keep what the method learned of the tasks, where each of them is one column."""
    places = [tasks.task_of_column[column] for column in columns]
    if len(set(places)) < len(places):
        return
    affinity, found = getattr(model, "task_affinity_", None), getattr(model, "groups_", None)
    if affinity is not None:
        if sharing.affinity is None:
            sharing.affinity = np.full((len(tasks), len(tasks)), np.nan)
        sharing.affinity[np.ix_(places, places)] = affinity
    if found is not None:
        groups[places] = groups.max() + 1 + np.asarray(found)


def _divided(network: BranchedNetwork, groups: NDArray[np.intp]) -> BranchedNetwork:
    """The same network, its one stage drawn apart by the groups that the method found."""
    if (groups < 0).any() or len(set(groups.tolist())) < 2:
        return network
    names = network.tasks.names
    parts = [
        [n for n, g in zip(names, groups, strict=True) if g == each]
        for each in dict.fromkeys(groups.tolist())
    ]
    tree = SharingTree(names, (tuple(tuple(part) for part in parts),))
    return network.regrown(tree)
