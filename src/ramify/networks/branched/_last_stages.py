"""What may run in the place of a network's last stages."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from ramify.networks.branched._branches import Features


class Tail(ABC):
    """Runs the last stages of a branched network in its own way.

    Attributes:
        first: The first of the stages that it runs.
    """

    first: int

    @abstractmethod
    def run(self, features: Features, *, apart: bool) -> Float[Tensor, "branch batch feature"]:
        """The features that the heads read.

        Args:
            features: What the stages before give.
            apart: Whether they are one for each branch of the first of the last stages already.
        """
