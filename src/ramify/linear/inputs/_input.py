"""From what a user hands over to checked arrays: rows, labels, tasks and weights."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    validate_data,
)

from ramify._core import InputError, ShapeError, listed, quoted
from ramify.linear.inputs._arrays import Floats, Integers, Rows

_LARGEST = 1e50  # fourth powers of it are still numbers


def check_size(name: str, values: Floats) -> None:
    """Numbers that can be squared and multiplied without leaving what a number can hold.

    Raises:
        InputError: If one is too large.
    """
    largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    if largest > _LARGEST:
        raise InputError(
            f"must hold numbers of at most {_LARGEST:g} in size, as they are squared",
            argument=name,
            got=f"{largest:g}",
            remedy="scale it first",
        )


def check_choice(name: str, value: object, choices: Collection[object]) -> None:
    """One of several values.

    Raises:
        InputError: If it is none of them.
    """
    if not any(type(value) is type(each) and value == each for each in choices):
        known = ", ".join(repr(each) for each in choices)
        raise InputError(f"must be one of {known}", argument=name, got=repr(value))


def weights_of_tasks(task_weight: object, tasks: Iterable[object]) -> Floats:
    """One weight per task, from None, a sequence in the order of the tasks, or a mapping.

    Raises:
        InputError: If a weight is missing, too many, negative or not finite.
    """
    names = list(tasks)
    if task_weight is None:
        return np.ones(len(names))
    if isinstance(task_weight, Mapping):
        missing = [name for name in names if name not in task_weight]
        if missing:
            raise InputError(
                f"must have every task. It lacks {listed(missing)}", argument="task_weight"
            )
        task_weight = [task_weight[name] for name in names]
    try:
        weights = np.asarray(task_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "must hold numbers", argument="task_weight", got=quoted(task_weight)
        ) from None
    if weights.shape != (len(names),):
        raise InputError(
            f"must have one number per task, {len(names)}",
            argument="task_weight",
            got=f"shape {weights.shape}",
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InputError(
            "must hold finite numbers of 0 or more, not all 0",
            argument="task_weight",
            got=f"{float(weights.min())!r} to {float(weights.max())!r}",
        )
    return weights


@dataclass(frozen=True)
class Given:
    """Checked input of ``fit``.

    Args:
        X: Rows, as they came.
        y: Labels as they came, ``(row, task)``, or ``(row,)`` in the stacked form.
        labelled: Like ``y``: where there is a label.
        sample_weight: ``(row,)``.
        tasks: The tasks' names, in their order.
        origin: The index of each row in what came.
        task: The task of each row in the stacked form; None in the shared form.
        is_flat: Whether ``y`` came as one column without tasks.
    """

    X: Rows
    y: np.ndarray
    labelled: np.ndarray
    sample_weight: Floats
    tasks: np.ndarray
    origin: Integers
    task: Integers | None
    is_flat: bool


def check_fit_input(
    estimator: BaseEstimator, X: object, y: object, task: object, sample_weight: object
) -> Given:
    """Check what ``fit`` was given; rows without any label are left out.

    Raises:
        InputError: If labels, tasks or weights do not fit together.
        ValueError: From scikit-learn's own checks.
    """
    rows = _checked_rows(estimator, X, reset=True)
    check_size("X", rows.data if sp.issparse(rows) else rows)
    names = _column_names(y)
    labels = checked_labels(estimator, y)
    check_consistent_length(rows, labels)
    weights = _checked_weights(sample_weight, rows)
    labelled = ~is_missing(labels)
    if task is not None:
        return _stacked(rows, labels, labelled, weights, task)
    is_flat = labels.ndim == 1
    if is_flat:
        _refuse_missing(labelled)
        labels, labelled = labels[:, None], labelled[:, None]
    tasks = np.arange(labels.shape[1]) if names is None else np.asarray(names, dtype=object)
    weighted = labelled & (weights > 0)[:, None]
    _refuse_empty(tasks, np.asarray(weighted.any(axis=0)))
    kept = np.flatnonzero(weighted.any(axis=1))
    if len(kept) < len(labels):
        rows, labels, labelled, weights = rows[kept], labels[kept], labelled[kept], weights[kept]
    return Given(rows, labels, labelled, weights, tasks, kept, None, is_flat)


def check_predict_input(estimator: BaseEstimator, X: object) -> Rows:
    """Check the rows to predict."""
    return _checked_rows(estimator, X, reset=False)


def index_of_tasks(task: object, tasks: Sequence[object] | np.ndarray, n_rows: int) -> Integers:
    """Positions among known tasks.

    Raises:
        InputError: If a label is unknown, or there is not one per row.
    """
    labels = _task_labels(task, n_rows)
    known = {_plain(name): index for index, name in enumerate(tasks)}
    unknown = dict.fromkeys(label for label in labels if label not in known)
    if unknown:
        raise InputError(
            f"holds tasks that were not in `fit`: {listed(unknown)}. "
            f"Known are {listed(tasks)}{_other_type(unknown, known)}",
            argument="task",
        )
    return np.fromiter((known[label] for label in labels), dtype=np.intp, count=n_rows)


def _other_type(unknown: Iterable[object], known: Iterable[object]) -> str:
    """What to add where unknown tasks look like known ones: 1 and "1"."""
    alike = {str(name): name for name in known}
    twins = [(label, alike[str(label)]) for label in unknown if str(label) in alike]
    if not twins:
        return ""
    label, name = twins[0]
    return f", as {type(name).__name__} and not {type(label).__name__}"


def _stacked(
    rows: Rows, labels: np.ndarray, labelled: np.ndarray, weights: Floats, task: object
) -> Given:
    if labels.ndim != 1:
        raise ShapeError(
            "must have one column when `task` is given, a row has one task",
            argument="y",
            got=f"shape {labels.shape}",
        )
    _refuse_missing(labelled)
    names = _task_labels(task, len(labels))
    tasks = _in_order(names)
    index = index_of_tasks(names, tasks, len(labels))
    _refuse_empty(tasks, np.asarray(np.bincount(index[weights > 0], minlength=len(tasks)) > 0))
    kept = np.flatnonzero(weights > 0)
    kept = kept[np.argsort(index[kept], kind="stable")]
    return Given(
        rows[kept], labels[kept], labelled[kept], weights[kept], tasks, kept, index[kept], False
    )


def _checked_rows(estimator: BaseEstimator, X: object, reset: bool) -> Rows:
    rows = validate_data(estimator, X, reset=reset, accept_sparse="csr", dtype=np.float64)
    return sp.csr_array(rows) if sp.issparse(rows) else rows


def checked_labels(estimator: BaseEstimator, y: object) -> np.ndarray:
    """Labels as an array; missing ones are NaN or None.

    Raises:
        ShapeError: If they are neither one column nor a table.
        ValueError: From scikit-learn's own checks.
    """
    if y is None:
        name = type(estimator).__name__
        raise InputError(f"This {name} estimator requires y to be passed, but the target y is None")
    labels: np.ndarray = check_array(
        y, ensure_2d=False, dtype=None, ensure_all_finite="allow-nan", input_name="y"
    )
    if labels.ndim not in {1, 2} or labels.shape[-1:] == (0,):
        raise ShapeError(
            "must be (sample,) or (sample, task)", argument="y", got=f"shape {labels.shape}"
        )
    return labels


def _checked_weights(sample_weight: object, rows: Rows) -> Floats:
    weights: Floats = _check_sample_weight(
        sample_weight, rows, dtype=np.float64, ensure_non_negative=True
    )
    return weights


def is_missing(labels: np.ndarray) -> np.ndarray:
    """Where a label is NaN or None."""
    if labels.dtype.kind == "f":
        return np.asarray(np.isnan(labels))
    if labels.dtype.kind == "O":
        missing = [_is_none_or_nan(each) for each in labels.flat]
        return np.array(missing, dtype=bool).reshape(labels.shape)
    return np.zeros(labels.shape, dtype=bool)


def _refuse_missing(labelled: np.ndarray) -> None:
    if not labelled.all():
        raise InputError(
            "Input y contains NaN: a single column `y` must have every label. "
            "Leave rows without one out, or give `y` as (sample, task)"
        )


def _refuse_empty(tasks: np.ndarray, has_rows: np.ndarray) -> None:
    if not has_rows.all():
        raise InputError(
            "must have a label with a weight above 0 for every task. There is none for "
            f"{listed(tasks[~has_rows])}",
            argument="y",
            remedy="leave such tasks out",
        )


def _column_names(y: object) -> list[object] | None:
    columns = getattr(y, "columns", None)
    if columns is None:
        return None
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise InputError(
            f"must have a name of its own for every column. Twice: {listed(twice)}", argument="y"
        )
    return list(columns)


def _task_labels(task: object, n_rows: int) -> list[object]:
    """The labels as plain Python values, which can be looked up whatever array they came in."""
    one_each = f"must have one label per row, {n_rows:,}"
    if isinstance(task, str | bytes) or not hasattr(task, "__len__"):
        raise InputError(one_each, argument="task", got=repr(task))
    labels = [_plain(each) for each in task]  # type: ignore[attr-defined]
    if len(labels) != n_rows:
        raise ShapeError(one_each, argument="task", got=f"{len(labels):,}")
    for label in labels:
        if _is_none_or_nan(label):
            raise InputError("must have a label for every row. Some are missing", argument="task")
        if not hasattr(label, "__hash__") or label.__hash__ is None:
            raise InputError(
                "must hold labels that can be hashed", argument="task", got=repr(label)
            )
    return labels


def _is_none_or_nan(label: object) -> bool:
    # By name, so that pandas need not be there for its marks of what is missing.
    if label is None or type(label).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(label, float | np.floating) and bool(np.isnan(label))


def _plain(label: object) -> object:
    return label.item() if isinstance(label, np.generic) else label


def _in_order(labels: list[object]) -> np.ndarray:
    """Distinct labels, sorted if they can be compared, else as they first appear."""
    distinct = list(dict.fromkeys(labels))
    with contextlib.suppress(TypeError):
        distinct = sorted(distinct)  # type: ignore[type-var]
    alike = len({type(each) for each in distinct}) == 1
    if alike and isinstance(distinct[0], int | float | str | bool):
        return np.asarray(distinct)
    tasks = np.empty(len(distinct), dtype=object)
    tasks[:] = distinct
    return tasks
