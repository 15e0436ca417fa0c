"""Checked rows with their targets and weights, in either form of data, and the loss of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import (
    Design,
    Floats,
    Integers,
    Rows,
    SharedDesign,
    StackedDesign,
    centred,
    ratio,
)
from ramify.linear.losses._pointwise import Loss, Squared
from ramify.linear.losses._row_loss import RowLoss, centred_squares


@dataclass(frozen=True)
class LabelledRows:
    """Rows of all tasks.

    Args:
        X: The rows; in the stacked form sorted by task.
        y: Targets ``(row, task)``, or ``(row,)`` in the stacked form; 0 where missing.
        weights: Like ``y``; 0 where a label is missing.
        origin: The index of each row in what was given.
        counts: Rows per task in the stacked form; None in the shared form.
    """

    X: Rows
    y: Floats
    weights: Floats
    origin: Integers
    counts: Integers | None = None

    @property
    def n_tasks(self) -> int:
        """How many tasks there are."""
        return int(self.y.shape[1]) if self.counts is None else len(self.counts)

    def design(self) -> Design:
        """The rows as an operator."""
        if self.counts is None:
            return SharedDesign(self.X, self.n_tasks)
        return StackedDesign(self.X, self.counts)

    def take(self, rows: Integers) -> "LabelledRows":
        """Some of the rows, all tasks; a task may be left without one."""
        rows = np.sort(rows)
        counts = None
        if self.counts is not None:
            task = np.repeat(np.arange(self.n_tasks), self.counts)
            counts = np.bincount(task[rows], minlength=self.n_tasks)
        return LabelledRows(
            self.X[rows], self.y[rows], self.weights[rows], self.origin[rows], counts
        )


@dataclass(frozen=True)
class Objective:
    """What is minimised over rows: a loss per task, and how rows and tasks are weighted.

    Args:
        losses: One per task.
        task_weights: One per task.
        averaged: Whether a task's loss is the mean over its rows, else the sum.
        fit_intercept: Whether tasks have an intercept.
    """

    losses: Sequence[Loss]
    task_weights: Floats
    averaged: bool
    fit_intercept: bool

    def loss_of(self, rows: LabelledRows) -> RowLoss:
        """The loss as a function of the coefficients."""
        design = rows.design()
        weights = self.weights_of(rows, design)
        if all(type(loss) is Squared for loss in self.losses):
            return centred_squares(design, rows.y, weights, self.fit_intercept)
        if not self.fit_intercept:
            return RowLoss(design, rows.y, weights, self.losses, np.zeros(rows.n_tasks))
        return RowLoss(centred(design, weights), rows.y, weights, self.losses, None)

    def weights_of(self, rows: LabelledRows, design: Design) -> Floats:
        """The weight of each label in the objective, like the targets."""
        scale = self.task_weights
        if self.averaged:
            scale = ratio(scale, design.totals(rows.weights))
        return rows.weights * design.spread(scale)


class HeldOut:
    """Other rows, to judge coefficients and intercepts by.

    Args:
        objective: What is minimised over the training rows.
        rows: The other rows.
    """

    def __init__(self, objective: Objective, rows: LabelledRows) -> None:
        self._design = rows.design()
        weights = objective.weights_of(rows, self._design)
        nothing = np.zeros(rows.n_tasks)
        self._loss = RowLoss(self._design, rows.y, weights, objective.losses, nothing)

    def loss(self, coef: Floats, intercepts: Floats) -> float:
        """The objective's loss on these rows."""
        return self._loss.total(self._design.margins(coef) + self._design.spread(intercepts))
