"""Fully-adaptive feature sharing: a thin network that widens where tasks differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import (
    InputError,
    Option,
    OptionContext,
    check_count,
    check_number,
    checked,
    quoted,
)
from ramify.grouping import (
    UNIT_COST,
    SharingPath,
    SharingStep,
    StageCost,
    choose_grouping,
    clarity,
    group_stability,
    has_evidence,
    sharing_path,
    unknown_pairs,
)
from ramify.networks import (
    VGG16_CONV_WIDTHS,
    VGG16_DENSE_WIDTH,
    Backbone,
    BackboneSpec,
    BranchedNetwork,
    VGGSpec,
    stages_of,
)
from ramify.sharing._protocols import (
    HeadGradients,
    Moment,
    ObservingGradients,
    Proposal,
    Restructuring,
    StepEvidence,
)
from ramify.sharing._strategy import Affinity, Recipe, Sharing
from ramify.sharing.fully_adaptive._affinity_readings import (
    DEFAULT_AFFINITY,
    MEANINGS,
    OF_GRADIENTS,
    READINGS,
    Reading,
    affinity_named,
)
from ramify.sharing.fully_adaptive._widening_costs import widening_costs, width_caps
from ramify.sharing.strategies import GROWING
from ramify.tasks import Partition, SharingTree, TaskSet

_ITERATIONS: Final = 60_000
_THIN: Final = 32
_BATCH_SIZE: Final = 32
_EPOCHS: Final = 4


@checked
@dataclass(kw_only=True, eq=False)
class FullyAdaptive(Sharing, ObservingGradients, Restructuring):
    """Learns the tree while the network trains, from samples that are hard for tasks together.

    Training starts with one shared network. Each step updates the affinity of the tasks (see
    `ErrorMarginAffinity`, and `FeatureGradientAffinity` for ``affinity="gradient-…"``), at no extra
    pass. Then there are two ways to the tree:

    * With ``alpha``, the paper's: every ``interval`` steps the active stage, first the last one,
      is divided into the groups that `choose_grouping` finds cheapest, each starting as a copy, and
      the stage below becomes active; the optimiser starts over. When a stage stays whole, widening
      ends, or is tried again every ``interval`` steps if ``retry_after_no_split``. The final
      structure gets a full training.
    * Without ``alpha``, ours: after ``growing_epochs`` the affinity gives the trees for all α at
      once (`SharingPath`). With ``max_parameters`` the most divided tree within that budget is
      trained to the end. Without, the shared network and the trees whose groups the affinity
      shows most clearly are each trained to the end. If the shared network is within one standard
      error of the best validation score, it is kept: dividing does not pay. Else, of the trees
      within one standard error, the clearest is kept.

    Where rows have labels of so few tasks that less than a quarter of the pairs of tasks are known,
    all tasks share everything, and `warnings` says so.

    Differences from the paper: the affinity is corrected for chance agreement unless
    ``affinity="margins"``, because with rare labels nearly all samples are easy for all tasks and
    unrelated tasks look alike, and then stretched (see `contrasted`); and a branch costs in proportion to its stage's size.

    Attributes:
        alpha: Weight of separation against width; None for the whole path.
        max_parameters: Budget of trainable numbers, only without ``alpha``.
        growing_epochs: Epochs of the shared network before the path is computed; None for 4, or
            for a quarter of a training whose length follows from the data.
        n_candidates: At most so many trees are trained to the end, the shared one among them.
        interval: Steps between tests for a split, only with ``alpha``; by default as many as
            ``growing_epochs``, or 4 epochs, take.
        retry_after_no_split: Whether a stage that stayed whole is tested again.
        affinity: What the tree is grown from: ``"margins"`` (the paper's), ``"margins-corrected"``
            (chance agreement taken out), ``"gradient-cosine"`` or ``"gradient-factors"``. All but the
            first are stretched. With the last two, which are ours, the heads start from zero.
        decay: Of the affinity's means, per batch.
        unit_cost: L_0, the cost of one more branch of the cheapest stage.
        cost_by_size: Whether a branch of a larger stage costs more, in proportion to its
            parameters. If not, it costs L_0 · 2^p as in the paper, where p counts the pools (or
            strided convolutions) at the stage and after it.
        max_widths: At most so many branches of each stage, from input to output; None for no cap
            but the usual one of 32. See `width_caps`.
        max_rounds: At most so many trainings in a row, each but the last ended by a division; only
            with ``alpha``. None for no limit.
        restart_statistics: Whether the running statistics of batch norms start over at a division,
            as in the paper. By default each branch keeps those of the one that it copies.
        self_affinity: Whether a branch's affinity with itself counts when branches are clustered.
            It does not in the paper's code.
        seed: Of the spectral proposals.

    Raises:
        InputError: If an argument is out of range, or ``alpha`` and ``max_parameters`` are given,
            or ``affinity`` is unknown.

    References:
        Lu, Kumar, Zhai, Cheng, Javidi, Feris. *Fully-adaptive Feature Sharing in Multi-Task
        Networks with Applications in Person Attribute Classification*, CVPR 2017.

    Example:
        >>> FullyAdaptive(alpha=0.5).name
        'fully-adaptive'
    """

    name = "fully-adaptive"
    label = "a tree learned in training"
    structure = "tree"

    forms: ClassVar = {"": {}, "paper": {}}
    options = (
        Option(
            "max_parameters",
            "Budget of a learned tree; by default validation data chooses.",
            forms=("",),
        ),
        Option(
            "affinity",
            "What a learned tree grows from: margins, margins-corrected (the default), "
            "gradient-cosine or gradient-factors.",
            forms=("",),
        ),
        Option(
            "alpha", "The paper's weight of separation against width, instead of the whole path."
        ),
        replace(GROWING, forms=("",)),
        Option(
            "candidates",
            "At most so many trees of fully-adaptive are trained to the end (4 by default).",
            sets="n_candidates",
            forms=("",),
            anywhere=True,
        ),
        Option(
            "paper",
            "Grow and train as the authors' code does on vgg16: `alpha` (2 by default), `width`, "
            "`iterations` and `interval`; `epochs` and all settings of the optimiser are then the "
            "paper's.",
            type=bool,
            as_form=lambda _: "paper",
            alone=True,
        ),
        Option(
            "iterations",
            "Steps of the paper's training (60,000 by default).",
            type=int,
            forms=("paper",),
            alone=True,
        ),
        Option(
            "interval",
            "Steps between tests for a split with `paper` (1,000 by default).",
            forms=("paper",),
            alone=True,
        ),
    )

    alpha: float | None = None
    max_parameters: int | None = None
    growing_epochs: int | None = None
    n_candidates: int = 4
    interval: int | None = None
    retry_after_no_split: bool = False
    affinity: str = DEFAULT_AFFINITY
    decay: float = 0.99
    unit_cost: float = UNIT_COST
    cost_by_size: bool = True
    max_widths: Sequence[int] | None = None
    max_rounds: int | None = None
    restart_statistics: bool = False
    self_affinity: bool = True
    seed: int = 0
    _reading: Reading | None = field(default=None, init=False, repr=False)
    _settled: bool = field(default=False, init=False, repr=False)
    _only_observes: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check every setting."""
        _check(self.alpha, self.max_parameters)
        counts = {
            "max_parameters": self.max_parameters,
            "growing_epochs": self.growing_epochs,
            "n_candidates": self.n_candidates,
            "interval": self.interval,
            "max_rounds": self.max_rounds,
        }
        _check_counts(counts, self.max_widths)
        check_number("decay", self.decay, most=1.0, open_end=True)
        check_number("unit_cost", self.unit_cost, open_end=True)
        self.affinity = affinity_named(self.affinity)
        self.max_widths = None if self.max_widths is None else tuple(self.max_widths)

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """Ours, or in the form ``paper`` that of `paper` for the context's thin network.

        Raises:
            InputError: If an option or the backbone does not fit.
        """
        if form != "paper":
            return super().from_options(form, given, context)
        said = {name: value for name, value in given.items() if name != "iterations"}
        if others := [f"`{name}`" for name in said if name not in ("alpha", "interval")]:
            raise InputError(
                f"`paper` does without {' and '.join(others)}, as its authors' code does; leave "
                "one of them out"
            )
        return cls.paper(_thin(context.backbone), **said, seed=context.seed)

    @classmethod
    def recipe(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Recipe | None:
        """The paper's, in the form ``paper``.

        Raises:
            InputError: If the backbone is not the paper's.
        """
        if form != "paper":
            return None
        iterations = given.get("iterations", _ITERATIONS)
        network = VGGSpec(_thin(context.backbone), affine=False)
        return Recipe(network, iterations, max(1, iterations // 3), _BATCH_SIZE)

    @classmethod
    def paper(
        cls,
        width: int = 32,
        alpha: float = 2.0,
        *,
        interval: int = 1000,
        max_widths: Sequence[int] | None = None,
        seed: int = 0,
    ) -> Self:
        """The sharing of the paper and its authors' code: Branch-``width``-``alpha``.

        The plain affinity with decay .99; a test for a split every ``interval`` steps, again and
        again where a stage stays whole; cost 1/64 · 2^p; at most 15 rounds; running statistics that
        start over. It is made for `Training.paper` and, with ``width`` 32 or 64, for batches of 32
        images and ``vgg16(width=width)``.

        Args:
            width: Of the thin VGG-16 that it starts from; it sets the cap of each stage's width.
            alpha: Weight of separation against width. The paper has 1 to 4 for width 32, 0 to 2 for
                64.
            interval: Steps between tests for a split; 2000 for two data sets together. Fewer suit a
                small data set.
            max_widths: Caps for another backbone than VGG-16, from input to output; see
                `width_caps`.
            seed: Of the spectral proposals.

        Raises:
            InputError: If a number is out of range.

        Example:
            >>> FullyAdaptive.paper(64, 1.0).max_widths
            (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8, 32, 32)
        """
        if width < 1:
            raise InputError(f"`width` must be 1 or more. Got {width}")
        thin = [min(width, full) for full in VGG16_CONV_WIDTHS] + 2 * [2 * width]
        caps = width_caps([*VGG16_CONV_WIDTHS, VGG16_DENSE_WIDTH, VGG16_DENSE_WIDTH], thin)
        return cls(
            alpha=alpha,
            interval=interval,
            retry_after_no_split=True,
            affinity="margins",
            decay=0.99,
            unit_cost=UNIT_COST,
            cost_by_size=False,
            max_widths=caps if max_widths is None else max_widths,
            max_rounds=15,
            restart_statistics=True,
            self_affinity=False,
            seed=seed,
        )

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The thin network: one branch at every stage. Forgets what an earlier training showed.

        For an affinity of gradients its heads are zero, so that a task's head comes to be what its
        labels ask of the features, and like tasks have like heads.
        """
        self._reading = READINGS[self.affinity](len(tasks), self.decay)
        self._settled = len(tasks) == 1
        tree = SharingTree.shared(tasks.names, len(stages_of(backbone)))
        network = BranchedNetwork(backbone, tree, tasks, n_features=n_features)
        if self.needs_gradients:  # gradients through random heads have nothing in common
            nn.init.zeros_(network.heads.weight)
        return network

    def observe(self, evidence: StepEvidence | HeadGradients) -> None:
        """Fold what one step shows into the affinity, until the tree is found."""
        if not self._settled:
            self._known().observe(evidence)

    @property
    def needs_gradients(self) -> bool:
        """Whether the affinity is one of gradients."""
        return self.affinity in OF_GRADIENTS

    def state_tensors(self) -> dict[str, Tensor]:
        """The affinity's counts, and whether the tree is found."""
        return self._known().evidence.state_dict() | {"settled": torch.tensor(self._settled)}

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""
        tensors = dict(state)
        self._settled = bool(tensors.pop("settled").item())
        self._known().evidence.load_state_dict(tensors)

    def warm_up_epochs(self, n_tasks: int) -> int | None:
        """Epochs of the shared network before the path; 0 with ``alpha`` or a single task."""
        none = n_tasks == 1 or self.alpha is not None or self._only_observes
        return 0 if none else self.growing_epochs

    def steps_between(self, steps_per_epoch: int) -> int:
        """Steps between tests for a split."""
        return self.interval or (self.growing_epochs or _EPOCHS) * steps_per_epoch

    def proposals(
        self, network: BranchedNetwork, moment: Moment | None = None
    ) -> Sequence[Proposal]:
        """The next division of the active stage, or the trees of the path to try."""
        if self._settled or self._only_observes:
            return []
        if self.alpha is not None:
            return self._next_division(network, self.alpha)
        self._settled = True
        path = self.path(network)
        if self.max_parameters is not None:
            chosen = path.within(self.max_parameters, network.parameters_of).tree
            return [Proposal(chosen, restart_statistics=self.restart_statistics)]
        return self._clearest(path)

    def matrix(self) -> NDArray[np.float64]:
        """The affinity that the tree is grown from, ``(task, task)``."""
        reading = self._known()
        return reading.for_grouping(reading.matrix())

    def check(self, tasks: TaskSet, smallest: int) -> None:
        """That the smallest tree is within the budget."""
        if self.max_parameters is not None and self.max_parameters < smallest:
            raise InputError(
                f"must be at least {smallest:,}, the size of the smallest tree",
                argument="max_parameters",
                got=f"{self.max_parameters:,}",
                remedy="raise it or make the network narrower",
            )

    def affinities(self) -> dict[str, Affinity]:
        """Every affinity that the evidence gives, by name, such as ``margins-corrected``."""
        return {
            name: Affinity(matrix.cpu().numpy(), MEANINGS[name], name == self.affinity)
            for name, matrix in self._known().all().items()
        }

    def warnings(self) -> list[str]:
        """How many pairs of tasks nothing is known of, if any."""
        if self._reading is None:
            return []
        matrix = self.matrix()
        unknown, n_pairs = len(unknown_pairs(matrix)), len(matrix) * (len(matrix) - 1) // 2
        if not unknown:
            return []
        said = f"no row has labels of both tasks in {unknown:,} of {n_pairs:,} pairs of tasks"
        if has_evidence(matrix):
            return [
                f"{said}; who shares was decided as if these were alike as others are on average"
            ]
        return [
            f"{said}, so nothing tells who should share, and all tasks share everything; "
            "`linear:clustered` finds groups of tasks that have rows of their own"
        ]

    def path(self, network: BranchedNetwork) -> SharingPath:
        """The best tree for every α, from the affinity as it stands."""
        costs = self._costs(network)
        return sharing_path(self.matrix(), network.tasks.names, costs, seed=self.seed)

    def observer(self) -> Self:
        """One of the same settings that grows no tree."""
        again = replace(self)
        again._only_observes = True
        return again

    def stability(self, tree: SharingTree, observers: Sequence[Sharing]) -> list[list[float]]:
        """For each stage, how reliably each group comes back in other trainings, see `group_stability`.

        Args:
            tree: The tree.
            observers: What `observer` gave, each after a training of its own.
        """
        matrices = [each.matrix() for each in observers if isinstance(each, FullyAdaptive)]
        return group_stability(tree, matrices, seed=self.seed)

    def clarity(self, tree: SharingTree) -> float:
        """How clearly the affinity shows the groups of the tree's last stage, in [−1, 1]."""
        top = tree.assignment(tree.n_stages - 1)
        groups = [np.flatnonzero(top == g).tolist() for g in range(tree.widths[-1])]
        return clarity(self.matrix(), groups)

    def _clearest(self, path: SharingPath) -> list[Proposal]:
        """The shared network and the trees whose last groups are clearest, in order of α.

        Of the trees with the same groups at the last stage only the smallest.
        """
        shared, *divided = path.steps
        smallest: dict[Partition, SharingStep] = {}
        for step in divided:
            smallest.setdefault(step.tree.stages[-1], step)
        ranked = sorted(smallest.values(), key=lambda step: -self.clarity(step.tree))
        chosen = sorted([shared, *ranked[: self.n_candidates - 1]], key=lambda s: s.alpha_low)
        return [
            Proposal(step.tree, self.clarity(step.tree), self.restart_statistics) for step in chosen
        ]

    def _next_division(self, network: BranchedNetwork, alpha: float) -> Sequence[Proposal]:
        tree = network.tree
        active = tree.widths.count(1) - 1
        round_ = tree.n_stages - active  # every round before has divided one stage
        if active < 0 or round_ == self.max_rounds:
            self._settled = True
            return []
        branches = _branches_above(tree, active)
        cost = self._costs(network)[active]
        groups = choose_grouping(
            self.matrix(),
            branches,
            alpha=alpha,
            unit_cost=cost.unit,
            max_groups=cost.max_groups,
            self_affinity=self.self_affinity,
            seed=self.seed,
        ).groups
        if len(groups) == 1:
            self._settled = not self.retry_after_no_split
            return []
        names = tree.tasks
        partition = [[names[t] for b in group for t in branches[b]] for group in groups]
        divided = tree.divided(active, partition)
        return [Proposal(divided, restart_statistics=self.restart_statistics)]

    def _costs(self, network: BranchedNetwork) -> list[StageCost]:
        return widening_costs(network, self.unit_cost, self.max_widths, by_size=self.cost_by_size)

    def _known(self) -> Reading:
        if self._reading is None:
            raise InputError("nothing was observed yet; train a network with this sharing first")
        return self._reading


def _branches_above(tree: SharingTree, stage: int) -> list[list[int]]:
    """Places of the tasks in each branch that a stage feeds; the tasks themselves at the top."""
    if stage + 1 == tree.n_stages:
        return [[t] for t in range(len(tree.tasks))]
    above = tree.assignment(stage + 1)
    return [np.flatnonzero(above == g).tolist() for g in range(tree.widths[stage + 1])]


def _thin(backbone: object) -> int:
    """Width of the thin network that the paper starts from."""
    if backbone is None:
        return _THIN
    if not isinstance(backbone, VGGSpec):
        kind = backbone.kind if isinstance(backbone, BackboneSpec) else backbone
        raise InputError(
            f"`paper` is for pictures and the `backbone` vgg16. Got {quoted(kind)}; leave it out"
        )
    if backbone.width is None:
        raise InputError(
            "`paper` grows from a thin network. Got `width` 0, the full one; leave it out"
        )
    return backbone.width


def _check(alpha: float | None, max_parameters: int | None) -> None:
    if max_parameters is not None:
        check_count("max_parameters", max_parameters)
    if alpha is not None and not (isfinite(alpha) and alpha >= 0):
        raise InputError(f"`alpha` must be finite and 0 or more. Got {alpha}")
    if alpha is not None and max_parameters is not None:
        raise InputError("`alpha` and `max_parameters` both decide the width; give one of them")


def _check_counts(counts: Mapping[str, int | None], max_widths: Sequence[int] | None) -> None:
    for name, value in counts.items():
        if value is not None and value < 1:
            raise InputError(f"`{name}` must be 1 or more. Got {value}")
    if max_widths is not None and min(max_widths, default=1) < 1:
        raise InputError(f"`max_widths` must be 1 or more each. Got {list(max_widths)}")
