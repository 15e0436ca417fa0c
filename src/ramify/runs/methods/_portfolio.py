"""The members of an ensemble on a table: each learns all tasks, and says what it knows out of fold."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)

from ramify.kernels import MOST_ROWS, Inputs, fit_kernel
from ramify.runs.methods._ensemble_model import KernelMember, Member, NetworksMember, TreesMember
from ramify.runs.methods._tensor_models import Forest, learns_numbers
from ramify.stacked import FoldTraining, StackedMLP, fit_folds
from ramify.tasks import TaskSet

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
N_TREES = 200
MOST_STEPS = 1500  # of networks; of many rows as many as five epochs have
MANY_ROWS: Final = 20_000  # from here on the validation rows are the only fold
_EXACT_ROWS: Final = 2000
_FEWEST_FOR_BOOSTING: Final = 1000
_MOST_OPERATIONS: Final = 2e13  # of a kernel's search, at worst
_MOST_VISITS: Final = 5e10  # rows × depth × inputs per split × trees × tasks of a forest
_MOST_BINNED: Final = 2e11  # rows × inputs × steps × folds × columns of boosting
_LARGEST_TASK_INPUT: Final = 30  # tasks of rows of their own: every row is predicted for each
_FEW_ROWS_OF_A_TASK: Final = 20
_UNLIKE_SCALES: Final = 10.0


@dataclass(frozen=True, eq=False)
class Learned:
    """The rows that may be learned from, with their labels, and the folds that they are in.

    Attributes:
        tasks: The tasks.
        inputs: Encoded rows.
        labels: Of each column of the tasks' outputs; NaN where there is none.
        targets: As training has them ``(row, task)``.
        label_mask: True where there is a label.
        fold: Of each row; −1 for rows that all learn from.
        task: Place of the task of each row, where each has a label of one task alone; else None.
        seed: Random seed.
        threads: How many may be used.
    """

    tasks: TaskSet
    inputs: Float[np.ndarray, "row input"]
    labels: Float[np.ndarray, "row column"]
    targets: Float[np.ndarray, "row task"]
    label_mask: NDArray[np.bool_]
    fold: Int64[np.ndarray, " row"]
    task: Integers | None
    seed: int
    threads: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.inputs)

    @property
    def n_columns(self) -> int:
        """Number of columns of the tasks' outputs."""
        return int(self.labels.shape[1])

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1

    @property
    def bits_only(self) -> bool:
        """Whether every input has two values at most."""
        low, high = self.inputs.min(axis=0), self.inputs.max(axis=0)
        return bool(((self.inputs == low) | (self.inputs == high)).all())

    @property
    def usual(self) -> Floats:
        """What is predicted of a column without knowing the row: the mean of its labels."""
        count = (~np.isnan(self.labels)).sum(axis=0)
        sums = np.nansum(self.labels, axis=0)
        return np.asarray(np.divide(sums, count, out=np.zeros(len(count)), where=count > 0))

    @property
    def units(self) -> tuple[Floats, Floats]:
        """Location and scale of each column: of numbers those of their labels, of others 0 and 1.

        Trees take small differences for none, so numbers are learned in units of their spread.
        """
        of_column = self.tasks.task_of_column
        numbers = np.array([learns_numbers(self.tasks[t]) for t in of_column])
        spread = _spread(self.labels - self.usual)
        return np.where(numbers, self.usual, 0.0), np.where(numbers, spread, 1.0)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A member, and what it says of rows that it did not learn from.

    Attributes:
        word: What it is called.
        member: It.
        oof: ``(row, column)``; NaN where nothing is said.
    """

    word: str
    member: Member
    oof: Floats


Fit = Callable[[Learned], Fitted]


def candidates(learned: Learned) -> list[tuple[str, Fit]]:
    """The members that fit a table of this size and kind, the cheapest first."""
    found = _kernels(learned)
    found.append(("networks", networks))
    if _forest_fits(learned):
        found += _all_forests(learned)
    if _boosting_fits(learned):
        found.append(("boosting", boosting))
    return found


def _kernels(learned: Learned) -> list[tuple[str, Fit]]:
    scalings = ["standard"] if learned.bits_only else ["standard", "quantile"]
    found = [("linear", scaling) for scaling in scalings if not _linear_is_too_wide(learned)]
    if _kernel_fits(learned):
        found += [("laplace", scaling) for scaling in scalings]
        found.append(("tanimoto", "standard") if learned.bits_only else ("rbf", "quantile"))
    return [(f"{kernel} kernel, {scaling}", _kernel(kernel, scaling)) for kernel, scaling in found]


def _all_forests(learned: Learned) -> list[tuple[str, Fit]]:
    if learned.task is not None and len(learned.tasks) > _LARGEST_TASK_INPUT:
        return []
    found: list[tuple[str, Fit]] = [("forests", forests)]
    if learned.task is not None:
        found.append(("one forest that reads the task", pooled_forest))
    if len(learned.tasks) > 1 and not np.isnan(learned.labels).any():
        found.append(("one forest for all tasks", joint_forest))
    return found


def _kernel_fits(learned: Learned) -> bool:
    n = learned.n_rows
    if n > MOST_ROWS:
        return False
    columns = 1 if learned.task is not None else learned.n_columns
    exact = n <= _EXACT_ROWS and not np.isnan(learned.labels).any()
    return bool(exact or 800 * n**2 * (learned.n_folds + 1) * columns <= _MOST_OPERATIONS)


def _linear_is_too_wide(learned: Learned) -> bool:
    """A linear kernel is solved in as many rows as there are features."""
    width = learned.inputs.shape[1]
    return bool(4800.0 * learned.n_rows * width * learned.n_columns > _MOST_OPERATIONS)


def _forest_fits(learned: Learned) -> bool:
    n, width = learned.inputs.shape
    per_split = width / 3 if _all_numbers(learned.tasks) else width**0.5
    visits = n * log2(max(n, 2)) * per_split * N_TREES
    n_fits = 1 if learned.task is not None else len(learned.tasks)
    return bool(visits * n_fits <= _MOST_VISITS)


def _boosting_fits(learned: Learned) -> bool:
    n, width = learned.inputs.shape
    if n < _FEWEST_FOR_BOOSTING or learned.bits_only or learned.task is not None:
        return False
    return bool(150.0 * n * width * learned.n_folds * learned.n_columns <= _MOST_BINNED)


def _kernel(kernel: str, scaling: str) -> Fit:
    def fit(learned: Learned) -> Fitted:
        location, scale, labels = _standardised(learned)
        task, column_task = learned.task, np.array(learned.tasks.task_of_column)
        if task is not None:
            place = np.arange(learned.n_rows), task
            labels, column_task = labels[place][:, None], np.zeros(1, dtype=int)
        found = fit_kernel(
            learned.inputs.astype(np.float64),
            labels,
            kernel=kernel,
            scaling=scaling,
            fold=learned.fold,
            task=task,
            column_task=column_task,
            seed=learned.seed,
        )
        oof = found.oof
        if task is not None:
            oof = np.repeat(oof, learned.n_columns, axis=1)
        member = KernelMember.of(found.model, learned.tasks, location, scale)
        return Fitted(f"{kernel} kernel, {scaling}", member, oof * scale + location)

    return fit


def _standardised(learned: Learned) -> tuple[Floats, Floats, Floats]:
    """Labels that a regression of all columns takes; where to put predictions back to.

    Columns without a label are 0 throughout, so that nothing else is predicted of them. Of tasks
    with rows of their own levels and spreads are kept, as far as they can be compared: to know that
    one school is better than another is a part of the answer.
    """
    usual = learned.usual
    labels = learned.labels - usual
    spread = _spread(labels)
    labels[:, np.isnan(labels).all(axis=0)] = 0.0
    if learned.task is None:
        return usual, np.ones(learned.n_columns), labels
    if spread.max() / spread.min() > _UNLIKE_SCALES:
        return usual, spread, labels / spread
    middle = float(np.nanmean(learned.labels))
    return np.full(learned.n_columns, middle), np.ones(learned.n_columns), learned.labels - middle


def _spread(centred: Floats) -> Floats:
    """Standard deviation of each column; 1 where there is none."""
    known = ~np.isnan(centred)
    largest = np.max(np.abs(centred), axis=0, where=known, initial=0)
    unit = np.where(largest > 0, largest, 1.0)  # squares of huge or tiny numbers are none
    sums = np.sum((centred / unit) ** 2, axis=0, where=known)
    found = unit * np.sqrt(sums / np.maximum(known.sum(axis=0), 1))
    return np.where(found > 0, found, 1.0)


def forests(learned: Learned) -> Fitted:
    """A forest for each task."""
    return _forests("forests", learned, [_columns_of(learned.tasks, t) for t in _places(learned)])


def joint_forest(learned: Learned) -> Fitted:
    """One forest of trees whose leaves hold all tasks."""
    return _forests("one forest for all tasks", learned, [slice(0, learned.n_columns)])


def _forests(word: str, learned: Learned, groups: Sequence[slice]) -> Fitted:
    oof = np.tile(learned.usual, (learned.n_rows, 1))
    location, scale = learned.units
    standard = (learned.labels - location) / scale
    parts, firsts = [], []
    for columns in groups:
        labels = standard[:, columns]
        known = ~np.isnan(labels).any(axis=1)
        firsts.append(columns.start)
        if known.sum() < 2 or not np.ptp(labels[known], axis=0).any():
            parts.append(Forest.constant(learned.usual[columns]))
            continue
        numbers = learns_numbers(learned.tasks[learned.tasks.task_of_column[columns.start]])
        forest, found = _grown(learned.inputs[known], labels[known], learned, numbers=numbers)
        forest.leaves.mul_(torch.from_numpy(scale[columns]))
        forest.leaves.add_(torch.from_numpy(location[columns]))
        parts.append(forest)
        own = found * scale[columns] + location[columns]
        oof[known, columns] = np.where(np.isnan(own), learned.usual[columns], own)
    member = TreesMember(learned.tasks, parts, firsts)
    return Fitted(word, member, oof)


def pooled_forest(learned: Learned) -> Fitted:
    """One forest that reads, beside a row, which task it belongs to."""
    assert learned.task is not None
    place = np.arange(learned.n_rows), learned.task
    one_hot = np.eye(len(learned.tasks), dtype=np.float32)[learned.task]
    inputs = np.concatenate([learned.inputs, one_hot], axis=1)
    labels = learned.labels[place][:, None]
    location = float(labels.mean())
    scale = float(_spread(labels - location)[0])
    numbers = _all_numbers(learned.tasks)
    forest, found = _grown(inputs, (labels - location) / scale, learned, numbers=numbers)
    forest.rescale(scale, location)
    oof = np.repeat(found * scale + location, learned.n_columns, axis=1)
    member = TreesMember(learned.tasks, [forest], [0], task_is_input=True)
    return Fitted("one forest that reads the task", member, oof)


def _grown(
    inputs: NDArray[Any], labels: Floats, learned: Learned, *, numbers: bool
) -> tuple[Forest, Floats]:
    """A forest, and for each of its rows the mean of the trees that did not see it."""
    model = RandomForestRegressor(
        N_TREES,
        max_features=1 / 3 if numbers else "sqrt",
        oob_score=True,
        random_state=learned.seed % 2**32,
        n_jobs=learned.threads,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
        model.fit(inputs, labels if labels.shape[1] > 1 else labels[:, 0])
    found = np.asarray(model.oob_prediction_).reshape(labels.shape)
    return Forest.of_columns([each.tree_ for each in model.estimators_]), found


def boosting(learned: Learned) -> Fitted:
    """Boosted trees for each column and fold, which end when the fold has been predicted best."""
    oof = np.tile(learned.usual, (learned.n_rows, 1))
    number = np.array([learns_numbers(learned.tasks[t]) for t in learned.tasks.task_of_column])
    parts, firsts = [], []
    logistic = not number.any()
    for c, labels in enumerate(learned.labels.T):
        known = ~np.isnan(labels)
        for f in range(learned.n_folds):
            held = learned.fold == f
            rest, judges = known & ~held, known & held
            firsts.append(c)
            grown = None
            if _varies(labels[rest]) and _varies(labels[judges]):
                grown = _boosted(learned, rest, judges, c, logistic=logistic)
            if grown is None:
                start = _odds(learned.usual[c]) if logistic else learned.usual[c]
                parts.append(Forest.constant(np.array([start])))
                continue
            part, found = grown
            parts.append(part)
            oof[held, c] = found
    member = TreesMember(learned.tasks, parts, firsts, logistic=logistic)
    return Fitted("boosting", member, oof)


def _boosted(
    learned: Learned, rest: NDArray[np.bool_], judges: NDArray[np.bool_], c: int, *, logistic: bool
) -> tuple[Forest, Floats]:
    made = HistGradientBoostingClassifier if logistic else HistGradientBoostingRegressor
    model = made(
        max_iter=500,
        learning_rate=0.05,
        max_leaf_nodes=15,
        early_stopping=True,
        n_iter_no_change=30,
        max_features=0.5,
        random_state=learned.seed % 2**32,
        min_samples_leaf=int(np.clip(rest.sum() // 20, 2, 20)),
    )
    location, scale = (float(each[c]) for each in learned.units)
    labels = (learned.labels[:, c] - location) / scale
    model.fit(
        learned.inputs[rest],
        labels[rest],
        X_val=learned.inputs[judges],
        y_val=labels[judges],
    )
    part = Forest.of_steps(
        [each.nodes for (each,) in model._predictors], float(model._baseline_prediction.item())
    )
    held = learned.inputs[learned.fold == learned.fold[judges][0]]
    if logistic:
        return part, np.asarray(model.predict_proba(held)[:, 1])
    part.rescale(scale, location)
    return part, np.asarray(model.predict(held) * scale + location)


def networks(learned: Learned) -> Fitted:
    """A network for each fold, all trained in one run; their stages are shared by all tasks."""
    inputs = Inputs.fitted(learned.inputs.astype(np.float64), "quantile")
    rows = torch.from_numpy(inputs.encode(learned.inputs.astype(np.float64)))
    found = fit_folds(
        rows,
        torch.from_numpy(learned.targets),
        torch.from_numpy(learned.label_mask),
        torch.from_numpy(learned.fold),
        learned.tasks,
        network_training(learned.n_rows, bits_only=inputs.n_numbers == 0),
        seed=learned.seed,
    )
    networks: StackedMLP = found.networks
    member = NetworksMember.of(learned.tasks, networks, inputs)
    return Fitted("networks", member, found.oof.numpy())


def network_training(n_rows: int, *, bits_only: bool) -> FoldTraining:
    """How large networks are, and for how long they are trained."""
    width = 128 if n_rows < 2000 else 256
    most = MOST_STEPS if n_rows < 10_000 else max(MOST_STEPS, 5 * n_rows // 128)
    if bits_only:
        return FoldTraining((width, width), 0.5, 0.2, learning_rate=1e-3, most_steps=most)
    return FoldTraining((width, width), most_steps=most)


def _places(learned: Learned) -> range:
    return range(len(learned.tasks))


def _columns_of(tasks: TaskSet, t: int) -> slice:
    first = tasks.first_columns[t]
    return slice(first, first + tasks[t].kind.n_outputs)


def _all_numbers(tasks: TaskSet) -> bool:
    return all(learns_numbers(task) for task in tasks)


def _varies(labels: Floats) -> bool:
    return len(labels) > 0 and bool(labels.min() < labels.max())


def _odds(share: float) -> float:
    inner = min(max(share, 1e-3), 1 - 1e-3)
    return float(np.log(inner / (1 - inner)))
