"""Training of stacked networks: each leaves a fold out, and one common step is the best for all."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ramify._core import InputError, check_count, checked
from ramify.losses import TaskLosses
from ramify.stacked._averaged_steps import AveragedSteps
from ramify.stacked._networks import StackedMLP
from ramify.tasks import TaskSet

_AT_ONCE = 1024

Watch = Callable[[int, float], None] | None


@checked
@dataclass(frozen=True)
class FoldTraining:
    """How stacked networks are trained.

    The learning rate rises for some steps and then stays; the weights that count are an exponential
    mean over about the last tenth of the steps so far, so that no end need be known.

    Attributes:
        widths: Of the hidden stages.
        dropout: Share of hidden units dropped.
        input_dropout: Share of inputs dropped.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW; weights shrink by its product with the learning rate per step.
        batch_size: Rows per step.
        most_steps: Where training ends at the latest.
        patience: It ends so many steps after the best one, or half as many as that took.
        every: Steps between two looks at the rows left out.
        warm_up: Steps in which the learning rate rises.
        seconds: Where it ends too; infinity for no limit.
    """

    widths: tuple[int, ...] = (128, 128)
    dropout: float = 0.2
    input_dropout: float = 0.0
    learning_rate: float = 2e-3
    weight_decay: float = 1.0
    batch_size: int = 128
    most_steps: int = 1500
    patience: int = 250
    every: int = 50
    warm_up: int = 50
    seconds: float = inf

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("batch_size", "most_steps", "patience", "every", "warm_up"):
            check_count(name, getattr(self, name))


@dataclass(frozen=True, eq=False)
class FoldFit:
    """What was trained.

    Attributes:
        networks: One per fold, with the weights of the best step.
        oof: Probabilities, or values in the target's own unit, of each row by the network that did
            not learn from it ``(row, column)``; NaN for rows that are in no fold.
        step: The best step.
        last: The last step.
        curve: Steps, and the mean loss over tasks of the rows left out.
    """

    networks: StackedMLP
    oof: Float[Tensor, "row column"]
    step: int
    last: int
    curve: list[tuple[int, float]] = field(default_factory=list)


def fit_folds(
    inputs: Float[Tensor, "row input"],
    targets: Float[Tensor, "row task"],
    label_mask: Bool[Tensor, "row task"],
    fold: Int64[Tensor, " row"],
    tasks: TaskSet,
    settings: FoldTraining | None = None,
    *,
    seed: int = 0,
    watch: Watch = None,
) -> FoldFit:
    r"""Train one network per fold, all in one run on the same batches.

    Which rows a network learns from is a part of its label mask, so network *s* minimises

    .. math:: \frac1T \sum_t \frac{\sum_i m_{it} [f_i \ne s]\, \ell_t(x_i)}{\sum_i m_{it} [f_i \ne s]}

    Every few steps each network predicts the fold that it leaves out. The mean loss of all these
    rows, a single number, decides which step is kept for all networks: hundreds of rows choose one
    number, where the stop of a single network rests on its few validation rows.

    Args:
        inputs: Encoded rows.
        targets: Class places or values; anything where there is no label.
        label_mask: True where there is a label.
        fold: Of each row, from 0; −1 for rows that all learn from.
        tasks: The tasks; none that compares rows with each other.
        settings: How to train.
        seed: Of start weights, order and dropout.
        watch: Called with every look's step and loss.

    Raises:
        InputError: If there is no fold, or a task compares rows.
    """
    settings = settings or FoldTraining()
    if len(fold) == 0 or int(fold.max()) < 0 or tasks.compares_rows:
        raise InputError("folds must hold rows, and no task may compare rows with each other")
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        rows = _Rows(inputs, targets, label_mask, fold)
        return _Run(rows, tasks, settings, watch).fit()


class _Rows(NamedTuple):
    inputs: Tensor
    targets: Tensor
    label_mask: Tensor
    fold: Tensor


class _Run:
    def __init__(self, rows: _Rows, tasks: TaskSet, settings: FoldTraining, watch: Watch) -> None:
        inputs, self.targets, self.label_mask, fold = rows
        self.inputs, self.fold = inputs, fold
        self.n_folds = n_folds = int(fold.max()) + 1
        self.settings, self.watch = settings, watch
        self.losses = TaskLosses(tasks)
        start = torch.tensor([value for task in tasks for value in task.kind.start_outputs])
        self.networks = StackedMLP(
            n_folds,
            inputs.shape[1],
            settings.widths,
            len(start),
            dropout=settings.dropout,
            input_dropout=settings.input_dropout,
            start=start,
        )
        self.steps = AveragedSteps(self.networks, settings, len(inputs))
        self.held = [torch.nonzero(fold == f).flatten() for f in range(n_folds)]
        self.members = torch.arange(n_folds)[:, None]

    def fit(self) -> FoldFit:
        settings, started = self.settings, monotonic()
        best, best_step, kept = inf, 0, self.steps.averaged
        curve: list[tuple[int, float]] = []
        order, at, step = torch.randperm(len(self.inputs)), 0, 0
        size = min(settings.batch_size, len(self.inputs))
        while step < settings.most_steps:
            if at + size > len(order):
                order, at = torch.randperm(len(order)), 0
            step += 1
            self._step(order[at : at + size], step)
            at += size
            if step % settings.every and step < settings.most_steps:
                continue
            loss = self._left_out_loss()
            curve.append((step, loss))
            if self.watch is not None:
                self.watch(step, loss)
            if loss < best:
                best, best_step = loss, step
                kept = [each.clone() for each in self.steps.averaged]
            since = step - best_step
            if since >= max(settings.patience, best_step // 2):
                break
            if monotonic() - started > settings.seconds:
                break
        self.steps.put(kept)
        return FoldFit(self.networks.eval(), self._oof(), best_step, step, curve)

    def _step(self, rows: Tensor, step: int) -> None:
        self.steps.prepare(step)
        self.networks.train()
        outputs = self.networks(self.inputs[rows])
        n = self.n_folds
        learned = (self.fold[rows] != self.members)[:, :, None] & self.label_mask[rows]
        per_task = self.losses(
            outputs.flatten(0, 1), self.targets[rows].repeat(n, 1), learned.flatten(0, 1)
        )
        loss = n * self.losses.total(
            per_task
        )  # the networks' gradients do not meet: a sum over them
        self.steps.take(loss, step)

    @torch.no_grad()
    def _left_out_loss(self) -> float:
        with self.steps.mean_weights():
            sums = [self._sums(f, part) for f in range(self.n_folds) for part in self._parts(f)]
        totals, counts = zip(*sums, strict=True)
        count = torch.stack(counts).sum(0)
        means = torch.stack(totals).sum(0) / count
        known = means[count > 0]
        return float(known.mean()) if len(known) else 0.0

    def _sums(self, f: int, rows: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self._of_one(f, rows)
        return self.losses.sums(outputs, self.targets[rows], self.label_mask[rows])

    def _parts(self, f: int) -> tuple[Tensor, ...]:
        return torch.split(self.held[f], _AT_ONCE)

    def _of_one(self, f: int, rows: Tensor) -> Tensor:
        """Outputs of one network alone."""
        networks = self.networks.eval()
        one = {name: each[f : f + 1] for name, each in networks.named_parameters()}
        outputs: Tensor = torch.func.functional_call(networks, one, (self.inputs[rows],))
        return outputs[0]

    @torch.no_grad()
    def _oof(self) -> Tensor:
        found = torch.full((len(self.inputs), self.networks.head.shape[2]), np.nan).double()
        for f in range(self.n_folds):
            for rows in self._parts(f):
                found[rows] = self.losses.predictions(self._of_one(f, rows)).double()
        return found
