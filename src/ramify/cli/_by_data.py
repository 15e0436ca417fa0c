"""Options whose meaning or default depends on whether rows are those of a table or pictures."""

from ramify._core import InputError, quoted
from ramify.data import Augmentation, ImageData, SplitRule, Table, parse_split
from ramify.runs import IMAGE_WEIGHT_DECAY
from ramify.training import Training


def targets_of(given: list[str], data: Table | ImageData) -> list[str]:
    """The targets: those given, or those that the data says itself.

    Raises:
        InputError: If there are none.
    """
    own = data.targets if isinstance(data, ImageData) else ()
    reasons = data.no_labels if isinstance(data, ImageData) else {}
    if name := next((name for name in given if name in reasons), None):
        raise InputError(f"--targets must name labels. {quoted(name)} {reasons[name]}")
    if not given and not own:
        raise InputError("--targets must name at least one column. Got none")
    return given or list(own)


def split_of(given: str | None, data: Table | ImageData) -> SplitRule:
    """The split: the one given, or the data's own, or a random one."""
    own = data.split if isinstance(data, ImageData) else None
    return own if given is None and own is not None else parse_split(given or "random")


def augmentation_of(shift: int, flip: bool, data: Table | ImageData) -> Augmentation | None:
    """How training pictures are changed.

    Raises:
        InputError: If rows of a table were to be changed.
    """
    if not (shift or flip):
        return None
    if not isinstance(data, ImageData):
        raise InputError("--shift and --flip are for pictures. Got a table; leave them out")
    return Augmentation(shift, flip)


def decay_of(given: float | None, data: Table | ImageData) -> float:
    """The weight decay: the one given, or what suits the data."""
    if given is not None:
        return given
    return IMAGE_WEIGHT_DECAY if isinstance(data, ImageData) else Training().weight_decay
