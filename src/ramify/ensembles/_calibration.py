"""Probabilities that mean what they say: two numbers per task, which keep the order of rows."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, logit

from ramify.tasks import Multiclass, Ranking, Regression, TaskSet

Floats = NDArray[np.float64]
_LEAST: Final = 1e-9  # no probability is taken to be nearer to 0 or 1
_LEAST_SLOPE: Final = 0.05
_PRIOR: Final = 4.0  # informative labels' worth of trust in the identity
_STEPS: Final = 25


@dataclass(frozen=True, eq=False)
class Calibration:
    r"""Of yes or no and levels :math:`\sigma(\text{slope} \cdot \text{logit}(p) + \text{level})`.

    Of classes :math:`p_c^{slope}`, normalised. Slopes are positive, so the order of rows, and with it
    ROC-AUC, accuracy of classes and the order of levels, stays; numbers stay as they are.

    Attributes:
        slope: ``(task,)``; 1 for numbers.
        level: ``(task,)``; 0 for numbers and classes.
    """

    slope: Floats
    level: Floats

    def apply(
        self, columns: Float[np.ndarray, "row column"], tasks: TaskSet
    ) -> Float[np.ndarray, "row column"]:
        """Calibrated probabilities.

        Args:
            columns: Probabilities, or values.
            tasks: The tasks.
        """
        found = columns.copy()
        for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
            own = slice(first, first + task.kind.n_outputs)
            if isinstance(task.kind, Multiclass):
                logs = self.slope[t] * np.log(np.maximum(columns[:, own], _LEAST))
                found[:, own] = np.exp(log_softmax(logs, axis=1))
            elif not isinstance(task.kind, Regression | Ranking):
                found[:, own] = expit(self.slope[t] * _logits(columns[:, own]) + self.level[t])
        return found


def calibrate(
    columns: Float[np.ndarray, "row column"],
    labels: Float[np.ndarray, "row column"],
    tasks: TaskSet,
) -> Calibration:
    """Fit slopes and levels to predictions out of fold by the log loss, drawn towards no change.

    Args:
        columns: Probabilities, or values.
        labels: What `label_columns` gives.
        tasks: The tasks.

    References:
        Platt. *Probabilistic Outputs for Support Vector Machines*, 1999; on the log odds, not the
        score. Guo, Pleiss, Sun, Weinberger. *On Calibration of Modern Neural Networks*, 2017, section
        4.2 (for classes).
    """
    slope, level = np.ones(len(tasks)), np.zeros(len(tasks))
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        if isinstance(task.kind, Regression | Ranking):
            continue
        own = slice(first, first + task.kind.n_outputs)
        known = ~np.isnan(labels[:, first])
        wanted, given = labels[known, own], columns[known, own]
        if wanted.min(initial=1) >= wanted.max(initial=0):
            continue  # no label, or all alike
        if isinstance(task.kind, Multiclass):
            slope[t] = _temperature(np.log(np.maximum(given, _LEAST)), wanted)
        else:
            slope[t], level[t] = _line(_logits(given).ravel(), wanted.ravel())
    return Calibration(slope, level)


def _logits(probabilities: Floats) -> Floats:
    return np.asarray(logit(np.clip(probabilities, _LEAST, 1 - _LEAST)))


def _line(logits: Floats, wanted: Floats) -> tuple[float, float]:
    """Newton's steps for slope and level; both drawn to the identity by a few labels' worth."""
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    point, centre = np.array([1.0, 0.0]), np.array([1.0, 0.0])
    drawn = _PRIOR / 4 * np.eye(2)
    for _ in range(_STEPS):
        chance = expit(design @ point)
        gradient = design.T @ (chance - wanted) + drawn @ (point - centre)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + drawn
        step = np.linalg.solve(curvature, gradient)
        point = point - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    slope = max(float(point[0]), _LEAST_SLOPE)
    return slope, float(point[1])


def _temperature(logs: Floats, wanted: Floats) -> float:
    """Newton's steps for the power of the probabilities of classes."""
    slope = 1.0
    for _ in range(_STEPS):
        chance = np.exp(log_softmax(slope * logs, axis=1))
        mean = (chance * logs).sum(axis=1)
        gradient = (mean - (wanted * logs).sum(axis=1)).sum() + _PRIOR / 4 * (slope - 1)
        spread = ((chance * logs**2).sum(axis=1) - mean**2).sum() + _PRIOR / 4
        step = float(np.clip(gradient / spread, -1, 1))
        slope = max(slope - step, _LEAST_SLOPE)
        if abs(step) < 1e-9:
            break
    return slope
