"""What the command line says of the data, for every verb that learns from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ramify._core import InputError, quoted
from ramify.cli._sources import Data, LayoutName, Source, by_task, image_shape
from ramify.cli._words import kinds_and_levels_in, names_in, positives_in
from ramify.data import (
    Augmentation,
    GroupSplit,
    ImageData,
    ImageReading,
    SplitRule,
    StatedKind,
    Table,
    TableReading,
    parse_split,
    resolve_columns,
    with_positive,
)
from ramify.runs import IMAGE_WEIGHT_DECAY, Options


def targets_of(
    given: list[str], data: Table | ImageData, split_up: Sequence[str] = ()
) -> list[str]:
    """The targets: those given, or those that the data says itself.

    Args:
        given: Names or globs.
        data: The data.
        split_up: Columns of which a column per class was made, which take their places.

    Raises:
        InputError: If there are none.
    """
    own = data.targets if isinstance(data, ImageData) else ()
    reasons = data.no_labels if isinstance(data, ImageData) else {}
    if name := next((name for name in given if name in reasons), None):
        raise InputError(f"--targets must name labels. {quoted(name)} {reasons[name]}")
    if split_up and not (given or own):
        given = list(split_up)
    if not given and not own:
        raise InputError("--targets must name at least one column. Got none")
    columns = (data.table if isinstance(data, ImageData) else data).columns
    classes = {old: [c for c in columns if c.startswith(f"{old}=")] for old in split_up}
    named = [name for each in given for name in classes.get(each, [each])]
    return list(dict.fromkeys(named)) or list(own)


def split_of(
    given: str | None, data: Table | ImageData, group_column: str | None = None
) -> SplitRule:
    """The split: the one given, or the data's own, or whole groups of a column, or random."""
    own = data.split if isinstance(data, ImageData) else None
    if given is None and own is not None:
        return own
    if given is None and group_column is not None:
        return GroupSplit(group_column)
    return parse_split(given or "random")


def augmentation_of(shift: int, flip: bool, data: Table | ImageData) -> Augmentation | None:
    """How training pictures are changed.

    Raises:
        InputError: If rows of a table were to be changed, or the shift is negative or leaves
            nothing of a picture.
    """
    if not (shift or flip):
        return None
    if shift < 0:
        raise InputError(f"--shift must be 0 or more. Got {shift}")
    if not isinstance(data, ImageData):
        raise InputError("--shift and --flip are for pictures. Got a table; leave them out")
    side = min(data.images.shape[2:])
    if shift >= side:
        raise InputError(f"--shift must be less than the side of a picture, {side}. Got {shift}")
    return Augmentation(shift, flip)


def decay_of(given: float | None, data: Table | ImageData) -> float | None:
    """The weight decay: the one given, or what suits the data; None for the usual one."""
    return IMAGE_WEIGHT_DECAY if given is None and isinstance(data, ImageData) else given


