"""One training step: forward, loss, backward, and what the step shows."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ramify.data import Batch, Batches, pairs_within
from ramify.losses import TaskLosses
from ramify.networks import TaskNetwork
from ramify.sharing import Coupling, HeadGradients, Observing, Sharing, StepEvidence
from ramify.training._balancing import balance_of
from ramify.training._events import StopRequest, Watcher
from ramify.training._gradient_watch import gradient_watch
from ramify.training._head_watch import head_watch
from ramify.training._machines import summed
from ramify.training._settings import Training
from ramify.training._untouched import Untouched
from ramify.weighting import as_weighting

# Many small operations in a row take a fraction of the time that they take one step at a time,
# each after a pass through the network that emptied the processor's caches.
_SEEN_AT_ONCE = 16


@dataclass
class Surroundings:
    """What all segments of one training share beside their networks."""

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


class Stepper:
    """Trains a network a batch at a time.

    Args:
        network: The network; trained in place.
        around: Losses, settings, device and way of sharing.
        observes: Whether the way of sharing is shown the steps.

    Attributes:
        model: The network as the device wants it called.
        optimiser: Its optimiser.
        loss_sum: Sum of the losses since it was last set to zero.
        balance: How tasks are weighed; None for equal weights.
    """

    def __init__(self, network: TaskNetwork, around: Surroundings, *, observes: bool) -> None:
        settings = around.settings
        network.to(around.fabric.device)  # an optimiser may have a state from the start
        self.optimiser = settings.optimiser.build(
            network, settings.learning_rate, settings.weight_decay
        )
        self.model, self._prepared = around.fabric.setup(network, self.optimiser)
        self.loss_sum = torch.zeros((), device=around.fabric.device)
        self._around = around
        self._network = network
        self._observer = around.sharing if isinstance(around.sharing, Observing) else None
        self._coupling = around.sharing if isinstance(around.sharing, Coupling) else None
        self._n_labels = 0.0 if self._coupling is None else self._labels_per_task()
        self._observes = observes
        self._untouched = Untouched(network, self.optimiser)
        self.balance = balance_of(
            as_weighting(settings.weighting),
            network,
            around.losses,
            around.fabric,
            exact=settings.exact_gradients,
            summed_up=settings.sum_over_tasks,
        )
        watched = around.sharing if observes else None
        self._watch = gradient_watch(network, watched, around.fabric)
        self._heads = head_watch(network, around.sharing, self._total) if observes else None
        self._parameters = list(network.parameters())
        self._unseen: list[tuple[Tensor, Tensor, Tensor, Tensor | None]] = []

    def train_on(self, batch: Batch, learning_rate: float, step: int = 0) -> None:
        """Take one step; what serves only tasks without a label in the batch stays as it was.

        Args:
            batch: The rows.
            learning_rate: Step size.
            step: Which it is of the whole training, from 0.
        """
        present = self._present(batch)
        if not any(present):
            return
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate * group["rate"]
        if not all(present):
            self._untouched.save(present)
        inputs, targets, mask = self._around.fabric.to_device(
            (batch.inputs, batch.targets, batch.label_mask)
        )
        outputs = self._outputs(inputs, mask, step, batch.host_mask)
        pairs = self._pairs(batch)
        losses, counted = self._losses(outputs, targets, mask, pairs)
        loss = self._mean(losses)
        self._prepared.zero_grad()
        self._pass_back(loss, losses, counted)
        self._show_gradients()
        self._clip()
        self._prepared.step()
        if not all(present):
            self._untouched.restore()
        if self._coupling is not None:
            self._coupling.after_step(self._network, learning_rate, self._n_labels)
        self.loss_sum += loss.detach()
        if self._observes and self._observer is not None:
            self._note(outputs.detach(), targets, mask, pairs)

    def catch_up(self) -> None:
        """Show the way of sharing the steps that it has not seen yet, in their order."""
        for step in self._unseen:
            if self._observer is not None:
                self._observer.observe(self._evidence(*step))
        self._unseen.clear()

    def _evidence(
        self, outputs: Tensor, targets: Tensor, mask: Tensor, pairs: Tensor | None
    ) -> StepEvidence | HeadGradients:
        if self._heads is not None:
            return self._heads.next()
        margins, counted = self._around.losses.margins(outputs, targets, mask, pairs)
        return StepEvidence(margins, counted, self._total)

    def _note(self, outputs: Tensor, targets: Tensor, mask: Tensor, pairs: Tensor | None) -> None:
        if self._heads is not None:
            self._heads.keep()
        self._unseen.append((outputs, targets, mask, pairs))
        if len(self._unseen) == _SEEN_AT_ONCE:
            self.catch_up()

    def _outputs(self, inputs: Tensor, mask: Tensor, step: int, host_mask: Tensor | None) -> Tensor:
        """The forward pass, prepared for what looks at the backward pass."""
        balance, watch = self.balance, self._watch
        weighs_all = balance is not None and balance.needs_all_rows
        sees_all = watch is not None or self._heads is not None or weighs_all
        with (
            nullcontext() if balance is None else balance.at_forward(),
            nullcontext() if watch is None else watch.at_forward(step),
            self._network.asked_for(None if sees_all else host_mask),
        ):
            outputs: Tensor = self.model(inputs)
        if self._heads is not None:
            self._heads.watch(outputs, mask)
        return outputs

    def _labels_per_task(self) -> float:
        here = torch.tensor(float(self._around.train.n_labels()), device=self.loss_sum.device)
        return float(self._total(here)) / len(self._around.losses.tasks)

    def _present(self, batch: Batch) -> Sequence[bool]:
        """For each task, whether any machine has a label of it: all must do the same."""
        if self._around.fabric.world_size == 1:
            return batch.present
        here = torch.tensor(batch.present, dtype=torch.float32, device=self.loss_sum.device)
        found: list[bool] = (self._total(here) > 0).tolist()
        return found

    def _pairs(self, batch: Batch) -> Tensor | None:
        """Rows to compare, found without asking the device; None for all, or if no task does."""
        if batch.groups is None or not self._around.losses.tasks.compares_rows:
            return None
        pairs: Tensor = self._around.fabric.to_device(pairs_within(batch.groups))
        return pairs

    def _losses(
        self, outputs: Tensor, targets: Tensor, mask: Tensor, pairs: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """This machine's part of each task's loss, and which tasks have one on any machine."""
        losses = self._around.losses
        sums, weights = losses.sums(outputs, targets, mask, pairs)
        world = self._around.fabric.world_size
        if world > 1:
            # Gradients are averaged over machines, so each contributes its part of the mean over
            # all labels times the number of machines.
            weights = self._total(weights) / world
        return losses.means(sums, weights), weights > 0

    def _mean(self, losses: Tensor) -> Tensor:
        total = self._around.losses.total(losses)
        return total * len(losses) if self._around.settings.sum_over_tasks else total

    def _pass_back(self, loss: Tensor, losses: Tensor, counted: Tensor) -> None:
        """The gradients of the weighed losses, and of a penalty, which no weighting weighs."""
        balance = self.balance
        penalty = None
        if self._coupling is not None:
            whole = self._total(loss.detach()) / self._around.fabric.world_size
            penalty = self._coupling.penalty(self._network, self._n_labels, whole)
        if balance is None:
            self._around.fabric.backward(loss if penalty is None else loss + penalty)
            return
        self._around.fabric.backward(self._mean(balance.weighed(losses, counted)))
        balance.after_backward()
        if penalty is not None:
            self._add_gradient(penalty)

    def _add_gradient(self, penalty: Tensor) -> None:
        """Of a penalty, the same on every machine."""
        used = [parameter for parameter in self._parameters if parameter.requires_grad]
        found = torch.autograd.grad(penalty, used, allow_unused=True)
        for parameter, gradient in zip(used, found, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def _show_gradients(self) -> None:
        if self._watch is not None:
            self._watch.after_backward()

    def _clip(self) -> None:
        longest = self._around.settings.gradient_clip
        norm = torch.nn.utils.get_total_norm(
            [each.grad for each in self._parameters if each.grad is not None]
        )
        # Elsewhere than on a CPU asking costs more than multiplying by one.
        if norm.device.type != "cpu" or not norm <= longest:
            torch.nn.utils.clip_grads_with_norm_(self._parameters, longest, norm)

    def _total(self, tensor: Tensor) -> Tensor:
        return summed(self._around.fabric, tensor)
