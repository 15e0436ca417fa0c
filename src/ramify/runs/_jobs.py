"""The trainings of one run: the network that is wanted, and those it is compared with."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from ramify._core import InputError
from ramify.networks import (
    BackboneSpec,
    BranchedNetwork,
    Cost,
    StageCosts,
    n_parameters,
    network_cost,
    stage_costs,
    stages_of,
)
from ramify.runs._linear_fit import fit_linear
from ramify.runs._linear_sharing import LinearSharing
from ramify.runs._options import Options
from ramify.runs._prepared import Prepared
from ramify.runs._start import starting_backbone
from ramify.sharing import (
    BASELINES,
    Restructuring,
    Sharing,
)
from ramify.tasks import SharingTree, TaskSet
from ramify.training import Epoch, EpochEnded, Fitted, Predictions, Trainer, Watcher

_MOST_PARAMETERS = 40_000_000
_BYTES_PER_WEIGHT = 20  # of float32: the weight, its gradient, two moments, the best one so far


@dataclass(frozen=True, eq=False)
class Finished:
    """One training, over.

    Attributes:
        name: ``tree`` or the baseline's name.
        tree: Its sharing tree.
        cost: Parameters, and operations of one row.
        validation: Predictions on the validation rows.
        test: Predictions on the test rows.
        curve: Its epochs.
        seconds: How long it took.
    """

    name: str
    tree: SharingTree
    cost: Cost
    validation: Predictions
    test: Predictions
    curve: list[Epoch]
    seconds: float


class Jobs:
    """Trains networks on one prepared table with the same backbone, epochs and selection rule.

    Args:
        prepared: The table.
        options: The settings.
        folder: Where states are kept, a folder per training; None to keep none.
        watch: Called after every epoch of every training.
    """

    def __init__(
        self, prepared: Prepared, options: Options, folder: Path | None, watch: Watcher | None
    ) -> None:
        self._prepared, self._options = prepared, options
        self._folder, self._watch = folder, watch
        self._fabric = _fabric(options)
        shape = prepared.inputs.encoder.shape
        _check_memory(options.backbone, shape)
        with torch.random.fork_rng([]):
            torch.manual_seed(options.seed)
            self.backbone: nn.Sequential = starting_backbone(
                options.backbone, shape, options.start_from
            )
        if options.trains_networks:
            _check_batch(self.backbone, min(options.batch_size, len(prepared.split.train)))
        self._n_features = options.backbone.n_features
        self._n_stages = len(stages_of(self.backbone))
        self.costs: StageCosts = stage_costs(
            self.backbone, prepared.tasks, torch.zeros(1, *shape), n_features=self._n_features
        )
        options.sharing.check(prepared.tasks, self._smallest())

    def main(self) -> tuple[Fitted, Finished]:
        """Train with the way of sharing that was asked for."""
        sharing, tasks = self._options.sharing, self._prepared.tasks
        if isinstance(sharing, LinearSharing):
            fitted = fit_linear(sharing, self._prepared, self._options.batch_size)
            return fitted, self._finished("tree", fitted)
        fitted = self._fit("tree", sharing, tasks, None)
        return fitted, self._finished("tree", fitted)

    def baseline(self, name: str, tree: SharingTree) -> Finished | None:
        """Train a baseline.

        Args:
            name: Which.
            tree: The tree that it is to be compared with.

        Returns:
            None where there is nothing to compare: a random tree of a network that shares all.
        """
        options = self._options
        sharing = BASELINES[name].make(tree, options.sharing, options.seed)
        if sharing is None:
            return None
        if not sharing.shares:
            return self._separate(name, sharing)
        return self._finished(name, self._fit(name, sharing, self._prepared.tasks, None))

    def _separate(self, baseline: str, sharing: Sharing) -> Finished:
        """One network per task; so many at a time that they fit into memory."""
        tasks = self._prepared.tasks
        single = SharingTree.separate(tasks.names, self._n_stages)
        cost = self.costs.of(single)
        size = max(1, _MOST_PARAMETERS * len(tasks) // cost.parameters)
        parts = []
        for i, start in enumerate(range(0, len(tasks), size)):
            places = list(range(start, min(start + size, len(tasks))))
            part = TaskSet([tasks[p] for p in places])
            name = baseline if size >= len(tasks) else f"{baseline}-{i:03}"
            fitted = self._fit(name, sharing, part, places)
            parts.append(self._finished(name, fitted, places))
        return Finished(
            baseline,
            single,
            cost,
            _side_by_side([part.validation for part in parts]),
            _side_by_side([part.test for part in parts]),
            _mean_curve([part.curve for part in parts]),
            sum(part.seconds for part in parts),
        )

    def _fit(
        self, name: str, sharing: Sharing, tasks: TaskSet, places: Sequence[int] | None
    ) -> Fitted:
        options, prepared = self._options, self._prepared
        settings = options.training
        if not isinstance(sharing, Restructuring):
            # The same number of epochs in all as the network that grows before its last training.
            growing = self._options.sharing.warm_up_epochs(len(prepared.tasks))
            settings = replace(settings, epochs=settings.epochs + growing)
        trainer = Trainer(
            settings,
            seed=options.seed,
            fabric=self._fabric,
            checkpoint=None if self._folder is None else self._folder / name,
            checkpoint_seconds=options.checkpoint_seconds,
            watch=_named(name, self._watch),
        )
        return trainer.fit(
            sharing,
            self.backbone,
            tasks,
            prepared.batches("train", options.batch_size, options.seed, places),
            prepared.batches("validation", options.batch_size, options.seed, places),
            n_features=self._n_features,
        )

    def _finished(self, name: str, fitted: Fitted, places: Sequence[int] | None = None) -> Finished:
        options, prepared = self._options, self._prepared
        trainer = Trainer(options.training, fabric=self._fabric)

        def predictions(side: str) -> Predictions:
            rows = prepared.batches(side, options.batch_size, options.seed, places)
            return trainer.predict(fitted.network, rows, only_labelled=True)

        cost = Cost(0, 0) if places is not None else self._cost(fitted)
        return Finished(
            name,
            fitted.tree,
            cost,
            predictions("validation"),
            predictions("test"),
            fitted.curve,
            fitted.seconds,
        )

    def _cost(self, fitted: Fitted) -> Cost:
        network = fitted.network
        if isinstance(network, BranchedNetwork) and fitted.tree.n_stages == self._n_stages:
            return self.costs.of(fitted.tree)
        device = next(network.parameters()).device
        shape = self._prepared.inputs.encoder.shape
        return network_cost(network, torch.zeros(1, *shape, device=device))

    def _smallest(self) -> int:
        """Trainable numbers of one network for all tasks."""
        return self.costs.of(
            SharingTree.shared(self._prepared.tasks.names, self._n_stages)
        ).parameters


def _check_memory(backbone: BackboneSpec, shape: Sequence[int]) -> None:
    """Refuse what the system would kill the process for."""
    weights = _n_weights(backbone, shape)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if weights is None or weights * _BYTES_PER_WEIGHT > memory:
        how_many = "more weights than can be counted" if weights is None else f"{weights:,} weights"
        raise InputError(
            f"one network would have {how_many}, which need more than the "
            f"{memory >> 30} GiB of memory that this machine has; use smaller widths"
        )


def _n_weights(backbone: BackboneSpec, shape: Sequence[int]) -> int | None:
    """How many weights a network would have; None if a layer of it has no size any more."""
    try:
        with torch.device("meta"):
            return n_parameters(backbone.build(shape))
    except (RuntimeError, OverflowError):
        return None


def _check_batch(backbone: nn.Module, rows: int) -> None:
    """Refuse steps of one row where layers are standardised over the rows of a step."""
    norms = any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in backbone.modules())
    if norms and rows < 2:
        raise InputError(
            "a network with batch norm needs 2 rows or more per step. Got 1; raise --batch-size to "
            "2 or more and give at least 2 training rows"
        )


def _fabric(options: Options) -> Fabric:
    try:
        return Fabric(accelerator=options.device, devices=1, precision=options.precision)  # type: ignore[arg-type]  # checked by Fabric
    except (ValueError, RuntimeError, TypeError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"--device must be auto, cpu, cuda or another that is present, --precision 32-true or "
            f"bf16-mixed. Got {options.device} and {options.precision}: {reason}"
        ) from None


def _named(name: str, watch: Watcher | None) -> Watcher | None:
    if watch is None or name == "tree":
        return watch

    def told(event: EpochEnded) -> None:
        watch(replace(event, phase=name))

    return told


def _side_by_side(parts: list[Predictions]) -> Predictions:
    return Predictions(
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.targets for part in parts], axis=1),
        np.concatenate([part.label_mask for part in parts], axis=1),
        parts[0].groups,
    )


def _mean_curve(curves: list[list[Epoch]]) -> list[Epoch]:
    return curves[0] if len(curves) == 1 else [each for curve in curves for each in curve]


@contextmanager
def timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    """Add the time that a block takes to a part of a run."""
    started = time.monotonic()
    yield
    seconds[part] = seconds.get(part, 0.0) + time.monotonic() - started
