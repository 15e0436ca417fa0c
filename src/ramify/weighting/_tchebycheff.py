"""The largest loss, smoothly."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from ramify._core import check_number, checked
from ramify.weighting._base import LossWeighting
from ramify.weighting._present_tasks import share_among, spread_over


def smooth_tchebycheff_weights(
    losses: Float[Tensor, " task"], present: Bool[Tensor, " task"], smoothing: float
) -> Float[Tensor, " task"]:
    r"""Weights whose weighted sum has the gradient of a smooth maximum.

    .. math:: L = \mu \log \sum_t e^{\ell_t / \mu}, \quad
              \nabla L = \sum_t \mathrm{softmax}(\ell / \mu)_t \nabla \ell_t

    The weight is *n* times the softmax. All preferences are 1 and the ideal losses 0.

    Args:
        losses: Any number.
        present: Which of the tasks take part.
        smoothing: μ; towards 0 only the largest loss counts, towards ∞ all alike.
    """
    return spread_over(share_among(losses / smoothing, present), present)


@checked
@dataclass(frozen=True)
class SmoothTchebycheff(LossWeighting):
    """Minimises a smooth maximum of the losses: the worst task counts most.

    Attributes:
        smoothing: μ, in units of the losses. Positive.

    Raises:
        InputError: If ``smoothing`` is not positive.

    References:
        Lin et al. *Smooth Tchebycheff Scalarization for Multi-Objective Optimization*, ICML 2024,
        eq. (5).
    """

    name = "smooth-tchebycheff"
    label = "the worst task counts most"

    smoothing: float = 0.5

    def __post_init__(self) -> None:
        """Check the number."""
        check_number("smoothing", self.smoothing, open_end=True)

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """See `smooth_tchebycheff_weights`."""
        return smooth_tchebycheff_weights(losses, present, self.smoothing)
