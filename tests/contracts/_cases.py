"""One line per class; the tests check that no exported class is missing."""

from collections.abc import Callable
from itertools import pairwise
from math import inf

from ramify.grouping import Variance
from ramify.losses import (
    BinaryLoss,
    KindLoss,
    MulticlassLoss,
    OrdinalLoss,
    RankingLoss,
    RegressionLoss,
)
from ramify.sharing import (
    CGC,
    MTAN,
    PLE,
    Anchored,
    CrossStitch,
    Factorised,
    FixedTree,
    FullyAdaptive,
    HardSharing,
    LowLevel,
    MMoE,
    Relationship,
    SelectiveSharing,
    Sharing,
    SingleTask,
    Sluice,
    Soft,
    TraceNorm,
)
from ramify.tasks import (
    Binary,
    Kind,
    Multiclass,
    Ordinal,
    Ranking,
    Regression,
    SharingTree,
    TaskSet,
)


def _tree(tasks: TaskSet) -> SharingTree:
    names = tasks.names
    half = (names[: (len(names) + 1) // 2], names[(len(names) + 1) // 2 :])
    return SharingTree(names, ((names,), tuple(group for group in half if group)))


def _edges(tasks: TaskSet) -> tuple[tuple[str, str, float], ...]:
    return tuple((one, two, 20.0) for one, two in pairwise(tasks.names))


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
        "adaptive, gradients": lambda _: FullyAdaptive(
            growing_epochs=1, n_candidates=3, affinity="gradient-factors"
        ),
    },
    SelectiveSharing: {
        "selective": lambda _: SelectiveSharing(estimator_width=4, interval=3),
        "selective, variance": lambda _: SelectiveSharing(
            Variance(2), estimator_width=3, estimator_layers=2, accumulate="sum", warm_up=2
        ),
        "selective, split": lambda _: SelectiveSharing(
            estimator_width=4, interval=2, allow_split=True, sign_invariant=True, projection=8
        ),
    },
    Soft: {
        "soft": lambda _: Soft(),
        "soft, graph": lambda tasks: Soft(edges=_edges(tasks), stages=(0,)),
        "soft, equal": lambda _: Soft(alpha=inf),
    },
    Anchored: {"anchored": lambda _: Anchored()},
    TraceNorm: {
        "trace-norm": lambda _: TraceNorm(),
        "trace-norm, tucker": lambda _: TraceNorm(form="tucker", alpha=0.1),
    },
    Relationship: {
        "relationship": lambda _: Relationship(interval=2),
        "relationship, all stages": lambda _: Relationship(own_stages=2, only_tasks=True),
    },
    CrossStitch: {
        "cross-stitch": lambda _: CrossStitch(),
        "cross-stitch, channels": lambda _: CrossStitch(per_channel=True, stages=(1,)),
        "cross-stitch, alone first": lambda _: CrossStitch(pretrain_epochs=1),
    },
    Sluice: {
        "sluice": lambda _: Sluice(),
        "sluice, alone first": lambda _: Sluice(pretrain_epochs=1, n_subspaces=4, last=0.8),
    },
    Factorised: {
        "factorised": lambda _: Factorised(pretrain_epochs=1),
        "factorised, tt": lambda _: Factorised("tt", rank=2, pretrain_epochs=0),
        "factorised, tucker": lambda _: Factorised("tucker", error=0.2, pretrain_epochs=1),
    },
    MMoE: {
        "mmoe": lambda _: MMoE(n_experts=3),
        "mmoe, trunk": lambda _: MMoE(n_experts=2, trunk_stages=1),
    },
    CGC: {"cgc": lambda _: CGC()},
    PLE: {"ple": lambda _: PLE(n_own=2)},
    MTAN: {"mtan": lambda _: MTAN(hidden=4)},
    LowLevel: {
        "low-level": lambda tasks: LowLevel(((tasks.names[0], 0),)),
        "low-level, in turns": lambda tasks: LowLevel(((tasks.names[-1], 0),), in_turns=True),
        "low-level, separate": lambda tasks: LowLevel(((tasks.names[0], 0),), separate=True),
    },
}

# Every exported loss → tasks of its kind, some of them unlike each other.
KINDS: dict[type[KindLoss], list[Kind]] = {
    BinaryLoss: [Binary(), Binary(rate=0.1)],
    MulticlassLoss: [Multiclass(("x", "y")), Multiclass(("x", "y", "z", "w"))],
    OrdinalLoss: [Ordinal(("x", "y")), Ordinal(("x", "y", "z", "w"), (0.1, 0.4, 0.3, 0.2))],
    RankingLoss: [Ranking(), Ranking()],
    RegressionLoss: [Regression(), Regression(10.0, 4.0)],
}
