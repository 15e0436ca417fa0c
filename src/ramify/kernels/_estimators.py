"""Kernel machines of several tasks in scikit-learn's form."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ramify._core import InputError, ShapeError, listed
from ramify.kernels._inputs import Floats, Integers
from ramify.kernels._model import KernelModel
from ramify.kernels._search import GAMMAS, SHARES, fit_kernel

Labels = NDArray[Any]
Predictions = Floats | list[Floats]


@dataclass(eq=False, repr=False)
class _KernelMachine(BaseEstimator):  # type: ignore[misc]
    """Settings and fitted attributes of both forms.

    Args:
        kernel: "laplace", "rbf", "tanimoto" (all features of two values) or "linear".
        scaling: "quantile", "standard", "clipped" or "none".
        gammas: Widths to choose from, as parts of the median distance.
        strengths: Strengths to choose from, in units of the kernel's mean eigenvalue; None for a
            range of them.
        shares: Where tasks have rows of their own: from 1, all rows pooled, towards 0, each task alone.
        offset: Kernel of the level of a task with rows of its own.
        random_state: Seed of the folds.

    Attributes:
        model_: What predicts; `KernelModel.state` gives its arrays for a file.
        oof_: Predictions out of fold, in the form of `predict` or `predict_proba` for every task.
        fold_: Of each row.
        gamma_: The chosen width.
        share_: The chosen share.
        strengths_: The chosen strength of each column.
        errors_: Error out of fold of every setting tried ``(gamma, share, strength, task)``, as a part
            of the labels' variance; NaN for those that were not.
        tasks_: The tasks' names in their order.
    """

    kernel: str = "laplace"
    scaling: str = "quantile"
    gammas: Sequence[float] | Floats = GAMMAS
    strengths: Sequence[float] | Floats | None = None
    shares: Sequence[float] | Floats = SHARES
    offset: float = 0.3
    random_state: int = 0

    model_: KernelModel = field(init=False)
    oof_: Predictions = field(init=False)
    fold_: Integers = field(init=False)
    gamma_: float = field(init=False)
    share_: float = field(init=False)
    strengths_: Floats = field(init=False)
    errors_: Floats = field(init=False)
    tasks_: Labels = field(init=False)

    @abstractmethod
    def _encode(self, labels: Labels, known: NDArray[np.bool_]) -> tuple[Floats, Integers]:
        """Columns ``(row, column)`` of labels ``(row, task)``, and the task of each column."""

    @abstractmethod
    def _decode(self, columns: Floats) -> Predictions:
        """What columns ``(row, column)`` say, in the form of ``oof_``."""

    def fit(self, X: object, y: object, *, task: object = None, fold: object = None) -> Self:
        """Fit all tasks together.

        Args:
            X: Rows ``(sample, feature)``.
            y: Labels: ``(sample, task)``, NaN or None where there is none; or ``(sample,)`` together
                with ``task``, or of a single task.
            task: For each row the label of its task, any values that can be hashed.
            fold: Number of each row's fold, −1 for rows that are always learned from; by default five
                folds in which rare labels are spread evenly.

        Returns:
            The estimator itself.

        Raises:
            InputError: If an argument or a setting is not what it must be, or there are too many rows.
            ValueError: From scikit-learn's own checks.
        """
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        labels, self._is_flat = _checked_labels(self, y)
        check_consistent_length(rows, labels)
        self.tasks_ = np.asarray(getattr(y, "columns", range(labels.shape[1])))
        index = self._tasks_of(task, labels)
        known = ~_is_missing(labels)
        columns, column_task = self._encode(labels, known)
        found = fit_kernel(
            rows,
            columns,
            kernel=self.kernel,
            scaling=self.scaling,
            fold=fold,
            task=index,
            column_task=column_task,
            gammas=self.gammas,
            strengths=self.strengths,
            shares=self.shares,
            offset=self.offset,
            seed=self.random_state,
        )
        self.model_, self.fold_ = found.model, found.fold
        self.gamma_, self.share_ = found.gamma, found.share
        self.strengths_, self.errors_ = found.strengths, found.errors
        self.oof_ = self._decode(found.oof)
        return self

    def _tasks_of(self, task: object, labels: Labels) -> Integers | None:
        """Which task each row belongs to, if they are given."""
        self._by_task = task is not None
        if task is None:
            return None
        if labels.shape[1] != 1:
            raise ShapeError(
                "must have one column when `task` is given, a row has one task",
                argument="y",
                got=f"{labels.shape[1]}",
            )
        names = _names(task, len(labels))
        distinct = list(dict.fromkeys(names))
        ordered = sorted(distinct, key=lambda name: (type(name).__name__, name))
        self.tasks_ = np.empty(len(ordered), dtype=object)
        self.tasks_[:] = ordered
        place = {name: t for t, name in enumerate(ordered)}
        return np.array([place[name] for name in names], dtype=np.intp)

    def _columns(self, X: object, task: object) -> Floats:
        """Predictions ``(row, column)``; with tasks of their own rows and no task, ``(row, task)``."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        if not self._by_task:
            if task is not None:
                raise InputError("must be left out, `fit` had none", argument="task", got="tasks")
            return self.model_.predict(rows)
        if task is None:
            raise InputError(
                "must name the task of each row, as `fit` had it", argument="task", got="None"
            )
        names = _names(task, len(rows))
        place = {name: t for t, name in enumerate(self.tasks_)}
        unknown = dict.fromkeys(name for name in names if name not in place)
        if unknown:
            raise InputError(
                f"must hold tasks that were in `fit`: {listed(self.tasks_)}",
                argument="task",
                got=listed(unknown),
            )
        return self.model_.predict(rows, np.array([place[n] for n in names], dtype=np.intp))

    def _mean_score(self, score: Callable[..., float], y: object, predicted: Labels) -> float:
        """Over tasks, each over its labels."""
        labels, _ = _checked_labels(self, y)
        predicted = np.asarray(predicted).reshape(len(predicted), -1)
        if labels.shape != predicted.shape:
            raise ShapeError(
                f"must have the shape of the predictions, {predicted.shape}",
                argument="y",
                got=str(labels.shape),
            )
        known = ~_is_missing(labels)
        found = [
            score(labels[rows, t].astype(predicted.dtype), predicted[rows, t])
            for t, rows in enumerate(known.T)
            if rows.any()
        ]
        return float(np.mean(found))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


