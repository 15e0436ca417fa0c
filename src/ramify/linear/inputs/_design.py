"""Rows of all tasks as one linear operator, centred per task, in two forms."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from ramify.linear.inputs._arrays import Floats, Integers, Rows, ratio

_MOST_GRAM_ENTRIES = 30_000_000
_ALWAYS_SMALL = 32
_SPARSE = 0.3


class Design(ABC):
    r"""The map from coefficients ``(task, feature)`` to margins, :math:`(x_i - c_t)^T w_t`.

    The margins have the shape of the targets: ``(row, task)`` or ``(row,)``. The centres are zero
    where there is no intercept; a row is never copied to be centred.
    """

    X: Rows
    n_tasks: int
    n_features: int
    centres: Floats

    @abstractmethod
    def margins(self, coef: Floats) -> Floats:
        """What each row gives under its task's coefficients, without intercept."""

    @abstractmethod
    def pullback(self, slopes: Floats) -> Floats:
        """The adjoint map: slopes like margins to ``(task, feature)``."""

    @abstractmethod
    def totals(self, entries: Floats) -> Floats:
        """Sums ``(task,)`` of entries like margins."""

    @abstractmethod
    def spread(self, per_task: Floats) -> Floats:
        """One number per task, laid out so that it broadcasts with margins."""

    @abstractmethod
    def entries_of(self, tasks: Integers) -> Integers:
        """Index into the last axis of margins that holds the entries of ``tasks``."""

    @abstractmethod
    def blocks(self, weights: Floats) -> Floats:
        """Weighted, centred Gram matrices ``(task, feature, feature)``."""

    @abstractmethod
    def roots(self, weights: Floats, lean: Floats) -> list[Floats] | None:
        """Weighted rows of each task, seen from ``centres + lean``; one for all if they are alike.

        None if they are sparse, or more than half as many as the features.
        """

    @abstractmethod
    def grams(self, weights: Floats) -> Floats | None:
        """`blocks` where they are cheaper than the rows, or one matrix if all tasks share it."""

    @abstractmethod
    def single(self, weights: Floats) -> "Design | None":
        """The design of one task, if all tasks share rows and weights."""

    @abstractmethod
    def restricted(self, features: Integers) -> "Design":
        """The same rows with some of the features."""

    @abstractmethod
    def diagonals(self, weights: Floats) -> Floats:
        """The diagonals ``(task, feature)`` of `blocks`."""


class SharedDesign(Design):
    """All tasks have the same rows; a missing label has the weight 0.

    Args:
        X: The rows.
        n_tasks: How many tasks.
    """

    def __init__(self, X: Rows, n_tasks: int) -> None:
        self.X = X
        self.n_tasks = n_tasks
        self.n_features = X.shape[1]
        self.centres = np.zeros((n_tasks, self.n_features))

    def margins(self, coef: Floats) -> Floats:
        used = coef.any(axis=0)
        if used.mean() < _SPARSE:
            margins: Floats = self.X[:, used] @ coef[:, used].T
        else:
            margins = self.X @ coef.T
        if self.centres.any():
            margins -= (self.centres * coef).sum(axis=1)
        return margins

    def pullback(self, slopes: Floats) -> Floats:
        pulled: Floats = slopes.T @ self.X
        if self.centres.any():
            pulled -= slopes.sum(axis=0)[:, None] * self.centres
        return pulled

    def totals(self, entries: Floats) -> Floats:
        totals: Floats = entries.sum(axis=0)
        return totals

    def spread(self, per_task: Floats) -> Floats:
        return per_task[None, :]

    def entries_of(self, tasks: Integers) -> Integers:
        return tasks

    def blocks(self, weights: Floats) -> Floats:
        columns = range(self.n_tasks)
        return np.stack([self.gram(weights[:, t], self.centres[t]) for t in columns])

    def gram(self, weights: Floats, centre: Floats) -> Floats:
        """The weighted Gram matrix ``(feature, feature)`` of one task."""
        return _gram(self.X, weights, centre)

    def roots(self, weights: Floats, lean: Floats) -> list[Floats] | None:
        if not _is_wide(self.X, len(weights)) or self.single(weights) is None or lean.any():
            return None
        return [_root(self.X, weights[:, 0], self.centres[0])]

    def grams(self, weights: Floats) -> Floats | None:
        if self.single(weights) is None:
            return self.blocks(weights) if _pays(self, len(weights)) else None
        pays = self.n_features <= max(2 * len(weights), 4 * _ALWAYS_SMALL)
        fits = self.n_features**2 <= _MOST_GRAM_ENTRIES
        return self.gram(weights[:, 0], self.centres[0]) if pays and fits else None

    def single(self, weights: Floats) -> Design | None:
        if not (weights == weights[:, :1]).all():
            return None
        single = SharedDesign(self.X, 1)
        single.centres = self.centres[:1]
        return single

    def restricted(self, features: Integers) -> Design:
        narrow = SharedDesign(self.X[:, features], self.n_tasks)
        narrow.centres = self.centres[:, features]
        return narrow

    def diagonals(self, weights: Floats) -> Floats:
        squares = self.X.multiply(self.X) if sp.issparse(self.X) else self.X**2
        first = (self.X.T @ weights).T
        total = weights.sum(axis=0)[:, None]
        diagonals: Floats = (squares.T @ weights).T - 2 * first * self.centres
        diagonals += total * self.centres**2
        return diagonals


