"""A strategy a file: trees that are given, and networks that share in other ways."""

from ramify.sharing.strategies._anchored import Anchored
from ramify.sharing.strategies._cross_stitch import CrossStitch, Sluice
from ramify.sharing.strategies._experts import CGC, PLE, MMoE
from ramify.sharing.strategies._factorised import Factorised
from ramify.sharing.strategies._fixed import GROWING, FixedTree, HardSharing, SingleTask, read_tree
from ramify.sharing.strategies._low_level import LowLevel
from ramify.sharing.strategies._low_rank import TraceNorm
from ramify.sharing.strategies._mtan import MTAN
from ramify.sharing.strategies._relationship import Relationship
from ramify.sharing.strategies._separate_networks import Pretraining
from ramify.sharing.strategies._soft import Soft

__all__ = [
    "CGC",
    "GROWING",
    "MTAN",
    "PLE",
    "Anchored",
    "CrossStitch",
    "Factorised",
    "FixedTree",
    "HardSharing",
    "LowLevel",
    "MMoE",
    "Pretraining",
    "Relationship",
    "SingleTask",
    "Sluice",
    "Soft",
    "TraceNorm",
    "read_tree",
]
