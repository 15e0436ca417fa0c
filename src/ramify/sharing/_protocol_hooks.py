"""What strategies do while their networks train, as hooks of the steps."""

from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import NamedTuple

from torch import Tensor

from ramify.data import Batch, Units
from ramify.networks import BranchedNetwork, BranchGradients, TaskGradients
from ramify.sharing._protocols import (
    ComparingGradients,
    Coupling,
    HeadGradients,
    Observing,
    ObservingGradients,
    Remembering,
    StepEvidence,
    TakingTurns,
)
from ramify.sharing._step_hooks import HookContext, Step, StepHook

# Many small operations in a row take a fraction of the time that they take one step at a time,
# each after a pass through the network that emptied the processor's caches.
_SEEN_AT_ONCE = 16


def hooks_of(sharing: object, context: HookContext) -> list[StepHook]:
    """What a strategy does in the steps of a training, by the protocols that it keeps to.

    Args:
        sharing: The strategy.
        context: What is trained.
    """
    hooks: list[StepHook] = []
    if isinstance(sharing, TakingTurns):
        hooks.append(_Turns(sharing, len(context.losses.tasks)))
    if isinstance(sharing, Coupling):
        hooks.append(_Coupled(sharing))
    if isinstance(sharing, Remembering):
        hooks.append(_Memory(sharing))
    if not context.learns_structure:
        return hooks
    branched = isinstance(context.network, BranchedNetwork)
    if isinstance(sharing, ComparingGradients) and branched and len(context.network.tasks) > 1:
        hooks.append(_GradientsOfBranches(sharing))
    if isinstance(sharing, Observing):
        of_heads = isinstance(sharing, ObservingGradients) and sharing.needs_gradients and branched
        hooks.append(_GradientsOfHeads(sharing) if of_heads else _Margins(sharing))
    return hooks


class _Turns(StepHook):
    """Hides the labels of tasks whose turn it is not."""

    def __init__(self, sharing: TakingTurns, n_tasks: int) -> None:
        self._sharing, self._n_tasks = sharing, n_tasks

    def on_batch(self, batch: Batch, number: int) -> Batch:
        places = self._sharing.turn(number, self._n_tasks)
        return batch if places is None else batch.only(places)


class _Coupled(StepHook):
    """Adds a penalty, and moves weights after each step."""

    name = "coupling"

    def __init__(self, sharing: Coupling) -> None:
        self._sharing = sharing

    def start(self, context: HookContext) -> None:
        self._context, self._n_labels = context, context.labels_per_task()

    def penalty(self, step: Step) -> Tensor | None:
        whole = self._context.total(step.loss.detach()) / self._context.world_size
        return self._sharing.penalty(self._context.network, self._n_labels, whole)

    def after_step(self, step: Step) -> None:
        self._sharing.after_step(self._context.network, step.learning_rate, self._n_labels)

    def state(self) -> Mapping[str, Tensor]:
        return self._sharing.coupling_tensors()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._sharing.load_coupling_tensors(state)


class _Memory(StepHook):
    """Carries what a strategy has learned through checkpoints, whether it still learns or not."""

    name = "sharing"

    def __init__(self, sharing: Remembering) -> None:
        self._sharing = sharing

    def state(self) -> Mapping[str, Tensor]:
        return self._sharing.state_tensors()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._sharing.load_state_tensors(state)


class _Margins(StepHook):
    """Shows a strategy the error margins of the steps, several steps at once."""

    def __init__(self, sharing: Observing) -> None:
        self._sharing = sharing

    def start(self, context: HookContext) -> None:
        self._losses = context.losses
        self._total = context.total if context.world_size > 1 else None
        self._unseen: list[_Unseen] = []

    def after_step(self, step: Step) -> None:
        found = step.outputs.detach(), step.targets, step.label_mask, step.pairs
        self._unseen.append(_Unseen(*found, step.batch.units))
        if len(self._unseen) == _SEEN_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        for outputs, targets, mask, pairs, units in self._unseen:
            margins, counted = self._losses.margins(outputs, targets, mask, pairs)
            if units is not None:  # evidence of tasks of any unit meets in the rows
                margins, counted = units.by_row(margins, counted)
            self._sharing.observe(StepEvidence(margins, counted, self._total))
        self._unseen.clear()


class _Unseen(NamedTuple):
    """What the margins of a step are made from."""

    outputs: Tensor
    targets: Tensor
    label_mask: Tensor
    pairs: Tensor | None
    units: Units | None


class _GradientsOfHeads(StepHook):
    """Shows a strategy what the heads pass back, read off the outputs' gradient at no extra pass."""

    needs_all_rows = True

    def __init__(self, sharing: Observing) -> None:
        self._sharing = sharing

    def start(self, context: HookContext) -> None:
        assert isinstance(context.network, BranchedNetwork)  # or it is shown margins
        self._network, self._total = context.network, context.total
        self._last: HeadGradients | None = None
        self._unseen: deque[HeadGradients] = deque()

    def after_forward(self, step: Step) -> None:
        read = partial(self._read, step.label_mask)
        step.outputs.register_hook(read)  # type: ignore[no-untyped-call]  # of torch

    def after_step(self, step: Step) -> None:
        # Only now: a weighting may have passed single tasks back before.
        assert self._last is not None  # the backward pass has been there
        self._unseen.append(self._last)
        self._last = None
        if len(self._unseen) == _SEEN_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        for seen in self._unseen:
            self._sharing.observe(seen)
        self._unseen.clear()

    def _read(self, label_mask: Tensor, gradient: Tensor) -> None:
        heads, positions = self._network.heads, self._network.positions
        weights, found = heads.weight.detach(), gradient.detach()
        if positions is not None:  # where features of rows and of positions are the same ones
            found, label_mask = positions.spread(found), positions.spread_mask(label_mask)
        self._last = HeadGradients(
            found.to(weights),
            weights.clone(),  # the optimiser writes over them before the sums are made
            heads.get_buffer("task_of_column"),
            label_mask,
            self._total,
        )


class _GradientsOfBranches(StepHook):
    """Shows a strategy the gradients of the last stages, of each branch or of each task."""

    needs_all_rows = True

    def __init__(self, sharing: ComparingGradients) -> None:
        self._sharing = sharing

    def start(self, context: HookContext) -> None:
        network = context.network
        assert isinstance(network, BranchedNetwork)  # others are not compared
        gradients = TaskGradients if self._sharing.tells_tasks_apart else BranchGradients
        self._gradients = gradients(network, self._sharing.first_compared(network))
        self._context, self._looks = context, False

    def forward_context(self, step: Step) -> AbstractContextManager[None]:
        self._looks = self._sharing.compares_at(step.number)
        return self._gradients.at_forward() if self._looks else nullcontext()

    def after_backward(self, step: Step) -> None:
        if not self._looks:
            return
        rows = self._gradients.rows().detach()
        if self._gradients.is_local:
            rows = self._context.total(rows) / self._context.world_size
        self._sharing.compare(rows)
