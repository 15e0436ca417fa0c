"""Strategies on one network per task side by side, which may be trained alone first."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from torch import nn

from ramify._core import InputError
from ramify.networks import (
    Backbone,
    BranchedNetwork,
    Branches,
    TaskNetwork,
    stacked_layers,
    stages_of,
)
from ramify.sharing._protocols import Moment, Proposal, Restructuring
from ramify.sharing._strategy import Sharing
from ramify.tasks import SharingTree, TaskSet


def separate(backbone: Backbone, tasks: TaskSet, n_features: int | None) -> BranchedNetwork:
    """One network per task, all with the backbone's weights.

    Args:
        backbone: As for `BranchedNetwork`.
        tasks: The tasks.
        n_features: As for `BranchedNetwork`.
    """
    tree = SharingTree.separate(tasks.names, len(stages_of(backbone)))
    return BranchedNetwork(backbone, tree, tasks, n_features=n_features)


def stacked_parameters(
    network: TaskNetwork, stages: Sequence[int] | None = None
) -> list[nn.Parameter]:
    """The parameters of stages of separate networks, with the task as first axis.

    None for a single task.

    Args:
        network: One network per task.
        stages: Which stages, from 0 at the input; None for all.

    Raises:
        InputError: If a stage does not exist, or one has a layer without a stacked form.
    """
    assert isinstance(network, BranchedNetwork)  # what `separate` made
    every = list(_branches(network))
    wrong = [i for i in stages or () if not 0 <= i < len(every)]
    if wrong:
        raise InputError(f"`stages` must be from 0 to {len(every) - 1}. Got {wrong[0]}")
    stacked_layers(network)  # or says what is in the way
    chosen = every if stages is None else [every[i] for i in sorted(set(stages))]
    return [p for stage in chosen if stage.joined is not None for p in stage.joined.parameters()]


def check_strength(alpha: float) -> None:
    """Refuse a strength that is none.

    Raises:
        InputError: If it is negative or not a number.
    """
    if not alpha >= 0:
        raise InputError(f"`alpha` must be 0 or more. Got {alpha}")


def _branches(network: BranchedNetwork) -> Iterator[Branches]:
    for stage in network.stages:
        assert isinstance(stage, Branches)  # for the type checker only
        yield stage


class Pretraining(Sharing, Restructuring):
    """A way of sharing whose network can start from trained single-task networks."""

    warm_up_words = "epochs of separate networks (`pretrain_epochs`)"
    renamed: ClassVar[Mapping[str, str]] = {"alone": "pretrain_epochs"}

    pretrain_epochs: int | None
    """Epochs in which the separate networks are trained first; 0 for none, None for the usual."""

    def warm_up_epochs(self, n_tasks: int) -> int | None:
        """Epochs of the separate networks; a single task has nothing to join."""
        return self.pretrain_epochs if n_tasks > 1 else 0

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


def check_pretrain_epochs(epochs: int | None) -> None:
    """Refuse a number of epochs that is none.

    Raises:
        InputError: If it is negative.
    """
    if epochs is not None and epochs < 0:
        raise InputError(f"`pretrain_epochs` must be 0 or more epochs. Got {epochs}")
