"""The form of a method that predicts one of two classes."""

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.multiclass import check_classification_targets

from ramify._core import InputError, listed, quoted
from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.estimators._scoring import mean_over_tasks
from ramify.linear.inputs import Floats, Given, checked_labels

_LOSSES = ("logistic",)


class Classifier(MultiTaskModel):
    """Predicts one of two classes per task, with the logistic loss.

    ``classes_`` has the two classes ``(class,)``; if the columns of ``y`` differ in theirs, it is
    ``(task, class)``.
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
        return _LOSSES

    def _encode(self, given: Given) -> Floats:
        """Targets −1 and 1, 0 where missing."""
        if given.task is not None or given.is_flat:
            self.classes_, targets = _two_classes(given.y, given.labelled, "`y`")
            if given.task is not None:
                _refuse_tasks_of_one_class(targets, given)
            return targets
        columns = [
            _two_classes(given.y[:, t], given.labelled[:, t], f"`y` of task {quoted(name)}")
            for t, name in enumerate(given.tasks)
        ]
        classes = np.stack([classes for classes, _ in columns])
        self.classes_ = classes[0] if (classes == classes[:1]).all() else classes
        return np.stack([targets for _, targets in columns], axis=1)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def _two_classes(labels: np.ndarray, labelled: np.ndarray, what: str) -> tuple[np.ndarray, Floats]:
    """The two classes of a column, and its targets."""
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
    if len(classes) < 2:
        raise InputError(f"{what} must have two classes. Got one class, {listed(classes)}")
    targets = np.zeros(labels.shape)
    targets[labelled] = 2.0 * codes.reshape(-1) - 1
    return classes, targets


def _refuse_tasks_of_one_class(targets: Floats, given: Given) -> None:
    n_tasks = len(given.tasks)
    n_rows = np.bincount(given.task, minlength=n_tasks)  # type: ignore[arg-type]
    surplus = np.bincount(given.task, targets, minlength=n_tasks)  # type: ignore[arg-type]
    single = np.abs(surplus) == n_rows
    if single.any():
        raise InputError(
            "`y` must have two classes in every task. One class only in "
            f"{listed(given.tasks[single])}; leave such tasks out"
        )
