"""The table as it was read, for the record of a run."""

import numpy as np
from numpy.typing import NDArray

from ramify._core import quoted
from ramify.data import Inferred, InferredLabels, LabelMask, Split, Table, Targets
from ramify.records import DataInfo, TaskLabels
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Task

_MOST_CLASSES = 5
_MOST_LEVELS = 12


def describe(
    table: Table,
    inferred: Inferred | InferredLabels,
    split: Split,
    targets: Targets,
    label_mask: LabelMask,
    features: dict[str, int],
) -> DataInfo:
    """Sum up a table: rows per side, features by type, labels per task.

    Args:
        table: The table.
        inferred: What `infer_schema` or `infer_labels` found in it.
        split: Its sides.
        targets: What `read_targets` gave.
        label_mask: True where a label was observed.
        features: What the inputs are, in numbers, as `DataInfo` holds it.
    """
    labels = [
        _labels(task, split, targets[:, t], label_mask[:, t])
        for t, task in enumerate(inferred.tasks)
    ]
    return DataInfo(
        source=table.name,
        rows=split.sizes,
        features=features,
        left_out=inferred.left_out,
        labels=labels,
        split=split.description,
    )


def _labels(
    task: Task, split: Split, targets: NDArray[np.float64], observed: NDArray[np.bool_]
) -> TaskLabels:
    return TaskLabels(
        task=task.name,
        train=int(observed[split.train].sum()),
        validation=int(observed[split.validation].sum()),
        test=int(observed[split.test].sum()),
        summary=_summary(task, targets[observed]),
    )


def _summary(task: Task, labels: NDArray[np.float64]) -> str:
    if len(labels) == 0:
        return "no labels"
    if isinstance(task.kind, Binary):
        return f"{labels.mean():.1%} are {quoted(task.kind.classes[1])}"
    if isinstance(task.kind, Multiclass):
        counts = np.bincount(labels.astype(np.int64), minlength=task.kind.n_outputs)
        order = np.argsort(-counts, kind="stable")
        words = [f"{quoted(task.kind.classes[c])} {counts[c]:,}" for c in order[:_MOST_CLASSES]]
        rest = len(order) - len(words)
        return ", ".join(words) + (f" and {rest:,} more classes" if rest else "")
    if isinstance(task.kind, Ordinal):
        counts = np.bincount(labels.astype(np.int64), minlength=len(task.kind.levels))
        words = [f"{quoted(v)} {n:,}" for v, n in zip(task.kind.levels, counts, strict=True)]
        shown, rest = words[:_MOST_LEVELS], len(words) - _MOST_LEVELS
        return ", ".join(shown) + (f" and {rest:,} more levels" if rest > 0 else "")
    if isinstance(task.kind, Ranking):
        return f"from {labels.min():.4g} to {labels.max():.4g}, mean {labels.mean():.4g}"
    return f"mean {labels.mean():.4g}, standard deviation {labels.std():.4g}"
