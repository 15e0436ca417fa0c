"""Which way of weighing a weighting and a network take."""

from lightning_fabric import Fabric

from ramify.losses import TaskLosses
from ramify.networks import BranchedNetwork, TaskNetwork
from ramify.training._balance import Balance, ByLosses, ByParameters, StepLosses
from ramify.training._feature_balance import ByFeatures
from ramify.training._shared_gradients import SharedGradients
from ramify.weighting import Equal, GramWeighting, LossWeighting, Weighting


def balance_of(
    weighting: Weighting,
    network: TaskNetwork,
    losses: TaskLosses,
    fabric: Fabric,
    *,
    exact: bool,
    summed_up: bool,
) -> Balance | None:
    """The way in which a weighting enters; None for equal weights, which need none.

    Args:
        weighting: The rule.
        network: The network that is trained.
        losses: Its tasks' losses.
        fabric: The machines.
        exact: Whether gradients are those of all shared parameters, not of the shared features.
            For networks that share otherwise than by branches they always are.
        summed_up: Whether losses are added up over tasks, not averaged.
    """
    if isinstance(weighting, Equal):
        return None
    step = StepLosses(losses, fabric, summed_up=summed_up)
    if isinstance(weighting, LossWeighting):
        return ByLosses(weighting, step)
    if not isinstance(weighting, GramWeighting) or len(losses.tasks) == 1:
        return None
    if exact or not isinstance(network, BranchedNetwork):
        return ByParameters(weighting, step, SharedGradients(network))
    return ByFeatures(weighting, step, network)
