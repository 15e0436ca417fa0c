"""One line per class; the tests check that no exported class is missing."""

from collections.abc import Callable

from ramify.losses import BinaryLoss, KindLoss, MulticlassLoss, RegressionLoss
from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, Sharing, SingleTask
from ramify.tasks import Binary, Kind, Multiclass, Regression, SharingTree, TaskSet


def _tree(tasks: TaskSet) -> SharingTree:
    names = tasks.names
    half = (names[: (len(names) + 1) // 2], names[(len(names) + 1) // 2 :])
    return SharingTree(names, ((names,), tuple(group for group in half if group)))


# Every exported class → its ways to be built, for a set of tasks and a backbone of two stages.
SHARINGS: dict[type[Sharing], dict[str, Callable[[TaskSet], Sharing]]] = {
    HardSharing: {"hard": lambda _: HardSharing()},
    SingleTask: {"single-task": lambda _: SingleTask()},
    FixedTree: {
        "tree": lambda tasks: FixedTree(_tree(tasks)),
        "tree, grown": lambda tasks: FixedTree(_tree(tasks), growing_epochs_first=1),
    },
    FullyAdaptive: {
        "adaptive": lambda _: FullyAdaptive(growing_epochs=1, n_candidates=3),
        "adaptive, budget": lambda _: FullyAdaptive(growing_epochs=1, max_parameters=500),
        "adaptive, alpha": lambda _: FullyAdaptive(alpha=20.0, interval=5),
    },
}

# Every exported loss → tasks of its kind, some of them unlike each other.
KINDS: dict[type[KindLoss], list[Kind]] = {
    BinaryLoss: [Binary(), Binary(rate=0.1)],
    MulticlassLoss: [Multiclass(("x", "y")), Multiclass(("x", "y", "z", "w"))],
    RegressionLoss: [Regression(), Regression(10.0, 4.0)],
}
