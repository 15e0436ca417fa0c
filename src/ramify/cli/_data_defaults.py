"""Options whose meaning or default depends on whether rows are those of a table or pictures."""

from collections.abc import Sequence

from ramify._core import InputError, quoted
from ramify.data import (
    Augmentation,
    GroupSplit,
    ImageData,
    SplitRule,
    Table,
    parse_split,
)
from ramify.runs import IMAGE_WEIGHT_DECAY


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
