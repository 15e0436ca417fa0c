"""Ways of sharing: each builds a network, some watch it train, some change it.

Training knows `Sharing`, the hooks of its steps (`StepHook`; `hooks_of` makes them of what keeps to
`Observing`, `ComparingGradients`, `Coupling` or `TakingTurns`) and the protocol that changes a network
(`Restructuring`), and no method's name.

* `HardSharing`: one network for all tasks.  `SingleTask`: one network per task.
* `FixedTree`: the tree that the user gives.
* `FullyAdaptive`: learns the tree (Lu et al., CVPR 2017).
* `SelectiveSharing`: an estimator per task, of which like tasks keep one (Strezoski et al., 2019).
* `Soft`, `Anchored`, `TraceNorm`: separate networks whose weights are held near each other, near a
  given network, or in few directions.
* `Relationship`: own last stages under a prior that learns how tasks relate.
* `CrossStitch`, `Sluice`: separate networks that go on with mixtures of each other's features.
* `Factorised`: separate networks whose weights are made from common factors.
* `MMoE`, `CGC`, `PLE`: experts that tasks mix by gates.
* `MTAN`: one network, of whose features each task attends to its part.
* `LowLevel`: heads at lower stages.
"""

from ramify._core import Option, OptionContext
from ramify.sharing._protocol_hooks import hooks_of
from ramify.sharing._protocols import (
    ComparingGradients,
    Coupling,
    HeadGradients,
    Moment,
    Observing,
    ObservingGradients,
    Proposal,
    Remembering,
    Restructuring,
    StepEvidence,
    TakingTurns,
)
from ramify.sharing._registry import (
    BASELINES,
    BUILT_IN,
    DEFAULT,
    REFERENCES,
    WITHOUT_AUXILIARY,
    Baseline,
)
from ramify.sharing._step_hooks import HookContext, Step, StepHook, overriding
from ramify.sharing._strategy import Affinity, Recipe, Sharing, Strategy
from ramify.sharing.fully_adaptive import FullyAdaptive, width_caps
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
    Pretraining,
    Relationship,
    SingleTask,
    Sluice,
    Soft,
    TraceNorm,
    read_tree,
)

__all__ = [
    "BASELINES",
    "BUILT_IN",
    "CGC",
    "DEFAULT",
    "MTAN",
    "PLE",
    "REFERENCES",
    "WITHOUT_AUXILIARY",
    "Affinity",
    "Anchored",
    "Baseline",
    "ComparingGradients",
    "Coupling",
    "CrossStitch",
    "Factorised",
    "FixedTree",
    "FullyAdaptive",
    "HardSharing",
    "HeadGradients",
    "HookContext",
    "LowLevel",
    "MMoE",
    "Moment",
    "Observing",
    "ObservingGradients",
    "Option",
    "OptionContext",
    "Pretraining",
    "Proposal",
    "Recipe",
    "Relationship",
    "Remembering",
    "Restructuring",
    "SelectiveSharing",
    "Sharing",
    "SingleTask",
    "Sluice",
    "Soft",
    "Step",
    "StepEvidence",
    "StepHook",
    "Strategy",
    "TakingTurns",
    "TraceNorm",
    "hooks_of",
    "overriding",
    "read_tree",
    "width_caps",
]
