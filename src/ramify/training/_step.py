"""One training step: forward, losses, backward; whatever else takes part in it is a hook."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import inf, isfinite

import torch
from torch import Tensor

from ramify._core import InputError, quoted
from ramify.data import Batch, Batches, LoaderBatches, pairs_within
from ramify.losses import TaskLosses
from ramify.networks import TaskNetwork
from ramify.sharing import HookContext, Sharing, Step, StepHook, hooks_of, overriding
from ramify.training._averaging import Averaging
from ramify.training._checkpoint import Job
from ramify.training._distributed import Fabric, summed
from ramify.training._evaluation import lines_with_targets, told_of_inputs
from ramify.training._events import StopRequest, Watcher
from ramify.training._partial_update import PartialUpdate
from ramify.training._settings import Length, Training
from ramify.training._task_weighting import weighting_hook
from ramify.weighting import as_weighting

_KEPT = ("network", "best", "optimiser", "random", "loss_sum")
"""Names in a state that are no hook's."""


class DivergedError(Exception):
    """A gradient is no longer a number; the weights still are."""


@dataclass
class TrainingContext:
    """What all segments of one training share beside their networks.

    The time at which it ends, if it is limited, is one of `time.monotonic`.
    """

    fabric: Fabric
    settings: Training
    seed: int
    sharing: Sharing
    losses: TaskLosses
    train: Batches
    validation: Batches | None
    stop: StopRequest
    watch: Watcher | None
    checkpoint_seconds: float
    hooks: Sequence[StepHook] = ()
    job: Job = field(default_factory=dict)
    ends_at: float = inf

    def ends_after(self, share: float) -> float:
        """The time after a share of what is left."""
        now = time.monotonic()
        return now + share * (self.ends_at - now)

    @cached_property
    def length(self) -> Length:
        """How long the training lasts."""
        return self.settings.length(len(self.train))


