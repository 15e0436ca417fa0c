"""What every estimator of the room shares: the two forms of data, settings, fitted attributes.

How to add a method
-------------------
A method is one file. It subclasses `SingleFit` twice removed: a private class with the method, and
one public class per form, two lines each::

    class _BlockSparse(SingleFit):                # the method: __init__, _solve, _largest_alpha
    class BlockSparse(Regressor, _BlockSparse):             "docstring"
    class BlockSparseClassifier(Classifier, _BlockSparse):  "docstring"

and for cross-validation (``_cross_validation.py``) a private class with its ``__init__`` only::

    class _BlockSparseCV(CrossValidated):
    class BlockSparseCV(Regressor, _BlockSparseCV):             _plain = BlockSparse
    class BlockSparseClassifierCV(Classifier, _BlockSparseCV):  _plain = BlockSparseClassifier

The plain name is the regressor, as for scikit-learn's Ridge.

- ``__init__`` takes ``alpha`` first, then keyword-only: the method's own settings, then the common
  ones ``loss="auto", fit_intercept=True, normalisation="mean", task_weight=None, warm_start=False,
  max_iter=…, tol=…`` and stores them unchanged (scikit-learn's rule). Random starts take
  ``random_state``.
- ``_solve(loss, start)`` checks the method's own settings (`_checks`), minimises and returns a
  `Solution`. ``loss`` is a `SmoothLoss`: value, gradient, curvature of the coefficients
  ``(task, feature)``, the intercepts already minimised out. ``start`` is an earlier solution or
  None; a fit must be a pure function of ``loss``, ``start`` and the settings, and must not touch
  ``self``, since the paths of cross-validation call it too. ``Solution.optimality`` is compared
  with ``tol`` for the warning; ``Solution.learned`` holds fitted attributes such as
  ``task_affinity_`` and ``groups_``; ``Solution.state`` whatever a warm start needs besides.
- ``_most_condensed`` is the most features for which Gram matrices of all of them are formed; set
  it where working sets make do with a few. None leaves it to what is cheaper per product.
- ``_largest_alpha(loss)`` is where the automatic path begins: the smallest ``alpha`` that switches
  off what the penalty acts on, or a value that is large enough.

Tools: `solve_smooth` minimises loss + ½⟨W, QW⟩ for a `TaskCoupling` ``(task, task)``;
`minimise` (``solvers``) minimises loss + any `Penalty` with a proximal map. ``loss.curvature(coef)`` gives products, blocks and diagonals of the second
derivative; ``loss.common_gram`` the Gram matrix if all tasks share it.
"""

import warnings
from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from ramify._core import InputError, check_count, check_number
from ramify.linear.inputs import (
    Floats,
    Given,
    Integers,
    Rows,
    check_choice,
    check_fit_input,
    check_predict_input,
    index_of_tasks,
    weights_of_tasks,
)
from ramify.linear.losses import LOSSES, LabelledRows, Loss, Objective, SmoothLoss
from ramify.linear.solvers import Control, Solution

NORMALISATIONS = ("mean", "sum")


