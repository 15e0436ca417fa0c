"""The two forms of a method: it predicts numbers, or one of two classes."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags, Tags
from sklearn.utils.multiclass import check_classification_targets

from ramify._core import InputError, ShapeError, listed, quoted
from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.inputs import Floats, Given, check_size, checked_labels, is_missing
from ramify.linear.losses import LabelledRows, Poisson

_SURE = 40.0  # log odds at which a probability is 1 to rounding


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
        return ("squared", "huber", "poisson")

    def _encode(self, given: Given) -> Floats:
        try:
            numbers = np.where(given.labelled, given.y, 0).astype(np.float64)
        except (TypeError, ValueError):
            raise InputError(
                "must hold numbers", argument="y", got=quoted(given.y.flat[0])
            ) from None
        check_size("y", numbers)
        if isinstance(self._one_loss(), Poisson) and (numbers < 0).any():
            raise InputError(
                "must be 0 or more for `loss='poisson'`",
                argument="y",
                got=f"{numbers.min():g}",
                remedy="take another loss",
            )
        return numbers

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        return tags


class Classifier(MultiTaskModel):
    """Predicts one of two classes per task, with the logistic loss.

    ``classes_`` has the two classes ``(class,)``; if the columns of ``y`` differ in theirs, it is
    ``(task, class)``. A task whose labels are all of one class has nothing to tell apart: it is
    predicted to be of that class, with a warning, and the other tasks do not hear of it.
    """

    classes_: np.ndarray

    def decision_function(self, X: object, *, task: object = None) -> Floats:
        """The log odds of the second class.

        Args:
            X: Rows ``(sample, feature)``.
            task: For each row its task; None for every task.

        Returns:
            ``(sample,)`` with ``task``, or if ``y`` was a single column; else ``(sample, task)``.
        """
        return self._margins(X, task)

    def predict(self, X: object, *, task: object = None) -> np.ndarray:
        """The more probable class; shapes as of `decision_function`.

        Args:
            X: Rows ``(sample, feature)``.
            task: For each row its task; None for every task.
        """
        margins = self._margins(X, task)
        chosen = (margins > 0).astype(np.intp)
        if self.classes_.ndim == 1:
            return np.asarray(self.classes_[chosen])
        own = np.arange(len(self.tasks_)) if task is None else self._task_index(task, len(chosen))
        return np.asarray(self.classes_[own, chosen])

    def predict_proba(self, X: object, *, task: object = None) -> Floats:
        """Probabilities of the classes.

        Args:
            X: Rows ``(sample, feature)``.
            task: For each row its task; None for every task.

        Returns:
            ``(sample, 2)`` with ``task``, or if ``y`` was a single column: both classes. Else
            ``(sample, task)``: the second class, as for scikit-learn's multilabel classifiers.
        """
        chance = self._one_loss().response(self._margins(X, task))
        return np.stack([1 - chance, chance], axis=1) if chance.ndim == 1 else chance

    def score(
        self, X: object, y: object, *, task: object = None, sample_weight: object = None
    ) -> float:
        """The share of labels that are predicted; of several columns the mean of the shares.

        Args:
            X: Rows ``(sample, feature)``.
            y: Labels, as in ``fit``.
            task: For each row its task, if the rows are stacked.
            sample_weight: ``(sample,)``.
        """
        predicted = self.predict(X, task=task)
        return mean_over_tasks(accuracy_score, checked_labels(self, y), predicted, sample_weight)

    def _loss_names(self) -> tuple[str, ...]:
        return ("logistic",)

    def _encode(self, given: Given) -> Floats:
        """Targets −1 and 1, 0 where missing."""
        if given.task is not None or given.is_flat:
            classes, targets = _classes(given.y, given.labelled, "`y`")
            if len(classes) < 2:
                raise InputError(f"`y` must have two classes. Got one class, {listed(classes)}")
            self.classes_ = classes
            return targets
        columns = [
            _classes(given.y[:, t], given.labelled[:, t], f"`y` of task {quoted(name)}")
            for t, name in enumerate(given.tasks)
        ]
        found = [classes for classes, _ in columns]
        pairs = np.stack([_pair(classes, found) for classes in found])
        self.classes_ = pairs[0] if (pairs == pairs[:1]).all() else pairs
        # Labels of one class only are all −1 so far, whichever of the pair it is.
        signs = [
            -1.0 if len(classes) < 2 and classes[0] == pair[1] else 1.0
            for classes, pair in zip(found, pairs, strict=True)
        ]
        return np.stack([targets for _, targets in columns], axis=1) * signs

    def _rows(self, given: Given) -> LabelledRows:
        rows = super()._rows(given)
        design = rows.design()
        n_labels = design.totals(np.abs(rows.y))
        surplus = design.totals(rows.y)
        self._only = np.where(np.abs(surplus) == n_labels, np.sign(surplus), 0.0)
        if not self._only.any():
            return rows
        single = given.tasks[self._only != 0]
        if len(single) == len(given.tasks):
            raise InputError(
                f"`y` must have two classes in a task at least. One class only in {listed(single)}"
            )
        warnings.warn(
            f"labels of one class only in {listed(single)}: that class is what will be predicted",
            UserWarning,
            stacklevel=3,
        )
        return replace(rows, weights=rows.weights * design.spread(1.0 * (self._only == 0)))

    def _final(self, coef: Floats, intercepts: Floats) -> tuple[Floats, Floats]:
        learns = self._only == 0
        return coef * learns[:, None], np.where(learns, intercepts, _SURE * self._only)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def _classes(labels: np.ndarray, labelled: np.ndarray, what: str) -> tuple[np.ndarray, Floats]:
    """The classes of a column, two at most, and its targets −1 and 1; 0 where missing."""
    present = labels[labelled]
    if present.dtype.kind == "O":
        present = np.array(present.tolist())
    check_classification_targets(present)
    classes, codes = np.unique(present, return_inverse=True)
    if len(classes) > 2:
        raise InputError(
            "Only binary classification is supported. The type of the target is multiclass: "
            f"{what} has {len(classes)} classes, {listed(classes)}"
        )
    targets = np.zeros(labels.shape)
    targets[labelled] = 2.0 * codes.reshape(-1) - 1
    return classes, targets


def _pair(classes: np.ndarray, every: Sequence[np.ndarray]) -> np.ndarray:
    """The two classes of a column; of one class, those of the others if these agree and have it."""
    if len(classes) == 2:
        return classes
    pairs = {tuple(each.tolist()) for each in every if len(each) == 2 and classes[0] in each}
    return np.array(pairs.pop()) if len(pairs) == 1 else classes.repeat(2)


Score = Callable[..., float]


def mean_over_tasks(
    score: Score, labels: np.ndarray, predicted: np.ndarray, sample_weight: object
) -> float:
    """The score of each column over its labelled rows, averaged.

    Args:
        score: Takes true labels, predictions, and ``sample_weight``.
        labels: ``(row,)`` or ``(row, task)``; missing labels count nowhere.
        predicted: Like ``labels``.
        sample_weight: ``(row,)`` or None.

    Raises:
        ShapeError: If labels and predictions differ in shape.
    """
    if labels.shape != predicted.shape:
        raise ShapeError(
            f"must have the shape of the predictions, {predicted.shape}",
            argument="y",
            got=str(labels.shape),
            remedy="stacked rows need `task`",
        )
    weights = None if sample_weight is None else np.asarray(sample_weight)
    n_rows = len(labels)
    true, guessed = labels.reshape(n_rows, -1), predicted.reshape(n_rows, -1)
    scores = []
    for t in range(true.shape[1]):
        rows = ~is_missing(true[:, t])
        own = None if weights is None else weights[rows]
        # Columns with None or NaN are of type object or float; what is left has the type to compare.
        kept = true[rows, t].astype(guessed.dtype)
        if rows.any():
            scores.append(score(kept, guessed[rows, t], sample_weight=own))
    return float(np.mean(scores))