class StackedDesign(Design):
    """Every task has its own rows, one below the other, in the order of the tasks.

    Args:
        X: The rows of the first task, then of the second, and so on.
        counts: How many rows each task has.
    """

    def __init__(self, X: Rows, counts: Integers) -> None:
        self.X = X
        self.n_tasks = len(counts)
        self.n_features = X.shape[1]
        self.counts = counts
        self.bounds = np.concatenate([[0], np.cumsum(counts)])
        self.task: Integers = np.repeat(np.arange(self.n_tasks), counts)
        self.centres = np.zeros((self.n_tasks, self.n_features))

    def margins(self, coef: Floats) -> Floats:
        if not coef.any():
            return np.zeros(len(self.task))
        if sp.issparse(self.X):
            margins: Floats = self._apart @ coef.ravel()
        else:
            margins = np.empty(len(self.task))
            for t, rows in enumerate(self._slices):
                np.dot(self.X[rows], coef[t], out=margins[rows])
        if self.centres.any():
            margins -= self.spread((self.centres * coef).sum(axis=1))
        return margins

    def pullback(self, slopes: Floats) -> Floats:
        if sp.issparse(self.X):
            flat: Floats = self._apart.T @ slopes
            pulled = flat.reshape(self.n_tasks, self.n_features)
        else:
            pulled = np.empty((self.n_tasks, self.n_features))
            for t, rows in enumerate(self._slices):
                np.dot(slopes[rows], self.X[rows], out=pulled[t])
        if self.centres.any():
            pulled -= self.totals(slopes)[:, None] * self.centres
        return pulled

    def totals(self, entries: Floats) -> Floats:
        totals = np.bincount(self.task, entries, minlength=self.n_tasks)
        return totals.astype(np.float64, copy=False)

    def spread(self, per_task: Floats) -> Floats:
        spread: Floats = np.repeat(per_task, self.counts)
        return spread

    def entries_of(self, tasks: Integers) -> Integers:
        return np.flatnonzero(np.isin(self.task, tasks))

    def blocks(self, weights: Floats) -> Floats:
        pairs = zip(self._slices, self.centres, strict=True)
        return np.stack([_gram(self.X[rows], weights[rows], centre) for rows, centre in pairs])

    def roots(self, weights: Floats, lean: Floats) -> list[Floats] | None:
        if not _is_wide(self.X, int(self.counts.max())):
            return None
        each = zip(self._slices, self.centres + lean, strict=True)
        return [_root(self.X[rows], weights[rows], centre) for rows, centre in each]

    def grams(self, weights: Floats) -> Floats | None:
        pays = _pays(self, len(weights) / self.n_tasks)
        return self.blocks(weights) if pays else None

    def single(self, weights: Floats) -> Design | None:
        return None

    def restricted(self, features: Integers) -> Design:
        narrow = StackedDesign(self.X[:, features], self.counts)
        narrow.centres = self.centres[:, features]
        return narrow

    def diagonals(self, weights: Floats) -> Floats:
        diagonals = np.empty((self.n_tasks, self.n_features))
        for t, rows in enumerate(self._slices):
            X, weight, centre = self.X[rows], weights[rows], self.centres[t]
            squares = X.multiply(X) if sp.issparse(X) else X**2
            diagonals[t] = squares.T @ weight - 2 * (X.T @ weight) * centre
            diagonals[t] += weight.sum() * centre**2
        return diagonals

    def row_products(self) -> Iterator[Floats]:
        """For each task the products of its centred rows with each other, ``(row, row)``."""
        for rows, centre in zip(self._slices, self.centres, strict=True):
            X = self.X[rows]
            if sp.issparse(X):
                along = X @ centre
                products: Floats = (X @ X.T).toarray()
                yield products - along[:, None] - along + centre @ centre
            else:
                yield (X - centre) @ (X - centre).T

    @cached_property
    def _slices(self) -> list[slice]:
        ends = zip(self.bounds[:-1], self.bounds[1:], strict=True)
        return [slice(start, stop) for start, stop in ends]

    @cached_property
    def _apart(self) -> Rows:
        # One sparse matrix (row, task * feature): a product for all tasks without a loop.
        widths = np.diff(self.X.indptr)
        shift = np.repeat(self.task.astype(np.int64) * self.n_features, widths)
        shape = (self.X.shape[0], self.n_tasks * self.n_features)
        return sp.csr_array((self.X.data, self.X.indices + shift, self.X.indptr), shape=shape)


