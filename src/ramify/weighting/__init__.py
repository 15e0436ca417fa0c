"""How much each task's loss counts in a step.

Two kinds, by what they need. `LossWeighting` needs the losses:

* `Equal`, `Fixed`: do not depend on training.
* `Uncertainty`: noise of each task, learned.  `IMTLL`: losses of one size.
* `DWA`: how fast a loss falls.  `Random`: by chance.
* `Geometric`: geometric mean.  `SmoothTchebycheff`: the worst task.  `FAMO`: equal rates.

`GramWeighting` needs the inner products of the tasks' gradients:

* `GradNorm`, `DBMTL`: gradients of one length.
* `MGDA`, `UPGrad`, `NashMTL`, `FairGrad`: a direction that harms no task.
* `CAGrad`: near the mean gradient.
* `PCGrad`, `GradVac`: conflicts taken out pair by pair.
* `IMTLG`: equal projections.  `AlignedMTL`: orthogonal gradients.
* `GramFunction`: any function, or a weighting of TorchJD.

Below each lies a pure function of the same name. 1 is the neutral weight; a task without a label
in the batch has weight 0 and no influence.
"""

from ramify.weighting._aligned_mtl import AlignedMTL, aligned_mtl
from ramify.weighting._base import (
    GramWeighting,
    LossWeighting,
    Periodic,
    Remembering,
    Weighting,
)
from ramify.weighting._cagrad import CAGrad, cagrad
from ramify.weighting._db_mtl import DBMTL, db_mtl
from ramify.weighting._dwa import DWA, dwa_weights
from ramify.weighting._equal import Equal, Fixed
from ramify.weighting._fair_grad import FairGrad, fair_grad
from ramify.weighting._famo import FAMO, famo_gradient, famo_weights
from ramify.weighting._geometric import Geometric, geometric_weights
from ramify.weighting._grad_norm import GradNorm, grad_norm_gradient
from ramify.weighting._gradvac import GradVac, gradvac
from ramify.weighting._gram import gram_at_features
from ramify.weighting._imtl_g import IMTLG, imtl_g
from ramify.weighting._imtl_l import IMTLL
from ramify.weighting._mgda import MGDA, mgda
from ramify.weighting._names import WEIGHTINGS, weighting_named
from ramify.weighting._nash_mtl import NashMTL, nash_mtl
from ramify.weighting._pcgrad import PCGrad, pcgrad
from ramify.weighting._random import Random
from ramify.weighting._rule import GramFunction, GramRule, as_weighting
from ramify.weighting._tchebycheff import SmoothTchebycheff, smooth_tchebycheff_weights
from ramify.weighting._uncertainty import (
    ABSOLUTE_ERROR,
    CROSS_ENTROPY,
    HALF_SQUARED_ERROR,
    NOISE_MODELS,
    SQUARED_ERROR,
    NoiseModel,
    Uncertainty,
    uncertainty_objective,
)
from ramify.weighting._upgrad import UPGrad, upgrad

__all__ = [
    "ABSOLUTE_ERROR",
    "CROSS_ENTROPY",
    "DBMTL",
    "DWA",
    "FAMO",
    "HALF_SQUARED_ERROR",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "NOISE_MODELS",
    "SQUARED_ERROR",
    "WEIGHTINGS",
    "AlignedMTL",
    "CAGrad",
    "Equal",
    "FairGrad",
    "Fixed",
    "Geometric",
    "GradNorm",
    "GradVac",
    "GramFunction",
    "GramRule",
    "GramWeighting",
    "LossWeighting",
    "NashMTL",
    "NoiseModel",
    "PCGrad",
    "Periodic",
    "Random",
    "Remembering",
    "SmoothTchebycheff",
    "UPGrad",
    "Uncertainty",
    "Weighting",
    "aligned_mtl",
    "as_weighting",
    "cagrad",
    "db_mtl",
    "dwa_weights",
    "fair_grad",
    "famo_gradient",
    "famo_weights",
    "geometric_weights",
    "grad_norm_gradient",
    "gradvac",
    "gram_at_features",
    "imtl_g",
    "mgda",
    "nash_mtl",
    "pcgrad",
    "smooth_tchebycheff_weights",
    "uncertainty_objective",
    "upgrad",
    "weighting_named",
]
