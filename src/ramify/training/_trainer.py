"""The trainer: a way of sharing, a backbone and data go in, a trained network comes out."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ramify._core import InputError, check_number, checked, listed, quoted
from ramify.data import Batch, Batches, as_batches
from ramify.losses import TaskLosses
from ramify.networks import Backbone, TaskNetwork, n_parameters, stages_of
from ramify.sharing import Sharing, StepHook
from ramify.tasks import Binary, SharingTree, Task, TaskSet
from ramify.training._best import choose_network
from ramify.training._checkpoint import Job, job_of
from ramify.training._distributed import Fabric, one_device, summed
from ramify.training._evaluation import Predictions, predict
from ramify.training._events import Watcher, listening_for_stop
from ramify.training._segment import Epoch, Outcome, Plan, Segment
from ramify.training._settings import Training
from ramify.training._step import TrainingContext

Loader = Batches | Iterable[Any]
_WARM_UP_TIME = 0.25


@dataclass(frozen=True)
class Candidate:
    """One tree that was trained to the end.

    Attributes:
        tree: The tree.
        parameters: Trainable numbers; what serves auxiliary tasks only does not count.
        validation_score: Mean validation skill; None without validation rows.
        chosen: Whether it was kept.
    """

    tree: SharingTree
    parameters: int
    validation_score: float | None
    chosen: bool


@dataclass(frozen=True, eq=False)
class Fitted:
    """What training gives.

    Attributes:
        network: The trained network, in evaluation mode, for the main tasks only.
        sharing: The way of sharing, with what it learned.
        curve: Every epoch of every phase.
        candidates: The trees that were trained to the end, if there were several.
        seconds: How long it took, in this process.
        whole: The network with auxiliary tasks; None if there are none.
        out_of_time: Whether a part of the training ended because the time was up.
    """

    network: TaskNetwork
    sharing: Sharing
    curve: list[Epoch]
    candidates: list[Candidate]
    seconds: float
    whole: TaskNetwork | None = None
    out_of_time: bool = False

    @property
    def trained(self) -> TaskNetwork:
        """The network as it was trained, with auxiliary tasks if there are some."""
        return self.network if self.whole is None else self.whole

    @property
    def tree(self) -> SharingTree:
        """Which tasks share which stages."""
        return self.network.tree


@checked
class Trainer:
    """Trains any way of sharing on any staged backbone, on any device.

    Args:
        settings: Epochs, optimiser and selection rule.
        seed: Random seed; the global generators are left as they were.
        fabric: Where and how precisely to compute; by default one CPU or GPU.
        checkpoint: Folder for the state of the training, made if missing; None to keep none. If
            it holds a state, training goes on from there.
        checkpoint_seconds: Least time between two states written within an epoch's reach.
        seconds: At most so long; None for no limit. The time is shared out: a quarter of it to a
            warm-up, the rest to what follows, in equal parts to networks that are tried one after
            the other. The best weights until then are kept. A training that is resumed has the time
            anew.
        watch: Called after every epoch.
        hooks: Take part in every step, after what the strategy does.

    Example:
        >>> import torch
        >>> from ramify.sharing import HardSharing
        >>> from ramify.tasks import Binary, Task
        >>> tasks = TaskSet([Task("a", Binary()), Task("b", Binary())])
        >>> x = torch.randn(64, 8)
        >>> y = (x[:, :2] > 0).float()
        >>> loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 16)
        >>> backbone = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU())
        >>> fitted = Trainer(Training(epochs=2)).fit(HardSharing(), backbone, tasks, loader)
        >>> fitted.tree.widths
        (1,)
    """

    def __init__(
        self,
        settings: Training | None = None,
        *,
        seed: int = 0,
        fabric: Fabric | None = None,
        checkpoint: Path | None = None,
        checkpoint_seconds: float = 10.0,
        seconds: float | None = None,
        watch: Watcher | None = None,
        hooks: Sequence[StepHook] = (),
    ) -> None:
        if seed < 0:
            raise InputError("must be 0 or more", argument="seed", got=str(seed))
        self.settings = Training() if settings is None else settings
        self.seed = seed
        self.fabric = one_device() if fabric is None else fabric
        self._checkpoint, self._checkpoint_seconds = checkpoint, checkpoint_seconds
        self._seconds = inf if seconds is None else check_number("seconds", seconds, open_end=True)
        self._watch, self._hooks = watch, tuple(hooks)

    def fit(
        self,
        sharing: Sharing,
        backbone: Backbone,
        tasks: TaskSet | Sequence[Task],
        train: Loader,
        validation: Loader | None = None,
        *,
        n_features: int | None = None,
    ) -> Fitted:
        """Train.

        Args:
            sharing: The way of sharing.
            backbone: An ``nn.Sequential`` or a list of modules; copied, never changed.
            tasks: The tasks.
            train: Batches, or a loader of ``(inputs, targets)`` with NaN for a missing label, or
                of ``(inputs, targets, label_mask)``; see `as_batches` for all that it may give.
            validation: The same for the rows that select; without them the last epoch is kept.
            n_features: Width of the backbone's output, where its last layer does not tell.

        Raises:
            StoppedError: If SIGINT or SIGTERM came; the state is saved first.
            InputError: If the data does not fit, or the loss is no longer a number.
        """
        started = time.monotonic()
        if not isinstance(sharing, Sharing):
            raise InputError(
                f"`sharing` must be a way of sharing, such as HardSharing(). Got {quoted(sharing)}"
            )
        if not isinstance(tasks, TaskSet):
            tasks = TaskSet(tasks)
        tasks.check_main()
        batches = _as_batches(train, tasks)
        held_out = None if validation is None else _as_batches(validation, tasks)
        check_lengths(self.fabric, batches)
        data = {"training rows": batches, "validation rows": held_out}
        devices = [self.fabric.device.index or 0] if self.fabric.device.type == "cuda" else []
        with listening_for_stop() as stop, torch.random.fork_rng(devices):
            context = TrainingContext(
                self.fabric,
                self.settings,
                self.seed,
                sharing,
                self._losses(tasks),
                batches,
                held_out,
                stop,
                self._watch,
                self._checkpoint_seconds,
                self._hooks,
                {} if self._checkpoint is None else self._job(sharing, backbone, tasks, data),
                started + self._seconds,
            )
            torch.manual_seed(self.seed)
            network = sharing.build(backbone, tasks, n_features)
            trained = _run_all(network, context, self._checkpoint)
            chosen = trained.network
            answer = chosen.eval().without_auxiliary()
        seconds = time.monotonic() - started
        whole = None if answer is chosen else chosen
        found = (trained.curve, trained.candidates, seconds, whole, trained.out_of_time)
        return Fitted(answer, sharing, *found)

    def predict(
        self,
        network: TaskNetwork,
        rows: Loader,
        *,
        tasks: TaskSet | None = None,
        only_labelled: bool = False,
    ) -> Predictions:
        """What a network says about held-out rows, beside the truth.

        Args:
            network: The network.
            rows: The rows.
            tasks: Those that the rows have labels of, if they are more than the network's.
            only_labelled: Whether only values beside a label are asked for. Others may then be
                anything, and tasks with rows of their own take less time.
        """
        losses = TaskLosses(network.tasks).to(self.fabric.device)
        network.to(self.fabric.device)
        device, of = self.fabric.device, network if only_labelled else None
        batches: Iterable[Batch] = _as_batches(rows, tasks or network.tasks)
        if tasks is not None and tasks.names != network.tasks.names:
            places = _places(network.tasks, tasks)
            batches = (batch.of_tasks(network.tasks, places) for batch in batches)
        return predict(network, losses, batches, device, only_labelled=of)

    def _job(
        self,
        sharing: Sharing,
        backbone: Backbone,
        tasks: TaskSet,
        data: Mapping[str, Batches | None],
    ) -> Job:
        return job_of(self.settings, self.seed, sharing, stages_of(backbone), tasks, data)

    def _losses(self, tasks: TaskSet) -> TaskLosses:
        weights = _positive_weights(tasks) if self.settings.balance else None
        return TaskLosses(tasks, weights).to(self.fabric.device)


class _Trained(NamedTuple):
    network: TaskNetwork
    curve: list[Epoch]
    candidates: list[Candidate]
    out_of_time: bool


def _run_all(network: TaskNetwork, context: TrainingContext, folder: Path | None) -> _Trained:
    """Run segment after segment; where several trees are proposed, each, and choose."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    curve: list[Epoch] = []
    plan = _first_plan(context)
    memory, late = None, False
    while True:
        path = None if folder is None else folder / f"segment-{plan.generation:03}.safetensors"
        segment = Segment(network, plan, context, path, memory)
        outcome = segment.run()
        curve += outcome.curve
        late = late or outcome.out_of_time
        if not outcome.proposals:
            return _Trained(network, curve, [], late)
        if len(outcome.proposals) > 1:
            break
        network = segment.changed(outcome.proposals[0])
        memory = segment.memory()
        plan = _next_plan(plan, context, "training") if memory is None else _rest(plan, outcome)
    found = _try_each(segment, outcome, plan, context, folder, curve)
    return found._replace(out_of_time=late or found.out_of_time)


