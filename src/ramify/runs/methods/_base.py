"""What every method is given and gives: one contract for networks, linear models, forests and your own."""

import os
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

import torch
from torch import nn

from ramify._core import InputError, Setting
from ramify.losses import TaskLosses
from ramify.networks import (
    BackboneSpec,
    StageCosts,
    TaskModel,
    n_parameters,
    stage_costs,
    stages_of,
)
from ramify.records import (
    AffinityInfo,
    AuxiliaryInfo,
    GroupStability,
    PathStep,
    Regrouping,
    Structure,
)
from ramify.runs._options import Options
from ramify.runs._prepared import Prepared, SideRows
from ramify.runs._start import starting_backbone
from ramify.sharing import Affinity, Strategy
from ramify.tasks import SharingTree
from ramify.training import Epoch, Fabric, Predictions, Watcher, one_device, predict
from ramify.weighting import as_weighting

MAIN: Final = "tree"
"""The name of what was asked for, beside those of the baselines."""

_BYTES_PER_WEIGHT: Final = (
    20  # of float32: the weight, its gradient, two moments, the best one so far
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Finished:
    """What a method gives; `Job.finished` makes one.

    Attributes:
        name: `MAIN` for what was asked for, or the baseline's name.
        model: What was fitted; None of several parts that were not kept.
        tree: Its sharing tree.
        parameters: Numbers that it holds; of a forest its nodes.
        flops: Operations of one row; None where that has no meaning.
        validation: Predictions on the validation rows.
        test: Predictions on the test rows.
        seconds: How long it took; of what no optimiser trains, who calls the method adds it.
        curve: Its epochs; none of what is not trained by steps.
        chosen: Settings that it chose by itself on the validation rows.
        auxiliary: The tasks that only helped.
        affinity: How alike it found the tasks to be, by measure.
        path: The best tree for every α, where it learned such a path.
        stability: How reliably each of its groups comes back, where it can tell.
        regroupings: The looks at which tasks were regrouped.
        warnings: What the user should know of what it learned, a sentence each.
        beside: What was trained on the way and is to be compared with.
    """

    name: str = MAIN
    model: TaskModel | None
    tree: SharingTree
    parameters: int
    flops: int | None = None
    validation: Predictions
    test: Predictions
    seconds: float = 0.0
    curve: Sequence[Epoch] = ()
    chosen: Mapping[str, Setting] = field(default_factory=dict)
    auxiliary: Sequence[AuxiliaryInfo] = ()
    affinity: Mapping[str, AffinityInfo] = field(default_factory=dict)
    path: Sequence[PathStep] = ()
    stability: Sequence[GroupStability] = ()
    regroupings: Sequence[Regrouping] = ()
    warnings: Sequence[str] = ()
    beside: "Sequence[Finished]" = ()


@dataclass(frozen=True, eq=False)
class Job:
    """What a method is given: the data, the settings, and what networks on them have in common.

    Attributes:
        prepared: The data.
        options: The settings; what they leave open is chosen for the data.
        folder: Where states are kept, a folder per training; None to keep none.
        watch: Called after every epoch of every training.
        started: When its time began, a time of `time.monotonic`.
        tells_stability: Whether networks are trained again, for a while, to tell how reliably the
            groups of a learned tree come back.
    """

    prepared: Prepared
    options: Options
    folder: Path | None = None
    watch: Watcher | None = None
    started: float = field(default_factory=time.monotonic)
    tells_stability: bool = True

    def __post_init__(self) -> None:
        """Choose what was left open."""
        object.__setattr__(self, "options", self.options.completed(self.prepared.facts))

    @cached_property
    def fabric(self) -> Fabric:
        """Where and how precisely networks are trained."""
        options = self.options
        try:
            return one_device(options.device, options.precision)
        except (ValueError, RuntimeError, TypeError, ImportError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                "`device` must be auto, cpu, cuda or another that is present, `precision` 32-true "
                f"or bf16-mixed. Got {options.device} and {options.precision}: {reason}"
            ) from None

    @cached_property
    def backbone(self) -> nn.Sequential:
        """The stages that all networks start from."""
        _check_memory(self.options.backbone, self.prepared.inputs.encoder.shape)
        backbone = self.backbone_of(self.options.seed)
        _check_batch(backbone, min(self.options.rows_per_step, len(self.prepared.split.train)))
        return backbone

    def backbone_of(self, seed: int) -> nn.Sequential:
        """Stages with other random weights; the same where they start from trained ones.

        Args:
            seed: Of the weights.
        """
        options, shape = self.options, self.prepared.inputs.encoder.shape
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            return starting_backbone(options.backbone, shape, options.start_from)

    @cached_property
    def costs(self) -> StageCosts:
        """What trees of the backbone cost."""
        return stage_costs(
            self.backbone,
            self.prepared.main,
            torch.zeros(1, *self.prepared.inputs.encoder.shape),
            n_features=self.options.backbone.n_features,
        )

    @property
    def n_stages(self) -> int:
        """Stages of the backbone."""
        return len(stages_of(self.backbone))

    def rows(self, side: str) -> SideRows:
        """The rows of a side as arrays, for what no optimiser trains.

        Args:
            side: ``train``, ``validation`` or ``test``.
        """
        return self.prepared.rows(side)

    def finished(
        self,
        model: TaskModel,
        *,
        parameters: int | None = None,
        flops: int | None = None,
        chosen: Mapping[str, Setting] | None = None,
        affinity: Mapping[str, Affinity] | None = None,
        warnings: Sequence[str] = (),
    ) -> Finished:
        """What a method gives that fitted a model, with its predictions of both sides.

        Args:
            model: What was fitted, on the CPU.
            parameters: Numbers that it holds; by default those of all its tensors.
            flops: Operations of one row; None where that has no meaning.
            chosen: Settings that the method chose by itself on the validation rows.
            affinity: How alike it found the tasks to be, by measure.
            warnings: What the user should know.
        """
        model.eval()
        held = sum(each.numel() for each in (*model.parameters(), *model.buffers()))
        return Finished(
            model=model,
            tree=model.tree,
            parameters=held if parameters is None else parameters,
            flops=flops,
            validation=self._predictions(model, "validation"),
            test=self._predictions(model, "test"),
            chosen=chosen or {},
            affinity=affinity_info(model.tasks.names, affinity or {}),
            warnings=warnings,
        )

    def _predictions(self, model: TaskModel, side: str) -> Predictions:
        batches = self.prepared.in_order(side, self.options.rows_per_step)
        return predict(model, TaskLosses(model.tasks), batches, torch.device("cpu"))

    def seconds_left(self, share: float) -> float | None:
        """A share of the time that is left, a moment at least; None where it is not limited."""
        if self.options.time_limit is None:
            return None
        left = self.started + self.options.time_limit - time.monotonic()
        return max(share * left, 1e-3)

    def check(self) -> None:
        """Refuse before the first step what could not be trained.

        Raises:
            InputError: If it could not.
        """
        tasks, smallest = self.prepared.tasks, 0
        if self.options.trains_networks:
            _ = self.fabric
            as_weighting(self.options.training.weighting).check(len(tasks))
            smallest = self.costs.of(
                SharingTree.shared(self.prepared.main.names, self.n_stages)
            ).parameters
        self.options.sharing.check(tasks, smallest)


class Method(Strategy):
    """A strategy that fits its models by itself: linear models, forests, ensembles, your own.

    Whatever else it says of itself is that of a `Strategy`. Networks that an optimiser trains derive from
    `ramify.sharing.Sharing` instead.

    Attributes:
        model: The class of what it gives.
    """

    structure: ClassVar[Structure] = "other"
    trained_by_steps = False
    model: ClassVar[type[TaskModel]]

    @classmethod
    def models(cls) -> tuple[type[TaskModel], ...]:
        """The class of what it gives; a model of several parts adds theirs."""
        return (cls.model,)

    @abstractmethod
    def fit(self, job: Job) -> Finished:
        """Fit to the training rows; the validation rows choose.

        Args:
            job: Data and settings; `Job.rows` has the data as arrays, `Job.finished` makes the
                answer.

        Raises:
            InputError: If the data is not fit for it.
        """


def affinity_info(names: Sequence[str], found: Mapping[str, Affinity]) -> dict[str, AffinityInfo]:
    """Measures of how alike tasks are, for a record; none of a single task.

    Args:
        names: Of the tasks.
        found: The measures.
    """
    if len(names) == 1:
        return {}
    return {
        name: AffinityInfo(
            tasks=list(names),
            matrix=[[None if v != v else round(float(v), 6) for v in row] for row in each.matrix],  # noqa: PLR0124  # NaN is not itself
            description=each.meaning,
            used=each.used,
        )
        for name, each in found.items()
    }


def stages_in_lists(tree: SharingTree) -> list[list[list[str]]]:
    """The stages of a tree, for a record."""
    return [[list(group) for group in stage] for stage in tree.stages]


@contextmanager
def timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    """Add the time that a block takes to a part of a run."""
    started = time.monotonic()
    yield
    seconds[part] = seconds.get(part, 0.0) + time.monotonic() - started


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
            "a network with batch norm needs 2 rows or more per step. Got 1; raise `batch_size` to "
            "2 or more and give at least 2 training rows"
        )
