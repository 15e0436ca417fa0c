"""What it is that a task predicts something of: a row, or each position within it."""

from dataclasses import dataclass
from typing import Final

from ramify._core import InputError, check_count, quoted


@dataclass(frozen=True)
class Unit:
    """What a task predicts something of.

    The features of a network have positions, or none: ``(batch, *positions, feature)``. A task of rows
    reads one vector per row; where there are positions, the mean over those that are real. A task
    of another unit reads the vector at every position, and has a label, or none, for each. All tasks
    of one network are of rows or of the same other unit.

    Attributes:
        name: The word for it, such as ``row``, ``token`` or ``pixel``.
        n_axes: Axes of positions within a row; 0 for the row itself.
        channels_first: Whether features come as ``(batch, feature, *positions)``, as convolutions
            give them, and not with the feature last.

    Raises:
        InputError: If the name is empty, or the number of axes negative.

    Example:
        >>> Unit("hour", n_axes=1)
        Unit(name='hour', n_axes=1, channels_first=False)
    """

    name: str
    n_axes: int
    channels_first: bool = False

    def __post_init__(self) -> None:
        """Check the name and the number."""
        if not self.name:
            raise InputError("must be a non-empty text", argument="name", got=quoted(self.name))
        check_count("n_axes", self.n_axes, 0)


ROW: Final = Unit("row", 0)
"""A row of a table, an image, a sentence: one label each."""

TOKEN: Final = Unit("token", 1)
"""A word of a sentence: features are ``(batch, word, feature)``."""

PIXEL: Final = Unit("pixel", 2, channels_first=True)
"""A place of an image: features are ``(batch, feature, height, width)``."""