def _try_each(
    grown: Segment,
    outcome: Outcome,
    plan: Plan,
    context: TrainingContext,
    folder: Path | None,
    curve: list[Epoch],
) -> _Trained:
    networks, predictions, late = [], [], False
    proposals, tasks = outcome.proposals, context.losses.tasks
    for i, proposal in enumerate(proposals, 1):
        phase = f"candidate {i} of {len(proposals)}"
        following = _next_plan(plan, context, phase, 1 / (len(proposals) - i + 1))
        path = None if folder is None else folder / f"candidate-{i:03}.safetensors"
        segment = Segment(grown.changed(proposal), following, context, path)
        ended = segment.run()
        curve, late = curve + ended.curve, late or ended.out_of_time
        networks.append(segment.network)
        if context.validation is not None:
            predictions.append(segment.predictions(context.validation))
    sizes = [n_parameters(each.without_auxiliary()) for each in networks]
    chosen = 0
    scores: list[float | None] = [None] * len(networks)
    if predictions:
        clarity = [each.clarity for each in proposals]
        chosen = choose_network(predictions, sizes, clarity, tasks)
        scores = [_finite_mean(p, tasks) for p in predictions]
    candidates = [
        Candidate(each.tree, size, score, i == chosen)
        for i, (each, size, score) in enumerate(zip(networks, sizes, scores, strict=True))
    ]
    return _Trained(networks[chosen], curve, candidates, late)