class MultiTaskModel(BaseEstimator, ABC):  # type: ignore[misc]
    """A linear model of several tasks; its leaves are a method in a form."""

    loss: str | Loss
    fit_intercept: bool
    normalisation: str
    task_weight: object
    max_iter: int
    tol: float

    coef_: Floats
    intercept_: Floats
    tasks_: np.ndarray

    @abstractmethod
    def _encode(self, given: Given) -> Floats:
        """Labels as numbers, 0 where missing; sets ``classes_`` for a classifier."""

    @abstractmethod
    def _loss_names(self) -> tuple[str, ...]:
        """The losses of this form, the usual one first."""

    @abstractmethod
    def _learn(self, rows: LabelledRows, objective: Objective, loss: SmoothLoss) -> Solution:
        """Fit coefficients to checked rows, whose loss is ``loss``."""

    @abstractmethod
    def _loss_of(self, rows: LabelledRows, objective: Objective) -> SmoothLoss:
        """The loss of rows in the form that the method works with."""

    def fit(
        self, X: object, y: object, *, task: object = None, sample_weight: object = None
    ) -> Self:
        """Fit all tasks together.

        Args:
            X: Rows ``(sample, feature)``: an array, a sparse matrix or a dataframe.
            y: Labels: ``(sample, task)`` with NaN where there is none; or ``(sample,)`` together
                with ``task``, or of a single task.
            task: For each row the label of its task, any values that can be hashed.
            sample_weight: ``(sample,)``, 0 or more.

        Returns:
            The estimator itself.

        Raises:
            InputError: If an argument or a setting is not what it must be.
            ValueError: From scikit-learn's own checks.
        """
        given = check_fit_input(self, X, y, task, sample_weight)
        self._is_flat = given.is_flat
        rows = self._rows(given)
        objective = self._objective(given)
        loss = self._loss_of(rows, objective)
        solution = self._learn(rows, objective, loss)
        self.coef_ = solution.coef
        self.intercept_ = loss.intercepts(solution.coef)
        self.tasks_ = given.tasks
        self._keep(solution)
        return self

    def _rows(self, given: Given) -> LabelledRows:
        weights = given.labelled * given.sample_weight.reshape(-1, *[1] * (given.y.ndim - 1))
        counts = None
        if given.task is not None:
            counts = np.bincount(given.task, minlength=len(given.tasks))
        return LabelledRows(given.X, self._encode(given), weights, given.origin, counts)

    def _objective(self, given: Given) -> Objective:
        check_choice("normalisation", self.normalisation, NORMALISATIONS)
        if not isinstance(self.fit_intercept, bool | np.bool_):
            raise InputError(f"`fit_intercept` must be True or False. Got {self.fit_intercept!r}")
        return Objective(
            losses=[self._one_loss()] * len(given.tasks),
            task_weights=weights_of_tasks(self.task_weight, given.tasks.tolist()),
            averaged=self.normalisation == "mean",
            fit_intercept=bool(self.fit_intercept),
        )

    def _one_loss(self) -> Loss:
        names = self._loss_names()
        if isinstance(self.loss, Loss):
            if type(self.loss) in {type(LOSSES[name]) for name in names}:
                return self.loss
        elif self.loss == "auto" or self.loss in names:
            return LOSSES[names[0] if self.loss == "auto" else self.loss]
        known = ", ".join(repr(name) for name in ("auto", *names))
        raise InputError(f"`loss` must be one of {known} for this estimator. Got {self.loss!r}")

    def _control(self) -> Control:
        tol = check_number("tol", self.tol)
        return Control(tol=tol, max_iter=check_count("max_iter", self.max_iter))

    def _keep(self, solution: Solution) -> None:
        self.n_iter_ = max(solution.n_iter, 1)
        self.optimality_ = solution.optimality
        if solution.dual_gap is not None:
            self.dual_gap_ = solution.dual_gap
        for name, value in solution.learned.items():
            setattr(self, name, value)
        self._solution = solution

    def _margins(self, X: object, task: object) -> Floats:
        """Margins ``(sample, task)``; ``(sample,)`` with ``task`` or for a single flat task."""
        check_is_fitted(self)
        rows = check_predict_input(self, X)
        if task is not None:
            index = self._task_index(task, rows.shape[0])
            return _margins_of(rows, index, self.coef_) + self.intercept_[index]
        margins: Floats = rows @ self.coef_.T + self.intercept_
        return margins[:, 0] if self._is_flat else margins

    def _task_index(self, task: object, n_rows: int) -> Integers:
        return index_of_tasks(task, self.tasks_, n_rows)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


class SingleFit(MultiTaskModel):
    """A method at one setting."""

    alpha: float
    warm_start: bool
    _most_condensed: ClassVar[int | None] = None

    @abstractmethod
    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        """Minimise the loss with the method's penalty."""

    @abstractmethod
    def _largest_alpha(self, loss: SmoothLoss) -> float:
        """Where an automatic path begins."""

    def _loss_of(self, rows: LabelledRows, objective: Objective) -> SmoothLoss:
        return objective.loss_of(rows).condensed(self._most_condensed)

    def _learn(self, rows: LabelledRows, objective: Objective, loss: SmoothLoss) -> Solution:
        solution = self._solve(loss, self._start(rows))
        if not solution.optimality <= self.tol:
            warnings.warn(
                f"{type(self).__name__} stopped after {solution.n_iter} iterations at an "
                f"optimality of {solution.optimality:.2g}, above `tol`={self.tol:g}. "
                "Raise `max_iter`, raise `tol`, or scale the features",
                ConvergenceWarning,
                stacklevel=3,
            )
        return solution

    def _start(self, rows: LabelledRows) -> Solution | None:
        if not self.warm_start or not hasattr(self, "_solution"):
            return None
        fits = self._solution.coef.shape == (rows.n_tasks, rows.X.shape[1])
        return self._solution if fits else None


def _margins_of(rows: Rows, index: np.ndarray, coef: Floats) -> Floats:
    """Each row under the coefficients of its own task."""
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(len(coef) + 1))
    margins = np.empty(len(index))
    for t in np.unique(index):
        own = order[bounds[t] : bounds[t + 1]]
        margins[own] = rows[own] @ coef[t]
    return margins
