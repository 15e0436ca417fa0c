"""What every estimator of the room shares: the two forms of data, settings, fitted attributes.

How to add a method
-------------------
A method is one file. A private class has its settings and how it is solved, another the settings of its
form with cross-validation; each has a public class per form::

    @dataclass(eq=False, repr=False)
    class _BlockSparse(SingleFit):                          settings, _solve, _largest_alpha
    class BlockSparse(Regressor, _BlockSparse):             "docstring"
    class BlockSparseClassifier(Classifier, _BlockSparse):  "docstring"

    @dataclass(eq=False, repr=False, kw_only=True)
    class _BlockSparseCV(CrossValidated):                       settings
    class BlockSparseCV(Regressor, _BlockSparseCV):             _plain = BlockSparse
    class BlockSparseClassifierCV(Classifier, _BlockSparseCV):  _plain = BlockSparseClassifier

    METHOD = Method("block-sparse", BlockSparse, …)

The plain name is the regressor, as for scikit-learn's Ridge. ``estimators/__init__.py`` lists the files.

- Settings are fields of a dataclass, stored unchanged (scikit-learn's rule); the common ones are those of
  `MultiTaskModel`. ``alpha`` comes first, the others are keyword-only. Random starts take
  ``random_state``.
- ``_solve(loss, start)`` checks the method's own settings, minimises and returns a `Solution`. ``loss`` is
  a `SmoothLoss`: value, gradient, curvature of the coefficients ``(task, feature)``, the intercepts already
  minimised out. ``start`` is an earlier solution or None; a fit must be a pure function of ``loss``,
  ``start`` and the settings, and must not touch ``self``, since the paths of cross-validation call it too.
  ``Solution.optimality`` is compared with ``tol`` for the warning; ``Solution.learned`` holds fitted
  attributes such as ``task_affinity_`` and ``groups_``; ``Solution.state`` whatever a warm start needs
  besides.
- ``_most_condensed`` is the most features for which Gram matrices of all of them are formed; set
  it where working sets make do with a few. None leaves it to what is cheaper per product.
- ``_largest_alpha(loss)`` is where the automatic path begins: the smallest ``alpha`` that switches
  off what the penalty acts on, or a value that is large enough.

Tools: `solve_smooth` minimises loss + ½⟨W, QW⟩ for a `Quadratic` coupling of tasks; `solve_penalised` loss
+ any `Penalty` with a proximal map; `solve_spectral` loss + a `SpectralPenalty`. ``loss.curvature(coef)``
gives products, blocks and diagonals of the second derivative; ``loss.common_gram`` the Gram matrix if all
tasks share it.
"""

import warnings
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
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


@dataclass(frozen=True)
class Method:
    """A method by its name, with its four estimators.

    Args:
        name: In kebab case, as the command line has it.
        regressor: Predicts numbers.
        classifier: Predicts one of two classes.
        regressor_cv: The regressor with its strength chosen by cross-validation.
        classifier_cv: The classifier with its strength chosen by cross-validation.
    """

    name: str
    regressor: "type[MultiTaskModel]"
    classifier: "type[MultiTaskModel]"
    regressor_cv: "type[MultiTaskModel]"
    classifier_cv: "type[MultiTaskModel]"


@dataclass(eq=False, repr=False, kw_only=True)
class MultiTaskModel(BaseEstimator, ABC):  # type: ignore[misc]
    """A linear model of several tasks; its leaves are a method in a form.

    Args:
        loss: "auto", a name or a `Loss`; see `Regressor` and `Classifier`.
        fit_intercept: Whether each task has an intercept, which is not penalised.
        normalisation: "mean" averages the loss of each task over its rows; "sum" adds it up.
        task_weight: A factor per task, in the order of ``tasks_`` or by name; None for 1.
        max_iter: Most iterations.
        tol: Optimality to reach, see ``optimality_``.

    Attributes:
        coef_: ``(task, feature)``.
        intercept_: ``(task,)``.
        tasks_: The tasks' names in their order, ``(task,)``.
        n_iter_: Iterations that were made.
        optimality_: What stopping was judged by, 0 at the minimum: the duality gap relative to the loss
            without coefficients, or, where the method has none, the norm of the gradient relative to
            that without coefficients.
        dual_gap_: The objective is at most this far above its minimum; where the method has a gap.
    """

    loss: str | Loss = "auto"
    fit_intercept: bool = True
    normalisation: str = "mean"
    task_weight: object = None
    max_iter: int = 1000
    tol: float = 1e-6

    coef_: Floats = field(init=False)
    intercept_: Floats = field(init=False)
    tasks_: np.ndarray = field(init=False)
    n_iter_: int = field(init=False)
    optimality_: float = field(init=False)
    dual_gap_: float = field(init=False)

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
        self.coef_, self.intercept_ = self._final(solution.coef, loss.intercepts(solution.coef))
        self.tasks_ = given.tasks
        self._keep(solution)
        return self

    def _final(self, coef: Floats, intercepts: Floats) -> tuple[Floats, Floats]:
        """Coefficients and intercepts to predict by, from those that were found."""
        return coef, intercepts

    def _rows(self, given: Given) -> LabelledRows:
        weights = given.labelled * given.sample_weight.reshape(-1, *[1] * (given.y.ndim - 1))
        counts = None
        if given.task is not None:
            counts = np.bincount(given.task, minlength=len(given.tasks))
        return LabelledRows(given.X, self._encode(given), weights, given.origin, counts)

    def _objective(self, given: Given) -> Objective:
        check_choice("normalisation", self.normalisation, NORMALISATIONS)
        if not isinstance(self.fit_intercept, bool | np.bool_):
            raise InputError(
                "must be True or False", argument="fit_intercept", got=repr(self.fit_intercept)
            )
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
        raise InputError(
            f"must be one of {known} for this estimator", argument="loss", got=repr(self.loss)
        )

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


@dataclass(eq=False, repr=False)
class SingleFit(MultiTaskModel):
    """A method at one setting.

    Args:
        alpha: Strength of the penalty.
        warm_start: Whether ``fit`` starts from the last solution.
    """

    alpha: float = 1.0
    _: KW_ONLY
    warm_start: bool = False

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
