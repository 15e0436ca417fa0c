"""The step that ramify's trainer takes, for timing."""

from collections.abc import Callable

from lightning_fabric import Fabric

from ramify.data import Batch, TableBatches
from ramify.losses import TaskLosses
from ramify.networks import TaskNetwork
from ramify.sharing import Sharing
from ramify.training import Training
from ramify.training._events import StopRequest
from ramify.training._step import Stepper, TrainingContext

Step = Callable[[Batch], None]


def trainer_step(
    network: TaskNetwork,
    sharing: Sharing,
    batches: TableBatches,
    *,
    observes: bool,
    settings: Training | None = None,
) -> Step:
    """A step on one CPU.

    Args:
        network: What the way of sharing built.
        sharing: The way of sharing.
        batches: The rows.
        observes: Whether the way of sharing is shown the steps.
        settings: Of the training.
    """
    context = TrainingContext(
        fabric=Fabric(accelerator="cpu", devices=1),
        settings=Training() if settings is None else settings,
        seed=0,
        sharing=sharing,
        losses=TaskLosses(network.tasks),
        train=batches,
        validation=None,
        stop=StopRequest(),
        watch=None,
        checkpoint_seconds=float("inf"),
    )
    stepper = Stepper(network.train(), context, learns_structure=observes)
    return lambda batch: stepper.train_on(batch, context.settings.rate)
