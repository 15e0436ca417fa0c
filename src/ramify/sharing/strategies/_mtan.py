"""Attention: one shared network, of whose features every task sees its own part."""

from dataclasses import dataclass

from ramify._core import InputError, checked
from ramify.networks import AttentionNetwork, Backbone, TaskNetwork
from ramify.sharing._strategy import Sharing
from ramify.tasks import TaskSet


@checked
@dataclass(frozen=True)
class MTAN(Sharing):
    """One shared network; at every stage each task has a mask over the shared features.

    It starts as hard sharing: all masks are 1.

    Attributes:
        hidden: Width of the hidden layer that makes a mask.

    Raises:
        InputError: If the width is below 1.

    References:
        Liu, Johns, Davison. *End-to-End Multi-Task Learning with Attention*, CVPR 2019.
    """

    name = "mtan"
    label = "one network, of whose features each task attends to its part"
    network = AttentionNetwork

    hidden: int = 32

    def __post_init__(self) -> None:
        """Check the width."""
        if self.hidden < 1:
            raise InputError(f"`hidden` must be 1 or more. Got {self.hidden}")

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> TaskNetwork:
        """The network with masks."""
        return AttentionNetwork(backbone, tasks, hidden=self.hidden, n_features=n_features)
