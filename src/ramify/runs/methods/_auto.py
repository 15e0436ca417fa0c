"""An ensemble of what is strong on tables, each judged on rows that it did not learn from."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Final, Self

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ramify._core import InputError, OptionContext, Setting, checked, quoted
from ramify.data import Split
from ramify.ensembles import Ensemble, folds_of, label_columns, select
from ramify.runs.methods._base import Finished, Job, Method
from ramify.runs.methods._ensemble_model import EnsembleModel, KernelMember
from ramify.runs.methods._networks import fit_network
from ramify.runs.methods._portfolio import MANY_ROWS, Fitted, Learned, candidates
from ramify.sharing import DEFAULT
from ramify.tasks import SharingTree, TaskSet
from ramify.training import EpochEnded, Predictions

BRANCHED: Final = "branched"
_FEW_ROWS = 60
_MANY_FOR_ONE_THREAD = 5000
_FOLDS, _FOLDS_OF_FEW = 5, 10
_MEMBERS_TIME = 0.5


@checked
@dataclass(frozen=True)
class Auto(Method):
    """Kernel machines, networks, forests and boosting, mixed by what they know out of fold.

    All learn from the training and the validation rows in the same folds. Greedy selection over
    predictions out of fold decides what counts how much, for each task as far as its labels suffice,
    else for all tasks alike (see `ramify.ensembles.select`). From 20,000 rows on the validation rows
    are the only fold.

    Attributes:
        seconds: No further member is begun after so many.
        tree: Whether a branched network is trained beside it, which shows what the tasks share.

    References:
        Caruana, Niculescu-Mizil, Crew, Ksikes. *Ensemble selection from libraries of models*, ICML 2004.
    """

    name = "auto"
    label = "an ensemble of kernel machines, networks, forests and boosting"
    model = EnsembleModel

    seconds: float = inf
    tree: bool = True

    def __post_init__(self) -> None:
        """Check the number."""
        if not self.seconds > 0:
            raise InputError("must be above 0", argument="seconds", got=f"{self.seconds}")

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """Make one from what was said; beside other strategies there are branched networks enough."""
        return super().from_options(form, {"tree": len(context.beside) < 2, **given}, context)

    @property
    def trains_networks(self) -> bool:
        """Whether a branched network is trained beside it."""
        return self.tree

    def check(self, tasks: TaskSet, smallest: int) -> None:
        """Refuse tasks that compare rows with each other.

        Raises:
            InputError: If there are some.
        """
        if tasks.compares_rows:
            name = next(task.name for task in tasks if task.kind.compares_rows)
            raise InputError(
                f"must be another one where a target is a ranking, such as {quoted(name)}",
                argument="sharing",
                got=quoted(self.name),
                remedy="use fully-adaptive or shared",
            )

    def fit(self, job: Job) -> Finished:
        """Fit every member, and choose their weights.

        Raises:
            InputError: If rows are no rows of a table.
        """
        started, learned = time.monotonic(), _learned(job)
        # Products of few rows take longer with several threads than with one.
        with threadpool_limits(1 if learned.n_rows < _MANY_FOR_ONE_THREAD else None):
            fitted = self._members(job, learned, started)
        judged = learned.fold >= 0
        ensemble = select(
            [each.oof[judged] for each in fitted],
            learned.labels[judged],
            learned.tasks,
            fold=learned.fold[judged],
        )
        model = EnsembleModel.of(
            ensemble, [each.member for each in fitted], learned.inputs.shape[1]
        )
        finished = job.finished(
            model,
            chosen=_weights_told(ensemble, fitted),
            warnings=_told_of_rows(model, learned),
        )
        # The model has learned from the validation rows: what it says of them is no judgement.
        finished = replace(finished, validation=_out_of_fold(ensemble, fitted, finished.validation))
        return _with_tree(finished, job) if self.tree and len(learned.tasks) > 1 else finished

    def _members(self, job: Job, learned: Learned, started: float) -> list[Fitted]:
        found: list[Fitted] = []
        asked, left = candidates(learned), job.seconds_left(_MEMBERS_TIME)
        limit = self.seconds if left is None else min(self.seconds, left)
        for place, (word, fit) in enumerate(asked, 1):
            if found and time.monotonic() - started >= limit:
                break
            begun = time.monotonic()
            found.append(fit(learned))
            if job.watch is not None:
                seconds = max(time.monotonic() - begun, 1e-6)
                job.watch(_told(word, place, len(asked), found[-1], learned, seconds))
        return found


def _with_tree(finished: Finished, job: Job) -> Finished:
    """The same, with what a branched network shows of the tasks, and that network beside it."""
    sharing = DEFAULT(seed=job.options.seed)
    own = replace(job.options, sharing=sharing)
    network = fit_network(replace(job, options=own), sharing)
    return replace(
        finished,
        tree=network.tree,
        affinity=network.affinity,
        path=network.path,
        stability=network.stability,
        regroupings=network.regroupings,
        warnings=[*finished.warnings, *network.warnings],
        beside=[replace(network, name=BRANCHED)],
    )


def _learned(job: Job) -> Learned:
    prepared, seed = job.prepared, job.options.seed
    if len(prepared.inputs.encoder.shape) != 1:
        raise InputError(
            "an ensemble is for tables of features", argument="sharing", got="pictures"
        )
    split, tasks = prepared.split, prepared.tasks
    sides = [job.rows(side) for side in ("train", "validation")]
    targets = np.concatenate([side.labels for side in sides])
    mask = ~np.isnan(targets)
    labels = label_columns(targets, mask, tasks)
    task = mask.argmax(axis=1) if _rows_are_of_one_task(mask, tasks) else None
    return Learned(
        tasks=tasks,
        inputs=np.concatenate([side.inputs for side in sides]),
        labels=labels,
        targets=np.where(mask, targets, 0.0),
        label_mask=mask,
        fold=_folds(labels, split, task, seed),
        task=task,
        seed=seed,
        threads=torch.get_num_threads(),
    )


def _rows_are_of_one_task(mask: np.ndarray, tasks: TaskSet) -> bool:
    one_column_each = len(tasks.task_of_column) == len(tasks) > 1
    return one_column_each and bool((mask.sum(axis=1) == 1).all())


def _folds(labels: np.ndarray, split: Split, task: np.ndarray | None, seed: int) -> np.ndarray:
    if len(labels) > MANY_ROWS:
        return np.repeat([-1, 0], [len(split.train), len(split.validation)])
    units = split.units
    group = None if units is None else units[np.concatenate([split.train, split.validation])]
    n_units = len(labels) if group is None else len(np.unique(group))
    wanted = _FOLDS_OF_FEW if len(labels) < _FEW_ROWS else _FOLDS
    return folds_of(labels, min(wanted, n_units), seed=seed, task=task, group=group)


def _out_of_fold(ensemble: Ensemble, fitted: list[Fitted], finished: Predictions) -> Predictions:
    """What the ensemble says of the validation rows, each member without having learned from them."""
    last = slice(-finished.n_rows, None)
    return replace(finished, values=ensemble.combine([np.nan_to_num(f.oof[last]) for f in fitted]))


def _told(
    word: str, place: int, n_asked: int, fitted: Fitted, learned: Learned, seconds: float
) -> EpochEnded:
    """What a member that is ready knows out of fold, as progress."""
    error = np.nanmean((fitted.oof - learned.labels) ** 2, axis=0)
    usual = np.nanmean((learned.usual - learned.labels) ** 2, axis=0)
    parts = error[usual > 0] / usual[usual > 0]
    return EpochEnded(
        phase=f"member {word}",
        epoch=place,
        n_epochs=n_asked,
        loss=float(parts.mean()) if len(parts) else 0.0,
        validation_score=None,
        rows_per_second=learned.n_rows / seconds,
        tree=SharingTree.shared(learned.tasks.names, 1),
    )


def _weights_told(ensemble: Ensemble, fitted: list[Fitted]) -> dict[str, Setting]:
    means = ensemble.weights.mean(axis=0)
    order = np.argsort(-means, kind="stable")
    return {f"weight of {fitted[m].word}": round(float(means[m]), 3) for m in order if means[m] > 0}


def _told_of_rows(model: EnsembleModel, learned: Learned) -> list[str]:
    if not any(isinstance(member, KernelMember) for member in model.members):
        return []
    return [
        f"the model's file holds the features of the {learned.n_rows:,} rows that its kernel machines "
        "learned from, and whoever has it can read them"
    ]