class Stepper:
    """Trains a network a batch at a time.

    Args:
        network: The network; trained in place.
        context: Losses, settings, device and strategy.
        learns_structure: Whether the strategy may still change the network.
        seed: Of the hooks' random numbers.

    Attributes:
        model: The network as the device wants it called.
        optimiser: Its optimiser.
        loss_sum: Sum of the losses since it was last set to zero.
        averaging: What averages the weights; None if the last ones count.
        hooks: What takes part in the steps, by the names of their states.

    Raises:
        InputError: If two hooks have one name.
    """

    def __init__(
        self,
        network: TaskNetwork,
        context: TrainingContext,
        *,
        learns_structure: bool,
        seed: int = 0,
    ) -> None:
        settings, fabric = context.settings, context.fabric
        network.to(fabric.device)  # an optimiser may have a state from the start
        self.optimiser = settings.optimiser.build(network, settings.rate, settings.decay)
        self.model, self._prepared = fabric.setup(network, self.optimiser)
        self.loss_sum = torch.zeros((), device=fabric.device)
        self.averaging = Averaging() if settings.stops_by_itself else None
        self._context, self._network = context, network
        self._parameters = list(network.parameters())
        self._total = partial(summed, fabric)
        started = HookContext(
            network,
            self.optimiser,
            context.losses,
            seed,
            learns_structure,
            fabric.world_size,
            self._total,
            self._labels_per_task,
        )
        self.hooks = self._gathered(started)
        self._note_moments(list(self.hooks.values()))
        for hook in self.hooks.values():
            hook.start(started)

    def train_on(self, batch: Batch | None, learning_rate: float, number: int = 0) -> bool:
        """Take one step; what serves only tasks without a label in the batch stays as it was.

        Args:
            batch: The rows; None if this rank has none left in the epoch.
            learning_rate: Step size.
            number: Which step it is of the whole training, from 0.

        Returns:
            Whether there was a batch.

        Raises:
            DivergedError: If a gradient is no longer a number, where that is known without waiting.
            InputError: If another rank has a batch and this one has not, or the other way round.
        """
        if batch is not None:
            for change in self._on_batch:
                batch = change(batch, number)
        present = self._present(batch)
        if batch is None or present is None:
            return False
        # Without a label momentum and decay would still move the weights.
        if not any(present):
            return True
        # Some parameters, such as those of stitch units, learn at a multiple of the common rate.
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate * group["rate"]
        inputs, targets, mask = self._context.fabric.to_device(
            (batch.inputs, batch.targets, batch.label_mask)
        )
        step = Step(number, learning_rate, batch, present, inputs, targets, mask)
        for act in self._before_forward:
            act(step)
        self._forward(step)
        self._find_losses(step)
        self._prepared.zero_grad()
        self._pass_back(step)
        self._clip(step)
        self._prepared.step()
        # Summed where it is: to read a number would wait for the device in every step.
        self.loss_sum += step.loss.detach()
        for act in self._after_step:
            act(step)
        return True

    def is_sound(self) -> bool:
        """Whether all weights are finite numbers."""
        return bool(torch.nn.utils.get_total_norm(self._parameters).isfinite())

    def _gathered(self, context: HookContext) -> dict[str, StepHook]:
        """All hooks in the order in which they are called."""
        given, settings = self._context, self._context.settings
        weighting = weighting_hook(
            as_weighting(settings.weighting),
            context.network,
            given.fabric,
            exact=settings.exact_gradients,
            summed_up=settings.sum_over_tasks,
        )
        # Rows that a batch says nothing about are put back before anybody moves the weights on, and
        # weights of tasks come before gradients that others look at.
        hooks = [
            PartialUpdate(),
            *([] if weighting is None else [weighting]),
            *hooks_of(given.sharing, context),
            *given.hooks,
            *([] if self.averaging is None else [self.averaging]),
        ]
        names = [hook.name or type(hook).__name__ for hook in hooks]
        taken = [n for n, count in Counter((*_KEPT, *names)).items() if count > 1]
        if taken:
            raise InputError(
                "must have names of their own, for their states are kept under them",
                argument="hooks",
                got=f"{quoted(taken[0])} twice",
                remedy="give one of them another `name`",
            )
        return dict(zip(names, hooks, strict=True))

    def _note_moments(self, hooks: list[StepHook]) -> None:
        """Who does what, found once: a step asks nobody who has nothing to do."""
        self._on_batch = overriding(hooks, StepHook.on_batch)
        self._before_forward = overriding(hooks, StepHook.before_forward)
        self._forward_contexts = overriding(hooks, StepHook.forward_context)
        self._after_forward = overriding(hooks, StepHook.after_forward)
        self._weigh = overriding(hooks, StepHook.weigh)
        self._penalties = overriding(hooks, StepHook.penalty)
        weighs = [hook for hook in hooks if overriding([hook], StepHook.weigh)]
        others = [hook for hook in hooks if hook not in weighs]
        self._after_backward_of_weights = overriding(weighs, StepHook.after_backward)
        self._after_backward = overriding(others, StepHook.after_backward)
        self._after_step = overriding(hooks, StepHook.after_step)
        self._needs_all_rows = any(hook.needs_all_rows for hook in hooks)

    def _forward(self, step: Step) -> None:
        asked = None if self._needs_all_rows else step.batch.host_mask
        with ExitStack() as contexts:
            for context in self._forward_contexts:
                contexts.enter_context(context(step))
            contexts.enter_context(self._network.asked_for(asked))
            contexts.enter_context(self._explained(step.batch))
            step.outputs = self.model(step.inputs)
        for act in self._after_forward:
            act(step)

    def _explained(self, batch: Batch) -> AbstractContextManager[None]:
        """What is said where a network cannot run on what a user's own loader gave."""
        own = isinstance(self._context.train, LoaderBatches)
        return told_of_inputs(batch) if own else nullcontext()

    def _labels_per_task(self) -> float:
        here = torch.tensor(float(self._context.train.n_labels()), device=self.loss_sum.device)
        return float(self._total(here)) / len(self._context.losses.tasks)

    def _present(self, batch: Batch | None) -> Sequence[bool] | None:
        """For each task, whether any rank has a label of it: all must do the same.

        None if no rank has a batch left.
        """
        world = self._context.fabric.world_size
        if world == 1:
            return None if batch is None else batch.present
        # Ranks tell in one message whether they have a batch at all: a rank that had ended its epoch
        # by itself would leave the others waiting for its gradients.
        own = (False,) * len(self._context.losses.tasks) if batch is None else batch.present
        here = torch.tensor((batch is not None, *own), dtype=torch.float32)
        n_ranks, *found = self._total(here.to(self.loss_sum.device)).tolist()
        if n_ranks not in (0, world):
            raise InputError(
                "all ranks must have equally many batches in every epoch. One had none left while "
                f"{round(n_ranks)} of {world} had; leave the last ones out (drop_last) or use a "
                "DistributedSampler"
            )
        return [each > 0 for each in found] if n_ranks else None

    def _pairs(self, batch: Batch) -> Tensor | None:
        """Units to compare, found without asking the device; None for all, or if no task does."""
        tasks, groups = self._context.losses.tasks, batch.groups
        if not tasks.compares_rows:
            return None
        if batch.units is not None:
            groups = batch.units.compared(groups, tasks)
        if groups is None:
            return None
        pairs: Tensor = self._context.fabric.to_device(pairs_within(groups))
        return pairs

    def _find_losses(self, step: Step) -> None:
        """This rank's part of each task's loss, and which tasks have one on any rank."""
        losses, batch = self._context.losses, step.batch
        step.pairs = self._pairs(batch)
        if batch.units is not None:
            step.outputs = lines_with_targets(step.outputs, batch.units)
        given = None if batch.weights is None else batch.weights.to(step.outputs.device)
        sums, weights = losses.sums(step.outputs, step.targets, step.label_mask, step.pairs, given)
        world = self._context.fabric.world_size
        if world > 1:
            # Gradients are averaged over ranks, so each contributes its part of the mean over all
            # labels times the number of ranks.
            weights = self._total(weights) / world
        step.losses, step.counted = losses.means(sums, weights), weights > 0
        step.loss = self._mean(step.losses)

    def _mean(self, losses: Tensor) -> Tensor:
        total = self._context.losses.total(losses)
        return total * len(losses) if self._context.settings.sum_over_tasks else total

    def _pass_back(self, step: Step) -> None:
        """The gradients of the weighed losses, and of penalties, which no weighting weighs."""
        backward, loss = self._context.fabric.backward, step.loss
        penalties = [found for ask in self._penalties if (found := ask(step)) is not None]
        if self._weigh:
            losses = step.losses
            for weigh in self._weigh:
                losses = weigh(step, losses)
            backward(self._mean(losses))
            for act in self._after_backward_of_weights:
                act(step)
            for penalty in penalties:
                self._add_gradient(penalty)
        else:
            # Nothing is weighed, so that penalties need no pass of their own.
            for penalty in penalties:
                loss = loss + penalty
            backward(loss)
        for act in self._after_backward:
            act(step)

    def _add_gradient(self, penalty: Tensor) -> None:
        """Of a penalty, the same on every rank."""
        used = [parameter for parameter in self._parameters if parameter.requires_grad]
        found = torch.autograd.grad(penalty, used, allow_unused=True)
        for parameter, gradient in zip(used, found, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def _clip(self, step: Step) -> None:
        longest = self._context.settings.gradient_clip
        norm = torch.nn.utils.get_total_norm(
            [each.grad for each in self._parameters if each.grad is not None]
        )
        # Elsewhere than on a CPU asking costs more than multiplying by one.
        if norm.device.type != "cpu" or not norm <= longest:
            if norm.device.type == "cpu" and not norm.isfinite():
                self._report_divergence(step)
            torch.nn.utils.clip_grads_with_norm_(self._parameters, longest, norm)

    def _report_divergence(self, step: Step) -> None:
        loss = float(step.loss.detach())
        what = "a gradient became infinite or NaN"
        raise DivergedError(what if isfinite(loss) else f"the training loss became {loss}")
