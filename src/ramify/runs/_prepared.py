"""A table made ready for training: tasks, encoder, and the three sides of the split as tensors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ramify._core import counted, listed, quoted
from ramify.data import (
    Inferred,
    Split,
    Table,
    TableBatches,
    TableEncoder,
    describe,
    infer_schema,
    read_features,
    read_targets,
    split_rows,
    standardised,
)
from ramify.metrics import absence_note
from ramify.records import DataInfo
from ramify.runs._options import Options
from ramify.tasks import TaskSet

_EVALUATION_ROWS = 2048


@dataclass(frozen=True, eq=False)
class Prepared:
    """What training needs of a table.

    Attributes:
        inferred: Features and tasks as found.
        tasks: The tasks, regression targets with location and scale of the training labels.
        encoder: Raw columns to network inputs.
        inputs: Encoded rows.
        targets: Labels; 0 where there is none.
        label_mask: True where there is a label.
        split: Row numbers per side.
        info: The table in numbers, for the record.
        warnings: What the user should know.
        digest: Fingerprint of the encoded data, to know it again.
    """

    inferred: Inferred
    tasks: TaskSet
    encoder: TableEncoder
    inputs: Tensor
    targets: Tensor
    label_mask: Tensor
    split: Split
    info: DataInfo
    warnings: list[str]
    digest: str

    def batches(
        self, side: str, batch_size: int, seed: int, tasks: Sequence[int] | None = None
    ) -> TableBatches:
        """Batches of one side: shuffled ones of the training rows, the others in order.

        Args:
            side: ``train``, ``validation`` or ``test``.
            batch_size: Rows per step, of the training rows.
            seed: Of the order.
            tasks: Places of the tasks whose labels are wanted; by default all.
        """
        rows = torch.from_numpy(np.asarray(getattr(self.split, side)))
        chosen = slice(None) if tasks is None else list(tasks)
        training = side == "train"
        return TableBatches(
            self.inputs[rows],
            self.targets[rows][:, chosen],
            self.label_mask[rows][:, chosen],
            batch_size if training else _EVALUATION_ROWS,
            seed,
            shuffle=training,
        )


def prepare(table: Table, options: Options) -> Prepared:
    """Read a table, find its tasks and features, divide its rows, and encode them.

    Args:
        table: The table.
        options: What is wanted of it.

    Raises:
        InputError: If the table is not fit for it.
    """
    inferred = infer_schema(
        table,
        options.targets,
        ignore=options.ignore,
        kinds=options.kinds,
        split_column=options.split.column,
    )
    targets, mask = read_targets(table, inferred.tasks)
    split = split_rows(options.split, table, mask, options.seed)
    tasks = standardised(inferred.tasks, targets, mask, split.train)
    raw = torch.from_numpy(read_features(table, inferred.features))
    encoder = TableEncoder.fitted(inferred.features, raw, torch.from_numpy(split.train))
    inputs = encoder(raw)
    schema = inferred.features
    features = {
        "numeric": schema.count("numeric"),
        "boolean": schema.count("boolean"),
        "categorical": schema.count("categorical"),
        "encoded": encoder.n_features,
    }
    info = describe(table, inferred, split, targets, mask, features)
    warnings = [*inferred.warnings, *split.notes, *_label_warnings(tasks, targets, mask, split)]
    return Prepared(
        inferred,
        tasks,
        encoder,
        inputs,
        torch.from_numpy(targets),
        torch.from_numpy(mask),
        split,
        info,
        warnings,
        _digest(inputs, targets, mask, split),
    )


def _label_warnings(
    tasks: TaskSet, targets: np.ndarray, mask: np.ndarray, split: Split
) -> list[str]:
    """Which tasks cannot be learned, selected on, or scored, a sentence per side."""
    consequences = {
        "train": "their heads learn nothing",
        "validation": "they have no say in what is kept",
        "test": "their test scores are absent",
    }
    sentences = []
    for side, consequence in consequences.items():
        rows = getattr(split, side)
        lacking = [
            f"{task.name} ({note})"
            for t, task in enumerate(tasks)
            if (note := absence_note(task, targets[rows, t][mask[rows, t]]))
        ]
        if lacking:
            noun = counted(len(lacking), "task")
            sentences.append(f"{noun} on the {side} rows: {listed(lacking)}; {consequence}")
    return sentences


def _digest(inputs: Tensor, targets: np.ndarray, mask: np.ndarray, split: Split) -> str:
    digest = hashlib.sha256()
    rows = (split.train, split.validation, split.test)
    for array in (inputs.numpy(), targets, mask, *rows):
        digest.update(quoted(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
