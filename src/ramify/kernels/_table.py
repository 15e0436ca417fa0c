"""Rows and labels as the solvers take them: checked, sorted by task, labels on one scale."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError, counted
from ramify.ensembles import folds_of
from ramify.kernels._inputs import Floats, Integers


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with a label, in the order of their tasks; labels on one scale."""

    X: Floats
    y: Floats  # (row, column), mean 0 and variance 1, 0 where there is no label
    mask: NDArray[np.bool_]
    fold: Integers
    place: Integers  # of each row in what was given
    counts: Integers  # rows of each task; none if rows have no tasks
    column_task: Integers
    location: Floats
    scale: Floats
    n_given: int
    all_folds: Integers

    @classmethod
    def of(
        cls, X: Floats, y: Floats, fold: object, task: object, column_task: object, seed: int
    ) -> "Table":
        X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if X.ndim != 2 or y.ndim != 2 or len(X) != len(y) or y.shape[1] == 0:
            raise ShapeError(
                "must be (row, column) with as many rows as `X`, which is (row, feature)",
                argument="y",
                got=f"{y.shape} and {X.shape}",
            )
        if not np.isfinite(X).all():
            raise InputError("must hold finite numbers", argument="X", got="NaN or infinity")
        mask = ~np.isnan(y)
        if not np.isfinite(y[mask]).all():
            raise InputError("must hold finite numbers or NaN", argument="y", got="infinity")
        lacking = np.flatnonzero(~mask.any(axis=0))
        if len(lacking):
            raise InputError(
                "must have a label in every column",
                argument="y",
                got=f"none in {counted(len(lacking), 'column')}, the first of them {lacking[0]}",
                remedy="leave such columns out",
            )
        n, n_columns = y.shape
        tasks = None if task is None else _places("task", task, n)
        folds = (
            folds_of(y, seed=seed, task=tasks)
            if fold is None
            else _places("fold", fold, n, least=-1)
        )
        of_column = (
            np.arange(n_columns)
            if column_task is None
            else _places("column_task", column_task, n_columns)
        )
        place = np.flatnonzero(mask.any(axis=1))
        counts = np.zeros(0, dtype=np.intp)
        if tasks is not None:
            place = place[np.argsort(tasks[place], kind="stable")]
            counts = np.bincount(tasks[place])
        location, scale = _scale_of(y, mask)
        scaled = np.where(mask, (y - location) / scale, 0.0)[place]
        return cls(
            X[place],
            scaled,
            mask[place],
            folds[place],
            place,
            counts,
            of_column,
            location,
            scale,
            n,
            folds,
        )

    @property
    def n_tasks(self) -> int:
        return int(self.column_task.max()) + 1

    @property
    def has_tasks(self) -> bool:
        """Whether each row belongs to one task."""
        return len(self.counts) > 0

    @property
    def bases(self) -> Floats:
        """Of each task, the squared distance of its labels from their mean.

        Where rows have tasks, from the mean of the row's task.
        """
        found = np.zeros(self.n_tasks)
        of_column = (np.where(self.mask, self.y, 0.0) ** 2).sum(axis=0)
        if self.has_tasks:
            starts = np.cumsum(self.counts) - self.counts
            full = self.counts > 0
            sums = np.add.reduceat(self.y, starts[full], axis=0)
            of_column = of_column - (sums**2 / self.counts[full, None]).sum(axis=0)
        np.add.at(found, self.column_task, of_column)
        return found

    def blocks(self, n: int) -> list[Integers]:
        """About so many columns at a time, those of a task together."""
        order = np.argsort(self.column_task, kind="stable")
        found, start = [], 0
        while start < len(order):
            stop = min(start + n, len(order))
            while stop < len(order) and (
                self.column_task[order[stop]] == self.column_task[order[stop - 1]]
            ):
                stop += 1
            found.append(order[start:stop])
            start = stop
        return found

    @property
    def is_complete(self) -> bool:
        """Whether every row has every label."""
        return bool(self.mask.all())


def _scale_of(y: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the labels, whatever their offset; 1 where they do not vary."""
    first = np.where(mask, y, np.inf).min(axis=0)
    count = mask.sum(axis=0)
    from_first = np.where(mask, y - first, 0.0)
    mean = from_first.sum(axis=0) / count
    spread = np.sqrt((np.where(mask, from_first - mean, 0.0) ** 2).sum(axis=0) / count)
    return first + mean, np.where(spread > 0, spread, 1.0)


def _places(name: str, given: object, n: int, least: int = 0) -> Integers:
    found = np.asarray(given)
    if found.shape != (n,) or found.dtype.kind not in "iu" or (n and found.min() < least):
        raise InputError(
            f"must have a whole number of at least {least} for each of {n:,}",
            argument=name,
            got=f"shape {found.shape} of type {found.dtype}",
        )
    return found.astype(np.intp)
