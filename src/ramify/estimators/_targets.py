"""The targets of an estimator: which labels there are, and how predictions become them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets

from ramify._core import InputError, listed, quoted
from ramify.tasks import Binary, Kind, Multiclass, Regression

CLASSES: Final = "classes"
NUMBER: Final = "number"
_MOST_INTEGERS: Final = 10


@dataclass(frozen=True, eq=False)
class Target:
    """One column of Y.

    Attributes:
        name: Its name, or ``y0`` and so on.
        labels: Its classes in order; None of a number.
        codes: The place of each label among the classes, or the number; NaN where there is none.
        dtype: Of its labels.
    """

    name: str
    labels: NDArray[Any] | None
    codes: NDArray[np.float64]
    dtype: np.dtype[Any]

    @property
    def is_constant(self) -> bool:
        """Whether it has one class only, so that there is nothing to learn."""
        return self.labels is not None and len(self.labels) == 1

    @property
    def kind(self) -> Kind:
        """What sort of task it is."""
        if self.labels is None:
            return Regression()
        words = tuple(str(i) for i in range(len(self.labels)))
        return Binary((words[0], words[1])) if len(words) == 2 else Multiclass(words)

    def series(self) -> pl.Series:
        """The column that a table holds."""
        column = pl.Series(self.name, self.codes, nan_to_null=True)
        return column if self.labels is None else column.cast(pl.Int64)

    def probabilities(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """A column per class.

        Args:
            outputs: What the model gives for it.
        """
        if self.is_constant:
            return np.ones((len(outputs), 1))
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        whole: NDArray[np.float64] = outputs / outputs.sum(axis=1, keepdims=True)
        return whole

    def decided(self, outputs: NDArray[np.float64]) -> NDArray[Any]:
        """The most likely label of each row, or the number."""
        if self.labels is None:
            return outputs[:, 0]
        if self.is_constant:
            return np.repeat(self.labels, len(outputs))
        found: NDArray[Any] = self.labels[self.probabilities(outputs).argmax(axis=1)]
        return found


class Targets(NamedTuple):
    """The columns of Y, and whether it was a vector."""

    columns: list[Target]
    is_vector: bool


def targets_in(y: Any, kinds: Mapping[str, str] | Sequence[str] | str | None) -> Targets:  # noqa: ANN401
    """The columns of Y.

    Args:
        y: An array ``(row,)`` or ``(row, target)`` or a dataframe; NaN or None where not labelled.
        kinds: ``classes`` or ``number`` for all, for each in order, or by name; None to find out.

    Raises:
        ValueError: If it holds an infinite number, or a target has no label.
    """
    names = [str(name) for name in getattr(y, "columns", ())]
    columns, is_vector = _columns(y)
    names = names or [f"y{i}" for i in range(len(columns))]
    wanted = _kinds(kinds, names)
    found = [_target(*each) for each in zip(names, columns, wanted, strict=True)]
    return Targets(found, is_vector)


def _columns(y: Any) -> tuple[list[NDArray[Any]], bool]:  # noqa: ANN401
    if hasattr(y, "columns"):  # a dataframe may hold columns of several types
        return [_checked(np.asarray(y[name])) for name in y.columns], False
    array = _checked(y)
    if array.ndim > 2:
        raise ValueError(f"y must have one or two dimensions. Got {array.ndim}")
    return ([array], True) if array.ndim == 1 else (list(array.T), False)


def _checked(y: Any) -> NDArray[Any]:  # noqa: ANN401
    found: NDArray[Any] = check_array(
        y,
        ensure_2d=False,
        allow_nd=True,
        dtype=None,
        ensure_all_finite="allow-nan",
        ensure_min_samples=0,
        input_name="y",
    )
    return found


def _kinds(
    kinds: Mapping[str, str] | Sequence[str] | str | None, names: Sequence[str]
) -> list[Any]:
    if isinstance(kinds, Mapping):
        if unknown := [name for name in kinds if name not in names]:
            raise InputError(
                "must name targets",
                argument="kinds",
                got=f"{listed(unknown)} beside {listed(names)}",
            )
        found = [kinds.get(name) for name in names]
    elif kinds is None or isinstance(kinds, str):
        found = [kinds] * len(names)
    else:
        found = list(kinds)
        if len(found) != len(names):
            raise InputError(
                "must have one entry per target",
                argument="kinds",
                got=f"{len(found)} for {len(names)}",
            )
    for kind in found:
        if kind not in (None, CLASSES, NUMBER):
            raise InputError("must be classes or number", argument="kinds", got=quoted(kind))
    return found


def _target(name: str, column: NDArray[Any], kind: str | None) -> Target:
    known = _is_known(column)
    if not known.any():
        raise InputError(
            f"target {quoted(name)} must have labels. All {len(column):,} are missing; leave it out"
        )
    labels = column[known]
    if kind is None:
        kind = CLASSES if _looks_like_classes(labels) else NUMBER
    codes = np.full(len(column), np.nan)
    if kind == NUMBER:
        codes[known] = labels.astype(np.float64)
        return Target(name, None, codes, np.dtype(np.float64))
    if labels.dtype.kind == "O" and all(isinstance(each, str) for each in labels):
        labels = labels.astype(object)
    elif labels.dtype.kind == "O":
        labels = np.array(labels.tolist())
    elif column.dtype.kind == "f" and not known.all() and (labels == labels.astype(np.int64)).all():
        labels = labels.astype(np.int64)  # whole numbers that NaN made fractions
    check_classification_targets(labels)
    classes, places = np.unique(labels, return_inverse=True)
    codes[known] = places
    return Target(name, classes, codes, classes.dtype)


def _is_known(column: NDArray[Any]) -> NDArray[np.bool_]:
    if column.dtype.kind == "f":
        present: NDArray[np.bool_] = ~np.isnan(column)
        return present
    if column.dtype.kind == "O":  # None, NaN and what else is not equal to itself
        known = [each is not None and each == each for each in column]  # noqa: PLR0124
        return np.array(known, dtype=np.bool_)
    return np.ones(len(column), dtype=np.bool_)


def _looks_like_classes(labels: NDArray[Any]) -> bool:
    if labels.dtype.kind not in "fiu":
        return True
    distinct = np.unique(labels)
    whole = bool((distinct == np.rint(distinct)).all())
    few = len(distinct) <= max(2, min(_MOST_INTEGERS, len(labels) // 2))
    return whole and few
