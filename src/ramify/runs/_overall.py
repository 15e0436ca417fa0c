"""Scores of all tasks together, as papers on attributes and categories report them."""

import numpy as np

from ramify.metrics import (
    group_kendall_tau,
    group_reciprocal_rank,
    level_correlation,
    level_error,
    mean_accuracy,
    mean_balanced_accuracy,
    mean_over_groups,
    top_accuracy,
    top_recall,
)
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, TaskSet
from ramify.training import Predictions

_RECALLED = 10
_NAMED = (1, 3, 5)


def overall_scores(predictions: Predictions, tasks: TaskSet) -> dict[str, float]:
    """Scores over all tasks of a kind; those that say nothing here are left out.

    Of two or more binary tasks the mean accuracy and the mean balanced accuracy; of more than ten
    the recall among the ten highest; of classes, be they one task or one-vs-rest tasks
    ``name=class``, how often the true one is among the highest. Of ordinal tasks the mean distance
    in levels and Spearman's correlation, of rankings Kendall's τ-b and the mean reciprocal rank of
    the groups, each the mean over its tasks.

    Args:
        predictions: On held-out rows.
        tasks: The tasks.

    References:
        Lu et al., CVPR 2017, section 4.1.
    """
    found = _of_binary_tasks(predictions, tasks)
    for name, probabilities, classes in _choices(predictions, tasks):
        for k in _NAMED:
            is_known = k == 1 and name in tasks.names  # the task's own score
            if len(classes) and probabilities.shape[1] > k and not is_known:
                found[f"top-{k} accuracy of {name}"] = top_accuracy(probabilities, classes, k)
    found |= _of_ordinal_tasks(predictions, tasks) | _of_rankings(predictions, tasks)
    return {name: value for name, value in found.items() if not np.isnan(value)}


def _of_binary_tasks(predictions: Predictions, tasks: TaskSet) -> dict[str, float]:
    places = list(tasks.of_kind(Binary))
    if len(places) < 2:
        return {}
    columns = [tasks.first_columns[t] for t in places]
    sides = (
        predictions.values[:, columns],
        predictions.targets[:, places],
        predictions.label_mask[:, places],
    )
    found = {
        "mean accuracy": mean_accuracy(*sides),
        "mean balanced accuracy": mean_balanced_accuracy(*sides),
    }
    if len(places) > _RECALLED:
        found[f"top-{_RECALLED} recall"] = top_recall(*sides, _RECALLED)
    return found


def _of_ordinal_tasks(predictions: Predictions, tasks: TaskSet) -> dict[str, float]:
    errors, correlations = [], []
    for t in tasks.of_kind(Ordinal):
        rows, first = predictions.label_mask[:, t], tasks.first_columns[t]
        reaching = predictions.values[rows, first : first + tasks[t].kind.n_outputs]
        targets = predictions.targets[rows, t].astype(np.float64)
        errors.append(level_error(reaching.astype(np.float64), targets))
        correlations.append(level_correlation(reaching.astype(np.float64), targets))
    return {
        "mean distance in levels": mean_over_groups(np.array(errors)),
        "mean Spearman correlation of levels": mean_over_groups(np.array(correlations)),
    }


def _of_rankings(predictions: Predictions, tasks: TaskSet) -> dict[str, float]:
    taus, ranks = [], []
    for t in tasks.of_kind(Ranking):
        rows = predictions.label_mask[:, t]
        scores = predictions.values[rows, tasks.first_columns[t]].astype(np.float64)
        targets = predictions.targets[rows, t].astype(np.float64)
        groups = np.zeros(len(targets), dtype=np.int64)
        if predictions.groups is not None:
            _, groups = np.unique(predictions.groups[rows], return_inverse=True)
        taus.append(mean_over_groups(group_kendall_tau(scores, targets, groups)))
        ranks.append(mean_over_groups(group_reciprocal_rank(scores, targets, groups)))
    return {
        "mean Kendall τ": mean_over_groups(np.array(taus)),
        "mean reciprocal rank": mean_over_groups(np.array(ranks)),
    }


def _choices(predictions: Predictions, tasks: TaskSet) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Every choice between classes: its name, probabilities, and true classes of labelled rows."""
    found = []
    for t in tasks.of_kind(Multiclass):
        first, rows = tasks.first_columns[t], predictions.label_mask[:, t]
        columns = predictions.values[rows, first : first + tasks[t].kind.n_outputs]
        found.append((tasks[t].name, columns, predictions.targets[rows, t].astype(np.int64)))
    for name, places in _one_vs_rest(tasks).items():
        targets = predictions.targets[:, places] >= 0.5
        rows = predictions.label_mask[:, places].all(axis=1) & (targets.sum(axis=1) == 1)
        columns = predictions.values[rows][:, [tasks.first_columns[t] for t in places]]
        found.append((name, columns, targets[rows].argmax(axis=1)))
    return found


def _one_vs_rest(tasks: TaskSet) -> dict[str, list[int]]:
    """Binary tasks ``name=class`` by their name, where there are three classes or more."""
    groups: dict[str, list[int]] = {}
    for t in tasks.of_kind(Binary):
        name, mark, _ = tasks[t].name.partition("=")
        if mark:
            groups.setdefault(name, []).append(t)
    return {name: places for name, places in groups.items() if len(places) > 2}
