"""Ways of sharing that may train one network per task first, and start from those."""

from abc import abstractmethod
from collections.abc import Sequence

from ramify._core import InputError
from ramify.networks import BranchedNetwork, TaskNetwork
from ramify.sharing._protocols import Moment, Proposal, Restructuring
from ramify.sharing._strategy import Sharing


class StartsAlone(Sharing, Restructuring):
    """A way of sharing whose network can start from trained single-task networks."""

    warm_up_words = "epochs of separate networks (`alone`)"

    @property
    @abstractmethod
    def alone_epochs(self) -> int | None:
        """Epochs in which the separate networks are trained first; 0 for none, None for the usual."""

    def warm_up_epochs(self, n_tasks: int) -> int | None:
        """Epochs of the separate networks; a single task has nothing to join."""
        return self.alone_epochs if n_tasks > 1 else 0

    def steps_between(self, steps_per_epoch: int) -> int:
        """Any number: the networks are joined at the end of the warm-up."""
        return steps_per_epoch

    def proposals(
        self, network: BranchedNetwork, moment: Moment | None = None
    ) -> Sequence[Proposal]:
        """To go on from the separate networks, once they are trained."""
        return [] if self.warm_up_epochs(len(network.tasks)) == 0 else [Proposal(network.tree)]

    def changed(self, network: TaskNetwork, proposal: Proposal) -> TaskNetwork:
        """The network that goes on from the separate ones."""
        return self.converted(network)

    @abstractmethod
    def converted(self, network: TaskNetwork) -> TaskNetwork:
        """The network that goes on, with the weights of the separate ones.

        Args:
            network: One network per task; unchanged.
        """


def check_alone(epochs: int | None) -> None:
    """Refuse a number of epochs that is none.

    Raises:
        InputError: If it is negative.
    """
    if epochs is not None and epochs < 0:
        raise InputError(f"`alone` must be 0 or more epochs. Got {epochs}")