def _pays(design: Design, rows_per_task: float) -> bool:
    """Whether a matrix per task is cheaper than its rows, and all of them fit."""
    few = design.n_features <= max(rows_per_task, _ALWAYS_SMALL)
    return few and design.n_tasks * design.n_features**2 <= _MOST_GRAM_ENTRIES


def _gram(X: Rows, weights: Floats, centre: Floats) -> Floats:
    if sp.issparse(X):
        scaled = X.multiply(weights[:, None]).tocsr()
        gram: Floats = np.asarray((X.T @ scaled).todense())
        first = np.asarray(X.T @ weights).ravel()
        cross = np.outer(first, centre)
        gram -= cross + cross.T - weights.sum() * np.outer(centre, centre)
        return gram
    root = _root(X, weights, centre)
    product: Floats = root.T @ root
    return product


def _root(X: Rows, weights: Floats, centre: Floats) -> Floats:
    root: Floats = np.sqrt(weights)[:, None] * (X - centre)
    return root


def _is_wide(X: Rows, n_rows: int) -> bool:
    return not sp.issparse(X) and 2 * n_rows <= X.shape[1]


def centred(design: Design, weights: Floats) -> Design:
    """The design seen from the weighted mean of each task's rows."""
    plain = copy.copy(design)
    plain.centres = np.zeros_like(design.centres)
    sums, totals = plain.pullback(weights), plain.totals(weights)[:, None]
    plain.centres = _means(sums, totals)
    return plain


def means_of(design: Design, weights: Floats, entries: Floats) -> Floats:
    """The weighted mean ``(task,)`` of entries like margins."""
    return _means(design.totals(weights * entries), design.totals(weights))


def _means(sums: Floats, totals: Floats) -> Floats:
    """A task without rows, as in a fold, is taken to be like the others."""
    means = ratio(sums, totals)
    empty = totals.reshape(-1) <= 0
    if empty.any() and not empty.all():
        means[empty] = means[~empty].mean(axis=0)
    return means
