"""Ways of sharing: each builds a network, some watch it train, some change it.

Training knows the three protocols `Sharing`, `Observing`, `Restructuring`, and no method's name.

* `HardSharing`: one network for all tasks.
* `SingleTask`: one network per task.
* `FixedTree`: the tree that the user gives.
* `FullyAdaptive`: learns the tree (Lu et al., CVPR 2017).
"""

from ramify.sharing._fixed import FixedTree, HardSharing, SingleTask
from ramify.sharing._fully_adaptive import FullyAdaptive
from ramify.sharing._protocols import (
    Observing,
    Proposal,
    Restructuring,
    Sharing,
    StepEvidence,
)
from ramify.sharing._widening_costs import width_caps

__all__ = [
    "FixedTree",
    "FullyAdaptive",
    "HardSharing",
    "Observing",
    "Proposal",
    "Restructuring",
    "Sharing",
    "SingleTask",
    "StepEvidence",
    "width_caps",
]