@dataclass(frozen=True)
class DataOptions:
    """What is learned, and from what.

    Attributes:
        targets: Names or globs of the target columns, comma separated: a,b,'NR-*'. A layout knows
            its own.
        images: Folder of the image files; or the IDX file of images; or which array of an .npz
            archive is the images, if there are several.
        image_column: The table's column of file names, relative to the folder.
        image_size: Size that images are brought to, 64 or 64x48 (height x width); by default 64
            for files, and arrays stay as they are.
        layout: Whose files the folder holds.
        join: Further data sets to learn with that of --layout, each LAYOUT:FOLDER; comma separated.
        one_vs_rest: Columns of classes that become a yes-or-no target per class; comma separated.
            They take the place of their column in --targets, which may also be left out.
        task_column: Column that says which task each row belongs to, such as its school; each target
            becomes one task per value of it.
        skip_bad_images: Leave rows out whose image cannot be used, instead of stopping.
        image_cache: Folder for decoded and resized images; by default in the user's cache.
        shift: Most pixels by which training images are shifted at random.
        flip: Whether training images are mirrored at random.
        ignore: Names or globs of columns that are no features, comma separated.
        kind: NAME=binary, NAME=multiclass, NAME=ordinal (numbers that rise), NAME=ranking or
            NAME=regression where inference is wrong; comma separated. NAME may be a glob.
        positive: NAME=CLASS: the class of a yes-or-no target whose probability is predicted; comma
            separated. NAME may be a glob.
        ordinal: NAME=low,mid,high: a target whose labels rise in this order; may be repeated.
        group_column: Column of the groups of rows that ranking targets put in order, such as the
            query; by default all rows are one group.
        split: random (80/10/10 per cent), random:60/10/30, column:NAME (its values: train,
            validation, test) or group:NAME; by default the layout's own, else whole groups of
            --group-column, else random.
        separator: The mark between columns of a text file, or tab; by default that which divides
            its rows into equally many fields.
        decimal: The decimal mark of numbers in text, . or a comma; by default as each column tells.
        encoding: Of a text file, such as cp1252; by default UTF-8, UTF-16 or else Windows-1252.
        dates: day-first or month-first, for dates such as 03/04/2024 that do not tell.
    """

    targets: str | list[str] = ""
    images: str | None = None
    image_column: str | None = None
    image_size: str | int | None = None
    layout: LayoutName | None = None
    join: str | list[str] = ""
    one_vs_rest: str | list[str] = ""
    task_column: str | None = None
    skip_bad_images: bool = False
    image_cache: Path | None = None
    shift: int = 0
    flip: bool = False
    ignore: str | list[str] = ""
    kind: str | list[str] = ""
    positive: str | list[str] = ""
    ordinal: list[str] | str = ""
    group_column: str | None = None
    split: str | None = None
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    dates: str | None = None

    @property
    def has_plain_rows(self) -> bool:
        """Whether they are of tables without pictures and rankings."""
        pictures = (self.images, self.image_column, self.image_size, self.layout)
        ranks = (
            self.group_column is not None
            or "ranking" in kinds_and_levels_in(self.kind, self.ordinal).values()
        )
        return not (any(pictures) or self.join or ranks)

    def opened(self, table: Path, console: Console) -> tuple[Data, list[str]]:
        """The data, and the names or globs of the targets in it.

        Args:
            table: Where it lies.
            console: Where to tell how the decoding of images goes on.

        Raises:
            InputError: If the options do not fit each other, or the data is damaged.
        """
        size = image_shape(self.image_size)
        classes = names_in(self.one_vs_rest)
        data = Source(
            table,
            self.layout,
            self.images,
            self.image_column,
            classes,
            names_in(self.join),
            ImageReading(size, cache=self.image_cache, skip_bad=self.skip_bad_images),
            TableReading(self.separator, self.decimal, self.encoding, self.dates),
        ).open(console)
        targets = targets_of(names_in(self.targets), data, classes)
        return (
            (data, targets)
            if self.task_column is None
            else by_task(data, targets, self.task_column)
        )

    def options(self, data: Data, targets: list[str]) -> Options:
        """The settings of a run that these options decide; the others are the usual ones.

        Args:
            data: What `opened` gave.
            targets: The same.

        Raises:
            InputError: If an option is malformed, or does not fit the data.
        """
        return Options(
            targets=targets,
            ignore=names_in(self.ignore),
            kinds=self._kinds(data, targets),
            group_column=self.group_column,
            split=split_of(self.split, data, self.group_column),
            augmentation=augmentation_of(self.shift, self.flip, data),
        )

    def _kinds(self, data: Data, targets: list[str]) -> dict[str, StatedKind]:
        kinds = kinds_and_levels_in(self.kind, self.ordinal)
        positive = positives_in(self.positive)
        if not positive:
            return kinds
        table = data.table if isinstance(data, ImageData) else data
        return kinds | with_positive(table, resolve_columns(table.columns, targets), positive)