@dataclass(eq=False, repr=False)
class KernelRegressor(RegressorMixin, _KernelMachine):  # type: ignore[misc]
    r"""Numbers of several tasks by kernel regression, every setting chosen out of fold.

    .. math:: \min_{b, f} \sum_i (y_i - b - f(x_i))^2 + s \|f\|^2

    for each task, in closed form. Tasks share the width of the kernel and, where each row belongs to
    one task, a common function (`OwnRowsMatrix`); each has its own strength *s*. `fit_kernel` tells
    the details, limits and cost; the model holds the rows that it learned from.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-2, 2, size=(80, 2))
        >>> Y = np.c_[np.sin(X[:, 0]), np.where(rng.random(80) < 0.5, np.nan, X[:, 1] ** 2)]
        >>> model = KernelRegressor(kernel="rbf").fit(X, Y)
        >>> bool(model.score(X, Y) > 0.98)
        True
    """

    def predict(self, X: object, *, task: object = None) -> Floats:
        """Predict, in the unit of the labels.

        Args:
            X: Rows ``(sample, feature)``.
            task: For each row its task, if `fit` had them.

        Returns:
            ``(sample, task)``; ``(sample,)`` if ``y`` was one column.

        Raises:
            InputError: If ``task`` is missing, or holds tasks that were not in `fit`.
        """
        return np.asarray(self._decode(self._columns(X, task)))

    def score(self, X: object, y: object, *, task: object = None) -> float:
        """The coefficient of determination R², the mean over tasks.

        Args:
            X: Rows ``(sample, feature)``.
            y: Labels, as in `fit`.
            task: For each row its task, if `fit` had them.
        """
        return self._mean_score(r2_score, y, self.predict(X, task=task))

    def _encode(self, labels: Labels, known: NDArray[np.bool_]) -> tuple[Floats, Integers]:
        try:
            numbers = np.where(known, labels, np.nan).astype(np.float64)
        except (TypeError, ValueError):
            raise InputError("must hold numbers", argument="y", got=str(labels.dtype)) from None
        return numbers, np.arange(labels.shape[1])

    def _decode(self, columns: Floats) -> Floats:
        return columns[:, 0] if self._is_flat else columns


