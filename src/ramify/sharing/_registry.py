"""The strategies that are built in, and those that others are compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from ramify.sharing._strategy import Sharing, Strategy
from ramify.sharing.fully_adaptive import FullyAdaptive
from ramify.sharing.selective import SelectiveSharing
from ramify.sharing.strategies import (
    CGC,
    MTAN,
    PLE,
    Anchored,
    CrossStitch,
    Factorised,
    FixedTree,
    HardSharing,
    LowLevel,
    MMoE,
    Relationship,
    SingleTask,
    Sluice,
    Soft,
    TraceNorm,
)
from ramify.tasks import SharingTree

BUILT_IN: Final[tuple[type[Sharing], ...]] = (
    *(FullyAdaptive, SelectiveSharing, HardSharing, SingleTask, FixedTree, Soft, TraceNorm),
    *(Relationship, CrossStitch, Sluice, Factorised, MMoE, CGC, PLE, MTAN, LowLevel, Anchored),
)
"""Every strategy that trains a network."""

DEFAULT: Final = FullyAdaptive
"""The strategy where none is asked for."""


REFERENCES: Final[Mapping[str, type[Sharing]]] = {
    "single_task": SingleTask,
    "shared": HardSharing,
}
"""What every other way of sharing is compared with, by what it is."""


@dataclass(frozen=True)
class Baseline:
    """A network that others are compared with.

    Attributes:
        label: What it is in a few words.
        make: From the tree that was found, the strategy that found it, and a seed; None where
            there is nothing to compare.
    """

    label: str
    make: Callable[[SharingTree, Strategy, int], Sharing | None]


def _made(kind: type[Sharing], _tree: SharingTree, _found_by: Strategy, _seed: int) -> Sharing:
    return kind()


def _random_tree(tree: SharingTree, found_by: Strategy, seed: int) -> FixedTree | None:
    """A tree of the same shape with the tasks in any order, grown as the one that was found."""
    n_tasks = len(tree.tasks)
    if not isinstance(found_by, Sharing) or tree.widths[-1] == 1 or tree.widths[0] == n_tasks:
        return None
    order = np.random.default_rng(seed).permutation(n_tasks).tolist()
    growing = found_by.warm_up_epochs(n_tasks)
    return FixedTree(tree.reassigned(order), growing, found_by.estimator)


def _again(_tree: SharingTree, found_by: Strategy, _seed: int) -> Sharing | None:
    return found_by if isinstance(found_by, Sharing) else None


WITHOUT_AUXILIARY: Final = "no_auxiliary"
BASELINES: Final[Mapping[str, Baseline]] = {
    **{name: Baseline(kind.label, partial(_made, kind)) for name, kind in REFERENCES.items()},
    "random_tree": Baseline("a random tree of the same shape", _random_tree),
    WITHOUT_AUXILIARY: Baseline("the same network without auxiliary tasks", _again),
}
"""What a run can be compared with, by name."""
