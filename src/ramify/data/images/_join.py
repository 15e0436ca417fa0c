"""Several data sets of images as one: rows of one set have no labels of the other's tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from ramify._core import InputError, listed
from ramify.data.images._dataset import ImageData
from ramify.data.images._pixels import resized
from ramify.data.images._settings import ImageReading
from ramify.data.splits import LabelledRows, RandomSplit, Split, SplitRule
from ramify.data.tables import Table, open_table


@dataclass(frozen=True)
class JointSplit(SplitRule):
    """Divides the rows of each data set by its own rule.

    Attributes:
        names: What the data sets are called.
        rules: Their rules.
        tables: Their own tables, whose rows follow each other.
    """

    names: tuple[str, ...]
    rules: tuple[SplitRule, ...]
    tables: tuple[Table, ...] = field(repr=False, compare=False)

    def split(self, table: Table, labelled: LabelledRows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows of each data set."""
        parts, start = [], 0
        for rule, own in zip(self.rules, self.tables, strict=True):
            stop = start + own.n_rows
            here = np.flatnonzero((labelled.rows >= start) & (labelled.rows < stop))
            chosen = labelled.select(here)
            inside = replace(chosen, rows=chosen.rows - start)
            parts.append((start, rule.split(own, inside, rng)))
            start = stop
        train, validation, test = (
            np.concatenate([getattr(part, side) + first for first, part in parts])
            for side in ("train", "validation", "test")
        )
        words = [
            f"{name} {part.description}" for name, (_, part) in zip(self.names, parts, strict=True)
        ]
        notes = tuple(note for _, part in parts for note in part.notes)
        return Split(train, validation, test, "; ".join(words), notes)


def joined(sets: Mapping[str, ImageData], reading: ImageReading) -> ImageData:
    """Put data sets together, one after the other.

    Only targets are kept of their tables. A row has no label of another set's target, which is
    therefore masked there; `with_soft_labels` may fill it in. Each set keeps its own split, or is
    divided at random. Where several sets have a target of one name, such as the ``label`` of two
    IDX folders, it need not mean the same in both: each becomes a target of its own,
    ``set.label``, and a note says so.

    Args:
        sets: The data sets, each with the targets it is meant for, by name.
        reading: The one size and number of channels that all images are brought to. By default
            the size of the first set, in colour if any of them is.

    Raises:
        InputError: If there are fewer than two sets, a set has no targets, or a new name is
            another target's.
    """
    _check(sets)
    every = list(sets.values())
    channels = reading.channels or (3 if any(one.images.shape[1] == 3 for one in every) else 1)
    one_form = ImageReading(reading.size or _size(every[0]), reading.resize, channels)
    images = resized(every[0].images, one_form)
    for other in every[1:]:
        images = images.followed_by(resized(other.images, one_form))
    names = _names(sets)
    frames = [_targets(one, own) for one, own in zip(every, names, strict=True)]
    frame = pl.concat(frames, how="diagonal")
    targets = tuple(name for own in names for name in own.values())
    split = JointSplit(
        tuple(sets),
        tuple(one.split or RandomSplit() for one in every),
        tuple(one.table for one in every),
    )
    notes = tuple(f"{name}: {note}" for name, one in sets.items() for note in one.notes)
    kinds = {
        own[name]: kind
        for one, own in zip(every, names, strict=True)
        for name, kind in one.kinds.items()
        if name in own
    }
    if renamed := [new for own in names for old, new in own.items() if new != old]:
        notes += (f"targets of one name in several data sets are kept apart: {listed(renamed)}",)
    return ImageData(open_table(frame, " + ".join(sets)), images, targets, split, notes, kinds)


def _size(data: ImageData) -> tuple[int, int]:
    return data.images.shape[2], data.images.shape[3]


def _names(sets: Mapping[str, ImageData]) -> list[dict[str, str]]:
    """What the targets of each set are called in the joined one, by their own names."""
    seen = [name for one in sets.values() for name in one.targets]
    names = [
        {name: f"{of}.{name}" if seen.count(name) > 1 else name for name in one.targets}
        for of, one in sets.items()
    ]
    every = [name for own in names for name in own.values()]
    if repeated := [name for name in dict.fromkeys(every) if every.count(name) > 1]:
        raise InputError(
            f"targets of the data sets must have different names. Got {listed(repeated)} "
            "repeatedly; rename them"
        )
    return names


def _targets(data: ImageData, names: Mapping[str, str]) -> pl.DataFrame:
    cells = {name: data.table.column(name) for name in data.targets}
    frame = data.table.collect(*(pl.col(column.key).alias(column.key) for column in cells.values()))
    return frame.rename({column.key: names[name] for name, column in cells.items()})


def _check(sets: Mapping[str, ImageData]) -> None:
    if len(sets) < 2:
        raise InputError(f"`sets` must hold at least two data sets. Got {len(sets)}")
    if without := [name for name, one in sets.items() if not one.targets]:
        raise InputError(f"each data set must say its targets. {listed(without)} do not")