def _first_plan(context: TrainingContext) -> Plan:
    length, per_epoch = context.length, len(context.train)
    asked = context.sharing.warm_up_epochs(len(context.losses.tasks))
    growing = (length.warm_up_epochs if asked is None else asked) * per_epoch
    if not growing:
        return Plan("training", 0, length.n_steps, grows=True, ends_at=context.ends_at)
    after = length.n_steps - growing * length.is_shared_out
    if after < 1:
        raise InputError(
            f"a warm-up must leave steps for the training, of which there are {length.n_steps:,}. "
            f"It takes {growing:,}; shorten it, or raise `steps`"
        )
    ends_at = context.ends_after(_WARM_UP_TIME)
    return Plan("growing", 0, growing, grows=True, after=after, ends_at=ends_at)


def _next_plan(plan: Plan, context: TrainingContext, phase: str, share: float = 1.0) -> Plan:
    """A full training after a change of the tree.

    After a first training that only served to learn the structure, the learning rate goes on with
    its course; else it starts over, as in the paper. It may take a share of the time that is left.
    """
    return Plan(
        phase,
        plan.generation + 1,
        plan.after or context.length.n_steps,
        grows=not plan.after,
        before=plan.n_steps if plan.after else 0,
        ends_at=context.ends_after(share),
    )


def _rest(plan: Plan, outcome: Outcome) -> Plan:
    """The steps that a training has left when its tasks are regrouped."""
    return replace(
        plan,
        generation=plan.generation + 1,
        n_steps=plan.n_steps - outcome.n_steps,
        before=plan.before + outcome.n_steps,
        epochs_before=plan.epochs_before + len(outcome.curve),
    )


def _finite_mean(predictions: Predictions, tasks: TaskSet) -> float | None:
    skills = predictions.skills(tasks)
    known = skills[skills == skills]  # noqa: PLR0124  # NaN is not itself
    return float(known.mean()) if len(known) else None


def _as_batches(loader: Loader, tasks: TaskSet) -> Batches:
    batches = loader if isinstance(loader, Batches) else as_batches(loader, tasks)
    if len(batches) == 0:
        raise InputError("a loader must give at least one batch. Got an empty one")
    batches.check(tasks)
    return batches


def check_lengths(fabric: Fabric, batches: Batches) -> None:
    """Refuse ranks whose epochs have different lengths; all of them, at once.

    Args:
        fabric: The ranks.
        batches: This rank's.

    Raises:
        InputError: If they have.
    """
    length = torch.tensor(float(len(batches)), dtype=torch.float64, device=fabric.device)
    total, squares = summed(fabric, torch.stack([length, length.square()])).tolist()
    if fabric.world_size * squares != total * total:
        raise InputError(
            "all ranks must have equally many batches in every epoch. "
            f"Got {len(batches):,} here, and {total / fabric.world_size:g} on average"
        )


def _places(some: TaskSet, every: TaskSet) -> list[int]:
    if missing := [name for name in some.names if name not in every.names]:
        raise InputError(
            f"must hold every task of the network. It lacks {listed(missing)}", argument="tasks"
        )
    return [every.names.index(name) for name in some.names]


def _positive_weights(tasks: TaskSet) -> Tensor:
    """Negatives per positive of each binary task; 1 for the others."""
    rates = [task.kind.rate if isinstance(task.kind, Binary) else 0.5 for task in tasks]
    return torch.tensor([(1 - rate) / rate for rate in rates])
