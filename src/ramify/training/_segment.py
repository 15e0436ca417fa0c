"""Training one network with one optimiser, from its start to its end or to its next shape."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil, inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ramify._core import InputError, StoppedError, quoted
from ramify.data import Batch, Batches
from ramify.networks import BranchedNetwork, TaskNetwork
from ramify.sharing import Coupling, Moment, Proposal, Restructuring
from ramify.tasks import SharingTree
from ramify.training._best import BestWeights
from ramify.training._checkpoint import (
    check_same,
    load_optimiser_tensors,
    load_state,
    optimiser_tensors,
    save_state,
    under_prefix,
    with_prefix,
)
from ramify.training._distributed import summed
from ramify.training._evaluation import Predictions, predict
from ramify.training._events import EpochEnded
from ramify.training._optimisers import Carried, carried
from ramify.training._step import DivergedError, Stepper, TrainingContext


@dataclass(frozen=True)
class Epoch:
    """One point of a training curve."""

    phase: str
    epoch: int
    loss: float
    validation_score: float | None
    widths: list[int]


@dataclass(frozen=True)
class Plan:
    """What a segment is for.

    Attributes:
        phase: Its name, for people.
        generation: How many changes of the tree came before it; seeds its random numbers.
        n_steps: How long it lasts.
        grows: Whether the way of sharing may change the network.
        before: Steps of the same course of the learning rate that went before.
        after: Steps of the same course that are still to come.
        epochs_before: Epochs of the same phase that went before.
        ends_at: When it ends at the latest, a time of `time.monotonic`.
    """

    phase: str
    generation: int
    n_steps: int
    grows: bool
    before: int = 0
    after: int = 0
    epochs_before: int = 0
    ends_at: float = inf


@dataclass(frozen=True)
class Outcome:
    """How a segment ended.

    Attributes:
        proposals: What to go on with; empty if training is over.
        curve: Its epochs.
        n_steps: How many steps it took.
        out_of_time: Whether it ended because the time was up.
    """

    proposals: list[Proposal]
    curve: list[Epoch]
    n_steps: int
    out_of_time: bool = False


class Segment:
    """One network's training; it can be stopped after any step and goes on from its file.

    Args:
        network: The network; trained in place.
        plan: What the training is for.
        context: Data, losses and settings.
        path: File of its state; None to keep none.
        memory: What the training before it remembers, if it goes on with it.
    """

    def __init__(
        self,
        network: TaskNetwork,
        plan: Plan,
        context: TrainingContext,
        path: Path | None,
        memory: Carried | None = None,
    ) -> None:
        self.network, self.plan, self._context, self._path = network, plan, context, path
        seed = _derived(context.seed, plan.generation)
        self._stepper = Stepper(network, context, learns_structure=plan.grows, seed=seed)
        self._seed, self._memory = seed, memory
        sharing = context.sharing
        tied = isinstance(sharing, Coupling) and sharing.ties
        self._best = BestWeights(network, tied=tied)
        self._steps_per_epoch = len(context.train)
        self._steps_per_check = self._steps_per_epoch * context.length.epochs_between_checks
        self._step = self._n_summed = self._n_in_epoch = 0
        self._curve: list[Epoch] = []
        self._proposals: list[Proposal] = []
        self._done = self._is_late = False
        self._epoch_random = torch.get_rng_state()
        self._saved_at = time.monotonic()

    def run(self) -> Outcome:
        """Train to the end, or to the first change of the tree.

        Raises:
            StoppedError: If a stop was requested; the state is saved first.
            InputError: If the loss is no longer a number.
        """
        torch.manual_seed(self._seed)
        if self._memory is not None:
            self._take_over(self._memory)
        if self._path is not None and self._path.exists():
            self._resume(self._path)
        elif self._starts_well:
            self._best.update(self._validation_skills(), 0)
        while not self._done:
            self._run_epoch()
        return Outcome(self._proposals, self._curve, self._step, self._is_late)

    @property
    def _starts_well(self) -> bool:
        """Whether the network is the best one of a warm-up, which what follows has to beat."""
        after_warm_up = self.plan.before > 0 and self._memory is None
        return after_warm_up and self._stepper.averaging is not None

    def memory(self) -> Carried | None:
        """What a training that goes on with the network's regrouped tasks takes along."""
        if not self._goes_on or not isinstance(self.network, BranchedNetwork):
            return None
        states = {name: hook.state() for name, hook in self._stepper.hooks.items()}
        return carried(self.network, self._stepper.optimiser, self._proposals[0], states)

    @property
    def _goes_on(self) -> bool:
        """Whether the same training goes on with the first proposal."""
        return bool(self._proposals) and bool(self._proposals[0].keepers)

    def _take_over(self, memory: Carried) -> None:
        memory.give(self._stepper.optimiser, self.network)
        for name, hook in self._stepper.hooks.items():
            hook.take_over(memory.hooks.get(name, {}))

    @property
    def best(self) -> BestWeights:
        """The best weights so far."""
        return self._best

    def changed(self, proposal: Proposal) -> TaskNetwork:
        """The network that goes on with a proposal."""
        sharing = self._context.sharing
        assert isinstance(sharing, Restructuring)  # nobody else proposes
        return sharing.changed(self.network, proposal)

    def _run_epoch(self) -> None:
        epoch, done_before = divmod(self._step, self._steps_per_epoch)
        batches = self._batches(epoch, done_before)
        started, rows, speed = time.monotonic(), 0, 0.0
        self._stepper.model.train()
        while self._train_on(batch := next(batches, None), epoch):
            rows += 0 if batch is None else batch.n_rows
            speed = rows / max(time.monotonic() - started, 1e-9)
            if self._changes(self._step - 1, epoch + 1):
                self._end_early(epoch + 1, speed)
                return
            if self._step % self._steps_per_epoch:  # the last one is seen to below
                if self._step >= self.plan.n_steps or self._is_late:
                    break
                self._stops()
        else:
            before = self._step
            self._skip_rest(epoch)
            if before < self._step and self._changes(before, epoch + 1):
                self._end_early(epoch + 1, speed)
                return
        # A state from before the end of an epoch would go on without it.
        self._end_epoch(epoch + 1, speed)
        self._stops()

    def _batches(self, epoch: int, done_before: int) -> Iterator[Batch]:
        """The batches of an epoch that are still to come, in the order that they would have had."""
        if done_before == 0:
            self._epoch_random = torch.get_rng_state()
        if self._step % self._steps_per_check == 0:
            self._stepper.loss_sum.zero_()
            self._n_summed = 0
        self._n_in_epoch = done_before
        now = torch.get_rng_state()
        torch.set_rng_state(self._epoch_random)  # a loader draws its order from here
        # Networks that follow each other see the rows in orders of their own.
        self._context.train.set_epoch(self.plan.generation * 100_000 + epoch)
        batches = iter(self._context.train)
        for _ in range(done_before):
            next(batches)
        if done_before:
            torch.set_rng_state(now)
        return batches

    def _train_on(self, batch: Batch | None, epoch: int) -> bool:
        """Take a step; False if there is no batch left."""
        if batch is not None and self._n_in_epoch == self._steps_per_epoch:
            raise InputError(
                "a loader must give at most as many batches as its length says, "
                f"{self._steps_per_epoch:,}. Got more; give it the right __len__"
            )
        try:
            if not self._stepper.train_on(batch, self._rate(), self.plan.before + self._step):
                return False
        except DivergedError as error:
            raise self._diverged(str(error), epoch + 1) from None
        self._step += 1
        self._is_late = self._time_is_up()
        self._n_summed += 1
        self._n_in_epoch += 1
        return True

    def _skip_rest(self, epoch: int) -> None:
        """A loader's length may be an upper bound: what an epoch lacks of it counts as done.

        So the learning rate falls in time, and a tree is proposed at the end of the epoch that it is
        due in.
        """
        if self._n_in_epoch == 0:
            raise InputError(
                "a loader must give at least one batch in every epoch. "
                f"Got none, and a length of {self._steps_per_epoch:,}"
            )
        self._step = (epoch + 1) * self._steps_per_epoch

    def _diverged(self, what: str, epoch: int) -> InputError:
        kept = ""
        if self._path is not None and self._path.exists():
            kept = f"; its last good state is kept in {quoted(self._path.parent)}"
        return InputError(
            f"{what} in epoch {epoch} of {quoted(self.plan.phase)}; use a smaller learning rate, and "
            f"look for NaN among the inputs{kept}"
        )

    def _rate(self) -> float:
        plan, settings = self.plan, self._context.settings
        # A warm-up and what follows are one course, which falls only once.
        n_steps = plan.before + plan.n_steps + plan.after
        return settings.rate * settings.course.rate_at(plan.before + self._step, n_steps)

    def _changes(self, before: int, epoch: int) -> bool:
        """Whether a tree was proposed, if it was time since a step for that."""
        sharing, network = self._context.sharing, self.network
        if not (self.plan.grows and isinstance(sharing, Restructuring)):
            return False
        if not isinstance(network, BranchedNetwork):  # it has its last form
            return False
        interval = sharing.steps_between(self._steps_per_check)
        if self.plan.after:
            is_time = self._step >= self.plan.n_steps or self._is_late
        else:
            is_time = self._step // interval != before // interval
        if not is_time:
            return False
        self._flush()
        self._proposals = list(sharing.proposals(network, self._moment(epoch)))
        return bool(self._proposals)

    def _moment(self, epoch: int) -> Moment:
        plan = self.plan
        n_steps = plan.before + plan.n_steps + plan.after
        return Moment(plan.before + self._step, plan.epochs_before + epoch, n_steps)

    def _stops(self) -> None:
        stop = self._context.stop
        if not stop:
            return
        self._save()
        kept = "nothing was saved" if self._path is None else "its state was saved; use `resume`"
        raise StoppedError(f"training was stopped: {kept}", stop.signal_number)

    def _end_early(self, epoch: int, rows_per_second: float) -> None:
        """Within an epoch, because the tree changes."""
        self._note_epoch(epoch, rows_per_second, is_over=True)
        self._finish()

    def _end_epoch(self, epoch: int, rows_per_second: float) -> None:
        is_over = self._step >= self.plan.n_steps or self._is_late
        if is_over or self._step % self._steps_per_check == 0:
            for hook in self._stepper.hooks.values():
                hook.after_epoch()
            is_over = self._note_epoch(epoch, rows_per_second, is_over=is_over)
        if is_over:
            self._finish()
        elif time.monotonic() - self._saved_at >= self._context.checkpoint_seconds:
            self._save()

    def _note_epoch(self, epoch: int, rows_per_second: float, *, is_over: bool) -> bool:
        """Score the network, keep it if it is the best, and tell.

        Returns:
            Whether the training is over, or no better score came for long enough.
        """
        fabric = self._context.fabric
        loss = float(summed(fabric, self._stepper.loss_sum)) / (fabric.world_size * self._n_summed)
        if not isfinite(loss):
            raise self._diverged(f"the training loss became {loss}", epoch)
        if not self._stepper.is_sound():  # the last step has no loss after it
            raise self._diverged("weights became infinite or NaN", epoch)
        averaging = self._stepper.averaging
        with nullcontext() if averaging is None else averaging.in_place():
            skills = self._validation_skills()
            self._best.update(skills, epoch)
        known = skills[~np.isnan(skills)]
        score = float(known.mean()) if len(known) else None
        widths = list(self.network.tree.widths)
        n_epochs = ceil(self.plan.n_steps / self._steps_per_epoch)
        ends_at = int(min(n_epochs, self._epoch_of_giving_up()))
        is_over = is_over or epoch >= ends_at
        before = self.plan.epochs_before
        epoch += before
        self._curve.append(Epoch(self.plan.phase, epoch, loss, score, widths))
        if self._context.watch is not None:
            event = EpochEnded(
                self.plan.phase,
                epoch,
                before + n_epochs,
                loss,
                score,
                rows_per_second,
                self.network.tree,
                None if ends_at == n_epochs else before + ends_at,
                is_over,
            )
            self._context.watch(event)
        return is_over

    def _validation_skills(self) -> np.ndarray:
        validation = self._context.validation
        if validation is None:
            return np.full(len(self.network.tasks), np.nan)
        return self.predictions(validation).skills(self.network.tasks)

    def predictions(self, batches: Batches) -> Predictions:
        """What the network as it stands says about held-out rows, where they have labels."""
        return predict(
            self._stepper.model,
            self._context.losses,
            batches,
            self._context.fabric.device,
            only_labelled=self.network,
        )

    def _epoch_of_giving_up(self) -> float:
        """When too long no better score will have come; a warm-up lasts as long as it should."""
        # Tasks without validation labels have no best epoch and no say.
        scored = self._best.epochs[np.isfinite(self._best.scores)]
        if self.plan.after or not len(scored):
            return inf
        best = int(scored.max()) * self._steps_per_epoch
        wait = self._context.settings.longest_wait(self.plan.before + best, self._steps_per_check)
        if wait == inf:
            return inf
        # Nothing is noticed between two scorings.
        checks = ceil((best + wait) / self._steps_per_check)
        return checks * self._steps_per_check // self._steps_per_epoch

    def _time_is_up(self) -> bool:
        """Whether it is on any rank: all must do the same."""
        if self.plan.ends_at == inf:
            return False
        late = torch.tensor(float(time.monotonic() >= self.plan.ends_at))
        return bool(summed(self._context.fabric, late.to(self._context.fabric.device)) > 0)

    def _finish(self) -> None:
        self._done = True
        averaging = self._stepper.averaging
        # A warm-up of averaged weights ends like a training: the rate does not fall, so its last
        # weights are no better a start than its best ones.
        if not self._proposals or (self.plan.after and averaging is not None):
            if self._context.settings.keep_best:
                self._best.load_into_network()
            elif averaging is not None:
                averaging.load()
        self._save()

    def _flush(self) -> None:
        for hook in self._stepper.hooks.values():
            hook.flush()

    def _save(self) -> None:
        self._flush()
        self._saved_at = time.monotonic()
        if self._path is None or not self._context.fabric.is_global_zero:
            return
        tensors = {"loss_sum": self._stepper.loss_sum}
        for part in self._parts():
            if part.is_kept:
                tensors |= with_prefix(part.name, part.state())
        save_state(self._path, tensors, self._numbers())

    def _parts(self) -> list["_Part"]:
        """All that a state holds: what is saved is what is loaded."""
        optimiser, best = self._stepper.optimiser, self._best
        steps = partial(optimiser_tensors, optimiser)
        load_steps = partial(load_optimiser_tensors, optimiser)
        goes_on = not self._done or self._goes_on
        return [
            _Part("random", self._random_states, self._load_random_states),
            _Part("network", self.network.state_dict, self.network.load_state_dict),
            _Part("best", best.weights, best.load_weights, is_kept=not self._done),
            _Part("optimiser", steps, load_steps, is_kept=goes_on),
            *(_Part(n, hook.state, hook.load_state) for n, hook in self._stepper.hooks.items()),
        ]

    def _numbers(self) -> dict[str, Any]:
        return {
            "step": self._step,
            "n_summed": self._n_summed,
            "done": self._done,
            "late": self._is_late,
            "phase": self.plan.phase,
            "proposals": [_as_json(each) for each in self._proposals],
            "curve": [asdict(epoch) for epoch in self._curve],
            "best": self._best.numbers(),
            "job": self._context.job,
        }

    def _random_states(self) -> dict[str, Tensor]:
        return {"epoch": self._epoch_random, "now": torch.get_rng_state()}

    def _load_random_states(self, state: Mapping[str, Tensor]) -> None:
        self._epoch_random = state["epoch"]
        torch.set_rng_state(state["now"])

    def _resume(self, path: Path) -> None:
        tensors, numbers = load_state(path)
        check_same(self._context.job, numbers.get("job", {}))
        self._done = numbers["done"]
        self._is_late = self._done and numbers.get("late", False)
        self._step = numbers["step"]
        self._n_summed = numbers.get("n_summed", self._step % self._steps_per_epoch)
        self._proposals = [_from_json(each) for each in numbers["proposals"]]
        self._curve = [Epoch(**epoch) for epoch in numbers["curve"]]
        self._best.load_numbers(numbers["best"])
        self._stepper.loss_sum.copy_(tensors["loss_sum"])
        for part in self._parts():
            if part.is_kept and (state := under_prefix(part.name, tensors)):
                part.load(state)


@dataclass(frozen=True)
class _Part:
    """A part of a training's state.

    Attributes:
        name: What the names of its tensors start with.
        state: Gives the tensors.
        load: Takes them over.
        is_kept: Whether anybody will ask for it again.
    """

    name: str
    state: Callable[[], Mapping[str, Tensor]]
    load: Callable[[Mapping[str, Tensor]], object]
    is_kept: bool = True


def _as_json(proposal: Proposal) -> dict[str, Any]:
    return {**vars(proposal), "tree": proposal.tree.to_json()}


def _from_json(values: dict[str, Any]) -> Proposal:
    tree = SharingTree.from_json(values["tree"])
    return Proposal(**{**values, "tree": tree, "keepers": tuple(values["keepers"])})


def _derived(seed: int, generation: int) -> int:
    words: Sequence[int] = np.random.SeedSequence([seed, generation]).generate_state(1).tolist()
    return words[0]
