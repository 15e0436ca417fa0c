"""The words for the weightings on the command line."""

from ramify._core import InputError, quoted
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

WEIGHTINGS: dict[str, type[Weighting]] = {
    "equal": Equal,
    "fixed": Fixed,
    "uncertainty": Uncertainty,
    "imtl-l": IMTLL,
    "dwa": DWA,
    "random": Random,
    "geometric": Geometric,
    "famo": FAMO,
    "smooth-tchebycheff": SmoothTchebycheff,
    "gradnorm": GradNorm,
    "mgda": MGDA,
    "pcgrad": PCGrad,
    "gradvac": GradVac,
    "cagrad": CAGrad,
    "imtl-g": IMTLG,
    "nash-mtl": NashMTL,
    "fairgrad": FairGrad,
    "aligned-mtl": AlignedMTL,
    "upgrad": UPGrad,
    "db-mtl": DBMTL,
}
_NEED_NUMBERS = frozenset({"fixed"})


def weighting_named(name: str) -> Weighting:
    """A weighting with its default settings.

    Args:
        name: One of `WEIGHTINGS`, but for ``fixed``, which needs numbers.

    Raises:
        InputError: If there is none of that name.

    Example:
        >>> weighting_named("cagrad")
        CAGrad(radius=0.4)
    """
    if name not in WEIGHTINGS or name in _NEED_NUMBERS:
        known = ", ".join(each for each in WEIGHTINGS if each not in _NEED_NUMBERS)
        raise InputError(f"must be one of {known}", argument="weighting", got=quoted(name))
    return WEIGHTINGS[name]()