@dataclass(eq=False, repr=False)
class KernelClassifier(ClassifierMixin, _KernelMachine):  # type: ignore[misc]
    """Classes of several tasks by kernel regression of their 0 and 1.

    A task of two classes is one column, of several a column per class; of levels a column for each
    but the lowest, 1 for rows of this level or a higher one. Predictions are clipped to probabilities,
    those of classes add up to 1, those of levels fall. Training is that of `KernelRegressor`; its
    squared error is the Brier score. A task of one class is predicted to be of this class.

    Args:
        ordered: Whether classes are levels, in the order of ``classes_``.

    Attributes:
        classes_: ``(class,)`` if all tasks have the same, else a list of them, by task.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(120, 2))
        >>> y = np.where(X[:, 0] > 0, "right", np.where(X[:, 1] > 0, "above", "below"))
        >>> model = KernelClassifier().fit(X, y)
        >>> bool(model.score(X, y) > 0.95), model.predict_proba(X[:1]).shape
        (True, (1, 3))
    """

    ordered: bool = False

    classes_: Labels | list[Labels] = field(init=False)

    def predict_proba(self, X: object, *, task: object = None) -> Predictions:
        """Probabilities of the classes.

        Args:
            X: Rows ``(sample, feature)``.
            task: For each row its task, if `fit` had them.

        Returns:
            ``(sample, class)`` if ``y`` was one column. Else, where every task has two classes,
            ``(sample, task)``: of the second one, as for scikit-learn's multilabel classifiers; where
            not, a list of ``(sample, class)`` by task.
        """
        return self._decode(self._columns(X, task))

    def predict(self, X: object, *, task: object = None) -> Labels:
        """The most probable class; of levels the one that half of the probability does not exceed.

        Args:
            X: Rows ``(sample, feature)``.
            task: For each row its task, if `fit` had them.

        Returns:
            ``(sample, task)``; ``(sample,)`` if ``y`` was one column.
        """
        tables = self._tables(self._columns(X, task))
        columns = []
        for classes, table in zip(self._classes, tables, strict=True):
            below = table.cumsum(axis=1)[:, :-1] if self.ordered else None
            chosen = table.argmax(axis=1) if below is None else (below < 0.5).sum(axis=1)
            columns.append(classes[chosen])
        return columns[0] if self._is_flat else np.stack(columns, axis=1)

    def score(self, X: object, y: object, *, task: object = None) -> float:
        """The share of labels that are predicted, the mean over tasks.

        Args:
            X: Rows ``(sample, feature)``.
            y: Labels, as in `fit`.
            task: For each row its task, if `fit` had them.
        """
        return self._mean_score(accuracy_score, y, self.predict(X, task=task))

    def _encode(self, labels: Labels, known: NDArray[np.bool_]) -> tuple[Floats, Integers]:
        self._classes, columns, column_task = [], [], []
        for t, (own, there) in enumerate(zip(labels.T, known.T, strict=True)):
            present = own[there]
            if present.dtype.kind == "O":
                present = np.array(present.tolist())
            check_classification_targets(present)
            classes, codes = np.unique(present, return_inverse=True)
            if len(classes) == 0:
                raise InputError(
                    "must have a label in every task", argument="y", got=f"none in task {t}"
                )
            code = np.full(len(own), np.nan)
            code[there] = codes.reshape(-1)
            at = np.arange(len(classes))
            parts = code[:, None] >= at[1:] if self.ordered else code[:, None] == at
            parts = parts[:, -1:] if len(classes) <= 2 else parts
            parts = parts if parts.shape[1] else np.ones((len(own), 1))
            columns.append(np.where(there[:, None], parts, np.nan))
            column_task += [t] * columns[-1].shape[1]
            self._classes.append(classes)
        first = self._classes[0]
        same = all(np.array_equal(first, each) for each in self._classes)
        self.classes_ = first if same else self._classes
        return np.concatenate(columns, axis=1), np.array(column_task)

    def _tables(self, columns: Floats) -> list[Floats]:
        """Probabilities ``(row, class)`` of each task."""
        found, start = [], 0
        for classes in self._classes:
            k = len(classes)
            width = 1 if k <= 2 else k - self.ordered
            own = np.clip(columns[:, start : start + width], 0.0, 1.0)
            start += width
            if k == 1:
                own = np.ones((len(columns), 1))
            elif k == 2 or self.ordered:
                falling = np.minimum.accumulate(own, axis=1)
                edges = np.pad(falling, ((0, 0), (1, 1)), constant_values=(1.0, 0.0))
                edges[:, 0], edges[:, -1] = 1.0, 0.0
                own = -np.diff(edges, axis=1)
            else:
                total = own.sum(axis=1, keepdims=True)
                own = np.divide(own, total, out=np.full_like(own, 1 / k), where=total > 0)
            found.append(own)
        return found

    def _decode(self, columns: Floats) -> Predictions:
        tables = self._tables(columns)
        if self._is_flat:
            return tables[0]
        if all(len(classes) == 2 for classes in self._classes):
            return np.stack([table[:, 1] for table in tables], axis=1)
        return tables


