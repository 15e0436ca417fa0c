"""Colour and shape by which a group of tasks is known in every picture."""

from collections.abc import Sequence
from dataclasses import dataclass

N_COLOURS = 8
SHAPES = (
    "M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0z",
    "M-4.2-4.2h8.4v8.4h-8.4z",
    "M0-5.4L5.2 4H-5.2z",
    "M0-5.8L5.8 0L0 5.8L-5.8 0z",
    "M0 5.4L5.2-4H-5.2z",
)
_ALONE = "M-2.8 0a2.8 2.8 0 1 0 5.6 0a2.8 2.8 0 1 0-5.6 0z"


@dataclass(frozen=True)
class GroupMark:
    """How a group is drawn.

    Attributes:
        colour: Class of the style sheet.
        shape: Path around the origin.
    """

    colour: str
    shape: str


ALONE = GroupMark("alone", _ALONE)


def group_marks(groups: Sequence[Sequence[str]]) -> dict[str, GroupMark]:
    """The mark of every task: groups of several tasks take turns, the largest first.

    Colour and shape change together, so 40 groups can be told apart, and no reader depends on
    colours alone.

    Example:
        >>> marks = group_marks([["a"], ["b", "c"]])
        >>> marks["a"] == ALONE, marks["b"] == marks["c"], marks["b"].colour
        (True, True, 'group-0')
    """
    marks = {name: ALONE for group in groups for name in group}
    several = sorted((g for g in groups if len(g) > 1), key=lambda group: -len(group))
    for i, group in enumerate(several):
        mark = GroupMark(f"group-{i % N_COLOURS}", SHAPES[i % len(SHAPES)])
        marks |= dict.fromkeys(group, mark)
    return marks
