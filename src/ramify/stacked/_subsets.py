"""Networks of one shape on different subsets of the tasks, trained side by side and graded alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from time import monotonic
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ramify._core import InputError
from ramify.losses import TaskLosses
from ramify.stacked._averaged_steps import AveragedSteps
from ramify.stacked._networks import StackedMLP
from ramify.stacked._training import FoldTraining
from ramify.tasks import TaskSet

Subset = tuple[int, ...]
SubsetWatch = Callable[[int, int], None] | None
_MOST_NUMBERS = 2**23  # weights of a chunk, which are held six times
_AT_ONCE = 256
_MOST_LOOKED_AT = 2048
_LEAST_GAIN = 1e-3
_TIMED_STEPS = 12


class SubsetRows(NamedTuple):
    """Rows, and which of them serve for what.

    Attributes:
        inputs: Encoded rows ``(row, input)``.
        targets: Class places or values; anything where there is no label ``(row, task)``.
        label_mask: True where there is a label ``(row, task)``.
        train: Numbers of the rows that are learned from.
        validation: Numbers of the rows that say which step is kept.
    """

    inputs: Float[Tensor, "row input"]
    targets: Float[Tensor, "row task"]
    label_mask: Bool[Tensor, "row task"]
    train: Int64[Tensor, " row"]
    validation: Int64[Tensor, " row"]


@dataclass(frozen=True, eq=False)
class SubsetLosses:
    """What networks on subsets of the tasks lose on some sets of rows.

    Attributes:
        subsets: Places of the tasks of each network.
        losses: Mean loss of each task ``(seed, subset, task, set)``; NaN where the network does not
            have the task or the set no label.
        start: Of the labels' base rates, for comparison ``(task, set)``.
        counts: Number of labels ``(task, set)``.
    """

    subsets: tuple[Subset, ...]
    losses: Float[np.ndarray, "seed subset task set"]
    start: Float[np.ndarray, "task set"]
    counts: Float[np.ndarray, "task set"]


def fit_subsets(
    rows: SubsetRows,
    tasks: TaskSet,
    subsets: Sequence[Subset],
    judged: Sequence[Int64[Tensor, " row"]],
    settings: FoldTraining,
    *,
    seeds: Sequence[int] = (0,),
    watch: SubsetWatch = None,
) -> SubsetLosses:
    r"""Train one network per subset of the tasks, and say what each loses per task.

    Network *s* minimises :math:`\sum_{t \in s} w_t \ell_t / \sum_{t \in s} w_t` on the rows that have a
    label. Networks of one seed start from the same weights and see the same batches, so that they
    differ by their tasks only. Each keeps the weights of the step that was best for its own tasks.

    As many networks as memory allows are one stacked training; networks of few tasks are put
    together, for the last layer is as wide as the most that one of them needs.

    Args:
        rows: What is learned from, and what says when to stop.
        tasks: All tasks; none that compares rows with each other.
        subsets: Places of the tasks of each network.
        judged: Sets of rows whose losses are wanted.
        settings: How to train; where ``seconds`` would not suffice for ``most_steps`` of all, all
            take fewer steps, and all as many.
        seeds: Of start weights, order and dropout; each trains all subsets.
        watch: Called with steps done and steps expected.

    Raises:
        InputError: If there is no row to learn from or to stop by, or a task compares rows.
    """
    if tasks.compares_rows:
        raise InputError(
            "subsets of tasks cannot be trained side by side where rankings are learned"
        )
    if not len(rows.train) or not len(rows.validation):
        raise InputError("there must be training rows and validation rows")
    chunks = list(_chunks(tasks, subsets, rows.inputs.shape[1], settings.widths))
    jobs = [(r, chunk) for r in range(len(seeds)) for chunk in chunks]

    def made(r: int, chunk: list[int]) -> SubsetRun:
        return SubsetRun(rows, tasks, [subsets[i] for i in chunk], settings, seeds[r])

    found = np.full((len(seeds), len(subsets), len(tasks), len(judged)), np.nan)
    with torch.random.fork_rng([]):
        if settings.seconds < inf:
            settings = _affordable(made(*jobs[0]), settings, len(jobs))
        for done, (r, chunk) in enumerate(jobs):
            run = made(r, chunk)
            run.fit(_counted(watch, done, len(jobs), settings.most_steps))
            found[r, chunk] = run.mean_losses(judged)
    return SubsetLosses(tuple(map(tuple, subsets)), found, *_base_rates(rows, tasks, judged))


def shared_margins(
    rows: SubsetRows,
    tasks: TaskSet,
    at: Int64[Tensor, " row"],
    settings: FoldTraining,
    *,
    seeds: Sequence[int] = (0,),
) -> Float[Tensor, "row task"]:
    """Error margins of one network for all tasks, as the mean over its trainings.

    Args:
        rows: As for `fit_subsets`.
        tasks: All tasks.
        at: Rows whose margins are wanted.
        settings: As for `fit_subsets`.
        seeds: As for `fit_subsets`.
    """
    everything = tuple(range(len(tasks)))
    found = torch.zeros(len(at), len(tasks))
    with torch.random.fork_rng([]):
        for seed in seeds:
            run = SubsetRun(rows, tasks, [everything], settings, seed)
            run.fit(None)
            found += run.margins(at) / len(seeds)
    return found


def _counted(
    watch: SubsetWatch, done: int, n_runs: int, n_steps: int
) -> Callable[[int], None] | None:
    if watch is None:
        return None
    return lambda step: watch(done * n_steps + step, n_runs * n_steps)


def _chunks(
    tasks: TaskSet, subsets: Sequence[Subset], n_inputs: int, widths: Sequence[int]
) -> Iterator[list[int]]:
    """Networks that are trained together, those with like numbers of outputs next to each other."""
    outputs = [sum(tasks[t].kind.n_outputs for t in subset) for subset in subsets]
    order = sorted(range(len(subsets)), key=outputs.__getitem__)
    chunk: list[int] = []
    for i in order:
        numbers = StackedMLP.numbers(len(chunk) + 1, n_inputs, outputs[i], widths)
        if chunk and numbers > _MOST_NUMBERS:
            yield chunk
            chunk = []
        chunk.append(i)
    yield chunk


def _affordable(run: "SubsetRun", settings: FoldTraining, n_runs: int) -> FoldTraining:
    """Settings of so many steps that all trainings end in time."""
    if settings.seconds == inf:
        return settings
    started = monotonic()
    run.fit_steps(_TIMED_STEPS)
    each = (monotonic() - started) / _TIMED_STEPS
    steps = int(settings.seconds / (n_runs * each))
    return replace(settings, most_steps=max(1, min(settings.most_steps, steps)))


class SubsetRun:
    """Networks of one seed that are trained together."""

    def __init__(
        self,
        rows: SubsetRows,
        tasks: TaskSet,
        subsets: Sequence[Subset],
        settings: FoldTraining,
        seed: int,
    ) -> None:
        self.rows, self.settings, self.seed = rows, settings, seed
        self.n, self.n_tasks = len(subsets), len(tasks)
        pairs = [(s, t) for s, subset in enumerate(subsets) for t in subset]
        owner, task = (torch.tensor(each) for each in zip(*pairs, strict=True))
        self.owner, self.task = owner, task
        # Each task of each network is a task of its own, so that every kind has its usual loss.
        self.losses = TaskLosses(TaskSet([replace(tasks[t], name=f"{s} {t}") for s, t in pairs]))
        weights = torch.tensor([tasks[t].weight for _, t in pairs])
        whole = torch.zeros(self.n).index_add(0, owner, weights)[owner]
        self.shares = weights / torch.where(whole > 0, whole, 1.0)
        self.networks, self.columns = _networks(
            tasks, subsets, rows.inputs.shape[1], settings, seed
        )
        self.steps = AveragedSteps(self.networks, settings, len(rows.train))
        looked_at = np.random.default_rng(0).permutation(len(rows.validation))[:_MOST_LOOKED_AT]
        self.looked_at = rows.validation[torch.from_numpy(np.sort(looked_at))]

    def fit(self, watch: Callable[[int], None] | None) -> None:
        """Train until no more is gained, and keep for each network what was best for it."""
        settings = self.settings
        best, kept = torch.full((self.n,), inf), [e.clone() for e in self.steps.averaged]
        judged, judged_at = inf, 0
        for step in self.taken(settings.most_steps):
            if step % settings.every and step < settings.most_steps:
                continue
            found = self._look()
            better = found < best
            best = torch.where(better, found, best)
            for each, mean in zip(kept, self.steps.averaged, strict=True):
                each[better] = mean[better]
            if watch is not None:
                watch(step)
            now = float(best.mean())
            if now < judged - _LEAST_GAIN * abs(judged) or judged == inf:
                judged, judged_at = now, step
            if step - judged_at >= max(settings.patience, judged_at // 2):
                break
        self.steps.put(kept)

    def fit_steps(self, n_steps: int) -> None:
        """So many steps and a look, to see how long they take."""
        for _ in self.taken(n_steps):
            pass
        self._look()

    def taken(self, n_steps: int) -> Iterator[int]:
        """Take steps; the number of each after it was taken."""
        train, size = self.rows.train, min(self.settings.batch_size, len(self.rows.train))
        torch.manual_seed(self.seed)
        order, at = train[torch.randperm(len(train))], 0
        for step in range(1, n_steps + 1):
            if at + size > len(order):
                order, at = train[torch.randperm(len(train))], 0
            self._step(order[at : at + size], step)
            at += size
            yield step

    def _step(self, rows: Tensor, step: int) -> None:
        self.steps.prepare(step)
        self.networks.train()
        totals, counts = self._sums(rows)
        # The networks' gradients do not meet: a sum over them trains each.
        self.steps.take(self.losses.means(totals, counts).dot(self.shares), step)

    def _sums(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.networks(self.rows.inputs[rows])
        flat = outputs.transpose(0, 1).flatten(1)
        if self.columns is not None:
            flat = flat.index_select(1, self.columns)
        targets = self.rows.targets[rows].index_select(1, self.task)
        return self.losses.sums(
            flat, targets, self.rows.label_mask[rows].index_select(1, self.task)
        )

    @torch.no_grad()
    def margins(self, rows: Tensor) -> Float[Tensor, "row task"]:
        """Error margins of the only network."""
        networks, parts = self.networks.eval(), []
        for part in torch.split(rows, _AT_ONCE):
            outputs, mask = networks(self.rows.inputs[part])[0], self.rows.label_mask[part]
            parts.append(self.losses.margins(outputs, self.rows.targets[part], mask)[0].float())
        return torch.cat(parts)

    @torch.no_grad()
    def _total_sums(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        self.networks.eval()
        n = len(self.task)
        totals, counts = torch.zeros(n, dtype=torch.double), torch.zeros(n, dtype=torch.double)
        for part in torch.split(rows, _AT_ONCE):
            total, count = self._sums(part)
            totals += total
            counts += count
        return totals, counts

    def _look(self) -> Tensor:
        """Mean loss of the tasks of each network on validation rows."""
        with self.steps.mean_weights():
            totals, counts = self._total_sums(self.looked_at)
        per_task = self.losses.means(totals, counts).float() * self.shares
        return torch.zeros(self.n).index_add(0, self.owner, per_task)

    def mean_losses(self, judged: Sequence[Tensor]) -> Float[np.ndarray, "subset task set"]:
        """Mean loss of each task of each network on sets of rows."""
        found = np.full((self.n, self.n_tasks, len(judged)), np.nan)
        for k, rows in enumerate(judged):
            totals, counts = self._total_sums(rows)
            mean = torch.where(counts > 0, totals / counts, torch.nan)
            found[self.owner.numpy(), self.task.numpy(), k] = mean.numpy()
        return found


def _networks(
    tasks: TaskSet, subsets: Sequence[Subset], n_inputs: int, settings: FoldTraining, seed: int
) -> tuple[StackedMLP, Tensor | None]:
    """The networks, and where the outputs of their tasks lie among all of their outputs."""
    starts = [[v for t in subset for v in tasks[t].kind.start_outputs] for subset in subsets]
    width = max(map(len, starts))
    torch.manual_seed(seed)
    networks = StackedMLP(
        1,
        n_inputs,
        settings.widths,
        width,
        dropout=settings.dropout,
        input_dropout=settings.input_dropout,
    )
    for parameter in networks.parameters():
        parameter.data = parameter.data.expand(len(subsets), *parameter.shape[1:]).clone()
    places = torch.zeros(len(subsets), width, dtype=torch.bool)
    for s, start in enumerate(starts):
        places[s, : len(start)] = True
        networks.level.data[s, 0, : len(start)] = torch.tensor(start)
    return networks, None if bool(places.all()) else places.flatten().nonzero().flatten()


def _base_rates(
    rows: SubsetRows, tasks: TaskSet, judged: Sequence[Tensor]
) -> tuple[Float[np.ndarray, "task set"], Float[np.ndarray, "task set"]]:
    """Losses of the labels' base rates, and how many labels there are."""
    losses = TaskLosses(tasks)
    level = torch.tensor([v for task in tasks for v in task.kind.start_outputs])
    means, counts = [], []
    for chosen in judged:
        outputs = level.expand(len(chosen), -1)
        total, count = losses.sums(outputs, rows.targets[chosen], rows.label_mask[chosen])
        means.append(torch.where(count > 0, total / count, torch.nan).double().numpy())
        counts.append(count.double().numpy())
    return np.stack(means, 1), np.stack(counts, 1)
