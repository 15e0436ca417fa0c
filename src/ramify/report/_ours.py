"""What to call the network of a run, which is a tree only in some ways of sharing."""

from typing import Final

from ramify.report._shape import shape

_NO_TREES: Final = {
    *("soft", "anchored", "trace-norm", "relationship", "cross-stitch", "sluice", "factorised"),
    *("mmoe", "cgc", "ple", "mtan", "low-level"),
}
_LINEAR: Final = "linear:"


def is_tree(sharing: str) -> bool:
    """Whether the stages of a run's record are the whole of its network.

    Args:
        sharing: Name of the way of sharing.
    """
    return sharing not in _NO_TREES and not sharing.startswith(_LINEAR)


def ours(sharing: str) -> str:
    """The network of a run in two words.

    Args:
        sharing: Name of the way of sharing.

    Example:
        >>> ours("fully-adaptive"), ours("linear:clustered"), ours("cross-stitch")
        ('the tree', 'the linear model', 'the network')
    """
    if sharing.startswith(_LINEAR):
        return "the linear model"
    return "the network" if sharing in _NO_TREES else "the tree"


def worded(sentence: str, sharing: str) -> str:
    """A sentence about the tree as one about whatever the run has."""
    word = ours(sharing)
    return sentence.replace("the tree", word).replace("The tree", word[0].upper() + word[1:])


def shared_how(sharing: str, stages: list[list[list[str]]]) -> str:
    """A sentence on what the tasks share.

    Args:
        sharing: Name of the way of sharing.
        stages: The tree of the record.
    """
    n_groups = len(stages[-1])
    if sharing.startswith(_LINEAR):
        start = (
            "Each task has linear weights of its own, estimated together with those of the others"
        )
        return f"{start}; the method found {n_groups:,} groups." if n_groups > 1 else f"{start}."
    if sharing not in _NO_TREES:
        return shape(stages)
    return f"The tasks share by “{sharing}”, which no tree of stages shows."
