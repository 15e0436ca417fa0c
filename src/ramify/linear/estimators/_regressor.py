"""The form of a method that predicts numbers."""

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils import RegressorTags, Tags

from ramify._core import InputError, quoted
from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.estimators._scoring import mean_over_tasks
from ramify.linear.inputs import Floats, Given, check_size, checked_labels, is_missing
from ramify.linear.losses import Poisson

_LOSSES = ("squared", "huber", "poisson")


class Regressor(MultiTaskModel):
    """Predicts a number per task; the loss is squared ("auto"), Huber's or Poisson's."""

    def predict(self, X: object, *, task: object = None) -> Floats:
        """Predict, in the unit of the targets.

        Args:
            X: Rows ``(sample, feature)``.
            task: For each row its task; None for every task.

        Returns:
            ``(sample,)`` with ``task``, or if ``y`` was a single column; else ``(sample, task)``
            in the order of ``tasks_``.

        Raises:
            InputError: If ``task`` holds a task that was not in ``fit``.
        """
        return self._one_loss().response(self._margins(X, task))

    def score(
        self, X: object, y: object, *, task: object = None, sample_weight: object = None
    ) -> float:
        """The coefficient of determination R²; of several columns the mean, each over its labels.

        Args:
            X: Rows ``(sample, feature)``.
            y: Labels, as in ``fit``.
            task: For each row its task, if the rows are stacked: R² is over all rows then.
            sample_weight: ``(sample,)``.
        """
        labels = checked_labels(self, y)
        labels = np.where(is_missing(labels), np.nan, labels).astype(np.float64)
        return mean_over_tasks(r2_score, labels, self.predict(X, task=task), sample_weight)

    def _loss_names(self) -> tuple[str, ...]:
        return _LOSSES

    def _encode(self, given: Given) -> Floats:
        try:
            numbers = np.where(given.labelled, given.y, 0).astype(np.float64)
        except (TypeError, ValueError):
            raise InputError(f"`y` must hold numbers. Got {quoted(given.y.flat[0])}") from None
        check_size("y", numbers)
        if isinstance(self._one_loss(), Poisson) and (numbers < 0).any():
            raise InputError(
                "`y` must be 0 or more for `loss='poisson'`. "
                f"Got {numbers.min():g}; take another loss"
            )
        return numbers

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        return tags
