"""Networks that share in other ways than by a tree, an architecture a file."""

from ramify.networks.architectures._attached import AttachedNetwork
from ramify.networks.architectures._attention import AttentionNetwork
from ramify.networks.architectures._experts import ExpertNetwork, ExpertPlan
from ramify.networks.architectures._factorised import FORMS, FactorisedNetwork, ranks_of
from ramify.networks.architectures._stitched import StitchedNetwork, Stitching

__all__ = [
    "FORMS",
    "AttachedNetwork",
    "AttentionNetwork",
    "ExpertNetwork",
    "ExpertPlan",
    "FactorisedNetwork",
    "StitchedNetwork",
    "Stitching",
    "ranks_of",
]
