"""The words for the weightings on the command line."""

from typing import Final

from ramify._core import InputError, Registry, quoted
from ramify.weighting._aligned_mtl import AlignedMTL
from ramify.weighting._base import Weighting
from ramify.weighting._cagrad import CAGrad
from ramify.weighting._db_mtl import DBMTL
from ramify.weighting._dwa import DWA
from ramify.weighting._equal import Equal, Fixed
from ramify.weighting._fair_grad import FairGrad
from ramify.weighting._famo import FAMO
from ramify.weighting._geometric import Geometric
from ramify.weighting._grad_norm import GradNorm
from ramify.weighting._gradvac import GradVac
from ramify.weighting._imtl_g import IMTLG
from ramify.weighting._imtl_l import IMTLL
from ramify.weighting._mgda import MGDA
from ramify.weighting._nash_mtl import NashMTL
from ramify.weighting._pcgrad import PCGrad
from ramify.weighting._random import Random
from ramify.weighting._tchebycheff import SmoothTchebycheff
from ramify.weighting._uncertainty import Uncertainty
from ramify.weighting._upgrad import UPGrad

WEIGHTINGS: Final[Registry[Weighting]] = Registry(
    Weighting,
    "weighting",
    "ramify.weightings",
    [
        *(Equal, Fixed, Uncertainty, IMTLL, DWA, Random, Geometric, FAMO, SmoothTchebycheff),
        *(GradNorm, MGDA, PCGrad, GradVac, CAGrad, IMTLG, NashMTL, FairGrad, AlignedMTL, UPGrad),
        DBMTL,
    ],
)
"""Every weighting by its name; `ramify.register` and installed packages add to it."""


def weighting_named(name: str) -> Weighting:
    """A weighting with its default settings.

    Args:
        name: One of `WEIGHTINGS` that needs no numbers, as ``fixed`` does.

    Raises:
        InputError: If there is none of that name.

    Example:
        >>> weighting_named("cagrad")
        CAGrad(radius=0.4)
    """
    try:
        return WEIGHTINGS.named(name, "weighting")()
    except TypeError:
        raise InputError(
            "must be one that needs no numbers", argument="weighting", got=quoted(name)
        ) from None