def _checked_labels(estimator: BaseEstimator, y: object) -> tuple[Labels, bool]:
    """Labels ``(row, task)``, and whether they came as one column."""
    if y is None:
        name = type(estimator).__name__
        raise InputError(f"This {name} estimator requires y to be passed, but the target y is None")
    labels: Labels = check_array(
        y, ensure_2d=False, dtype=None, ensure_all_finite="allow-nan", input_name="y"
    )
    if labels.ndim not in {1, 2} or labels.shape[-1:] == (0,):
        raise ShapeError(
            "must be (sample,) or (sample, task)", argument="y", got=f"shape {labels.shape}"
        )
    if labels.ndim == 2:
        return labels, False
    if _is_missing(labels).any():
        raise InputError(
            "Input y contains NaN: a single column `y` must have every label. "
            "Leave rows without one out, or give `y` as (sample, task)"
        )
    return labels[:, None], True


def _is_missing(labels: Labels) -> NDArray[np.bool_]:
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype.kind == "O":
        # What is not itself is NaN, whatever library it came from.
        return np.array([each is None or each != each for each in labels.flat]).reshape(  # noqa: PLR0124
            labels.shape
        )
    return np.zeros(labels.shape, dtype=bool)


def _names(task: object, n: int) -> list[Any]:
    """A hashable label per row, as plain Python values."""
    if isinstance(task, str | bytes) or not hasattr(task, "__len__") or len(task) != n:
        raise InputError(
            f"must have one label per row, {n:,}", argument="task", got=repr(task)[:40]
        )
    names = [each.item() if isinstance(each, np.generic) else each for each in task]  # type: ignore[attr-defined]
    if any(each is None or each != each for each in names):  # noqa: PLR0124
        raise InputError("must have a label for every row. Some are missing", argument="task")
    return names
