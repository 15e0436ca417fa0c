"""A data set made ready for training: tasks, inputs, and the three sides of the split."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from ramify._core import counted, listed, quoted
from ramify.data import (
    FIT_ADVICE,
    Batches,
    ImageData,
    ImageEncoder,
    Inferred,
    InferredLabels,
    LabelMask,
    Split,
    StatedKind,
    Table,
    TableEncoder,
    Targets,
    infer_features,
    infer_labels,
    read_features,
    read_groups,
    read_targets,
    resolve_columns,
    split_rows,
    standardised,
    written_plainly,
)
from ramify.metrics import absence_note
from ramify.networks import DataFacts
from ramify.records import DataInfo, TaskLabels
from ramify.runs._auxiliary import auxiliary_columns, with_hints, with_roles
from ramify.runs._inputs import ImageInputs, Inputs, TableInputs
from ramify.runs._options import Options
from ramify.runs._soft_labels import soft_labelled
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression, Task, TaskSet

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


_REDRAWN = 0x5EED  # salt: another stream than that of the order


@dataclass(frozen=True, eq=False)
class SideRows:
    """The rows of a side as arrays, in order.

    Attributes:
        inputs: What networks get to see of each row, flat.
        labels: In the target's own unit, or the number of the class; NaN where there is none.
        groups: Number of each row's group, for rankings; None if all rows are one.
    """

    inputs: Float[np.ndarray, "row input"]
    labels: Float[np.ndarray, "row task"]
    groups: Int64[np.ndarray, " row"] | None


@dataclass(frozen=True, eq=False)
class Prepared:
    """What training needs of a data set.

    Attributes:
        tasks: The tasks, regression targets with location and scale of the training labels; those
            that only help come last.
        inputs: What networks get to see of the rows.
        targets: Labels; 0 where there is none.
        label_mask: True where there is a label.
        split: Row numbers per side.
        info: The table in numbers, for the record.
        warnings: What the user should know.
        digest: Fingerprint of the encoded data, to know it again.
        groups: Number of each row's group, for rankings; None if all rows are one.
    """

    tasks: TaskSet
    inputs: Inputs
    targets: Tensor
    label_mask: Tensor
    split: Split
    info: DataInfo
    warnings: list[str]
    digest: str
    groups: Tensor | None = None

    @cached_property
    def main(self) -> TaskSet:
        """The tasks that are wanted; the first ones of all."""
        return self.tasks.main

    @cached_property
    def facts(self) -> DataFacts:
        """What decides which network and training suit it."""
        return DataFacts(len(self.split.train), self.inputs.are_bits)

    def groups_of(self, side: str) -> Tensor | None:
        """The groups of the rows of a side."""
        rows = np.asarray(getattr(self.split, side))
        return None if self.groups is None else self.groups[torch.from_numpy(rows)]

    def batches(
        self, side: str, batch_size: int, seed: int, tasks: Sequence[int] | None = None
    ) -> Batches:
        """Batches of one side: shuffled ones of the training rows, the others in order.

        Args:
            side: ``train``, ``validation`` or ``test``.
            batch_size: Rows per step, of the training rows.
            seed: Of the order.
            tasks: Places of the tasks whose labels are wanted; by default all.
        """
        rows = np.asarray(getattr(self.split, side))
        chosen = slice(None) if tasks is None else list(tasks)
        return self.inputs.batches(
            rows,
            self.targets[rows][:, chosen],
            self.label_mask[rows][:, chosen],
            batch_size=batch_size,
            seed=seed,
            training=side == "train",
            groups=self.groups_of(side),
        )

    def redrawn(self, batch_size: int, seed: int) -> Batches:
        """Batches of as many training rows, redrawn with replacement; whole units of the split.

        Args:
            batch_size: Rows per step.
            seed: Of the draw, and of the order.
        """
        rows, rng = np.asarray(self.split.train), np.random.default_rng([seed, _REDRAWN])
        if self.split.units is None:
            places = rng.integers(len(rows), size=len(rows))
        else:
            _, unit = np.unique(self.split.units[rows], return_inverse=True)
            counts = rng.multinomial(unit.max() + 1, np.full(unit.max() + 1, 1 / (unit.max() + 1)))
            places = np.repeat(np.arange(len(rows)), counts[unit])
        rows = np.sort(rows[places])
        return self.inputs.batches(
            rows,
            self.targets[rows],
            self.label_mask[rows],
            batch_size=batch_size,
            seed=seed,
            training=True,
            groups=None if self.groups is None else self.groups[torch.from_numpy(rows)],
        )

    def in_order(self, side: str, batch_size: int) -> Batches:
        """Batches of one side in the order of its rows, unchanged by any augmentation.

        Args:
            side: ``train``, ``validation`` or ``test``.
            batch_size: Rows per batch, as far as it is not fixed.
        """
        rows = np.asarray(getattr(self.split, side))
        return self.inputs.batches(
            rows,
            self.targets[rows],
            self.label_mask[rows],
            batch_size=batch_size,
            seed=0,
            training=False,
            groups=self.groups_of(side),
        )

    def rows(self, side: str) -> SideRows:
        """The rows of a side as arrays, unchanged by any augmentation.

        Args:
            side: ``train``, ``validation`` or ``test``.
        """
        places, groups = np.asarray(getattr(self.split, side)), self.groups_of(side)
        inputs = [batch.inputs for batch in self.in_order(side, 1)]
        flat = [each.flatten(1).numpy() for each in inputs if isinstance(each, Tensor)]
        wanted = slice(len(self.main))
        targets = self.targets[places][:, wanted].double().numpy()
        return SideRows(
            np.concatenate(flat),
            np.where(self.label_mask[places][:, wanted].numpy(), targets, np.nan),
            None if groups is None else groups.numpy(),
        )


def prepare(data: Table | ImageData, options: Options) -> Prepared:
    """Find the tasks of a data set, divide its rows, and make its inputs ready.

    Args:
        data: A table of features and targets, or pictures with a table of their labels.
        options: What is wanted of it.

    Raises:
        InputError: If the data is not fit for it.
    """
    if isinstance(data, ImageData):
        return _prepare_images(data, options)
    data = with_hints(written_plainly(data, options.ignore), options.auxiliary)
    labels = _labels_of(data, options, options.kinds)
    labelled = _Labelled.of(data, labels, options, labels.others)
    inferred = infer_features(data, labels, np.asarray(labelled.split.train))
    raw = torch.from_numpy(read_features(data, inferred.features, FIT_ADVICE))
    train = torch.from_numpy(labelled.split.train)
    inputs = TableInputs(TableEncoder.fitted(inferred.features, raw, train), raw)
    return labelled.with_inputs(data, inferred, inputs, options)


def _prepare_images(data: ImageData, options: Options) -> Prepared:
    plain = written_plainly(data.table, options.ignore)
    data = replace(data, table=with_hints(plain, options.auxiliary))
    inferred = _labels_of(data.table, options, _kinds(data, options))
    labelled = _Labelled.of(data.table, inferred, options)
    encoder = ImageEncoder.fitted(data.images, labelled.split.train)
    inputs = ImageInputs(encoder, data.images, options.augmentation)
    return labelled.with_inputs(data, inferred, inputs, options)


def _labels_of(table: Table, options: Options, kinds: Mapping[str, StatedKind]) -> InferredLabels:
    """What the targets hold, and behind them the tasks that only help."""
    helping = auxiliary_columns(table, options.targets, options.auxiliary)
    found = infer_labels(
        table,
        [*options.targets, *helping],
        ignore=options.ignore,
        kinds=kinds,
        split_column=options.split.column,
        group_column=options.group_column,
    )
    return with_roles(found, helping)


def _kinds(data: ImageData, options: Options) -> dict[str, StatedKind]:
    """The kinds that the source knows of its targets; those asked for go before."""
    wanted = set(resolve_columns(data.table.columns, options.targets))
    return {n: k for n, k in data.kinds.items() if n in wanted} | dict(options.kinds)


@dataclass(frozen=True, eq=False)
class _Labelled:
    """The labels of a data set, and how its rows are divided."""

    tasks: TaskSet
    targets: np.ndarray
    label_mask: np.ndarray
    split: Split
    groups: np.ndarray | None

    @classmethod
    def of(
        cls,
        table: Table,
        inferred: InferredLabels,
        options: Options,
        features: Sequence[str] = (),
    ) -> "_Labelled":
        targets, mask = read_targets(table, inferred.tasks)
        column = options.group_column
        groups = None if column is None else read_groups(table, column, inferred.tasks, mask)
        split = split_rows(
            options.split,
            table,
            mask,
            options.seed,
            tasks=inferred.tasks,
            targets=targets,
            equal_in=[*features, *inferred.tasks.names] if features else (),
        )
        tasks = standardised(inferred.tasks, targets, mask, split.train)
        return cls(tasks, targets, mask, split, groups)

    def with_inputs(
        self,
        data: Table | ImageData,
        inferred: Inferred | InferredLabels,
        inputs: Inputs,
        options: Options,
    ) -> Prepared:
        targets, mask, split = self.targets, self.label_mask, self.split
        notes, table = ([*data.notes], data.table) if isinstance(data, ImageData) else ([], data)
        warnings = _label_warnings(self.tasks, targets, mask, split, self.groups)
        wanted = replace(inferred, tasks=self.tasks.main)
        info = describe(table, wanted, split, targets, mask, inputs.in_numbers())
        folders = options.soft_labels_from
        targets, filled = soft_labelled(folders, data, split, self.tasks, targets, mask)
        soft = [_soft_note(int(filled.sum() - mask.sum()))] if folders else []
        mask = filled
        return Prepared(
            self.tasks,
            inputs,
            torch.from_numpy(targets).to(_precision(self.tasks)),
            torch.from_numpy(mask),
            split,
            info,
            [*notes, *inferred.warnings, *split.notes, *soft, *warnings],
            _digest(inputs, targets, mask, split, self.groups),
            None if self.groups is None else torch.from_numpy(self.groups),
        )


def _precision(tasks: TaskSet) -> torch.dtype:
    """Numbers in a unit of their own keep all digits until they are centred and scaled."""
    return torch.float64 if tasks.of_kind(Regression) else torch.float32


def _soft_note(n_filled: int) -> str:
    if n_filled == 0:
        return (
            "soft labels filled in nothing: training rows lack no label of the tasks that the "
            "models know"
        )
    return f"{counted(n_filled, 'missing label')} of training rows filled in by soft labels"


def _label_warnings(
    tasks: TaskSet,
    targets: np.ndarray,
    mask: np.ndarray,
    split: Split,
    groups: np.ndarray | None,
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
        lacking = []
        for t, task in enumerate(tasks):
            known = rows[mask[rows, t]]
            members = None if groups is None else groups[known]
            needs_label = task.is_main or side == "train"
            if needs_label and (note := absence_note(task, targets[known, t], members)):
                lacking.append(f"{task.name} ({note})")
        if lacking:
            noun = counted(len(lacking), "task")
            sentences.append(f"{noun} on the {side} rows: {listed(lacking)}; {consequence}")
    return sentences


def _digest(
    inputs: Inputs,
    targets: np.ndarray,
    mask: np.ndarray,
    split: Split,
    groups: np.ndarray | None,
) -> str:
    digest = hashlib.sha256(inputs.fingerprint())
    own = () if groups is None else (groups,)
    for array in (targets, mask, split.train, split.validation, split.test, *own):
        digest.update(quoted(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
