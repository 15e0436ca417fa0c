"""Selective sharing: identical estimators per task, of which tasks with like gradients keep one."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, Option, OptionContext, check_count, checked, quoted
from ramify.grouping import (
    Condition,
    Shuffled,
    Similarity,
    Variance,
    apart,
    check_condition,
    groups_by,
    medoids,
    together,
)
from ramify.networks import Backbone, BranchedNetwork, stages_of
from ramify.records import Regrouping
from ramify.sharing._protocols import ComparingGradients, Moment, Proposal, Restructuring
from ramify.sharing._strategy import Affinity, Sharing
from ramify.sharing.selective._gradient_snapshot import (
    GradientSums,
    from_tensor,
    named_as_before,
    to_tensor,
)
from ramify.sharing.selective._look_schedule import LookSchedule
from ramify.tasks import SharingTree, TaskSet

Distances = NDArray[np.float64]
Groups = list[list[int]]


def regrouped_tasks(
    condition: Condition, distances: Distances, groups: Groups, *, divides: bool
) -> Groups:
    """The groups that a condition makes of the groups of now.

    Groups are as far apart as their tasks on average. A task whose distances are unknown stays
    with its group; a group of such tasks only is joined with none.

    Args:
        condition: From distances to groups.
        distances: Of the tasks; NaN where unknown.
        groups: Of now.
        divides: Whether groups may be divided too.
    """
    if divides:
        return groups_by(condition, _with_mates(distances, groups))
    joined = groups_by(condition, _between(distances, groups))
    return sorted(sorted(t for g in several for t in groups[g]) for several in joined)


def keepers_of(distances: Distances, groups: Groups, names: Sequence[str]) -> list[int]:
    """The most central task of each group.

    Args:
        distances: Of the tasks; NaN where unknown.
        groups: The groups.
        names: Of the tasks; of equally central ones the first name counts, so that the order of
            the tasks does not matter.
    """
    return medoids(distances, [sorted(group, key=lambda t: names[t]) for group in groups])


def _between(distances: Distances, groups: Groups) -> Distances:
    """Mean distances of the tasks of each two groups; 0 within a group that has a known task."""
    blocks = [[distances[np.ix_(one, two)] for two in groups] for one in groups]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a mean over nothing, which is NaN
        means: Distances = np.array([[np.nanmean(block) for block in row] for row in blocks])
    np.fill_diagonal(means, np.where(np.isnan(means.diagonal()), np.nan, 0.0))
    return means


def _with_mates(distances: Distances, groups: Groups) -> Distances:
    """Unknown tasks take the place of a known task of their group."""
    stands_for = np.arange(len(distances))
    for group in groups:
        known = [t for t in group if not np.isnan(distances[t, t])]
        if known:
            stands_for[[t for t in group if t not in known]] = known[0]
    return distances[np.ix_(stands_for, stands_for)]


_MEANING = (
    "Cosine of what the tasks' gradients have in common, at the last look that changed the groups; "
    "1 is the same direction, 0 unrelated, negative opposed."
)


@checked
@dataclass(eq=False)
class SelectiveSharing(Sharing, ComparingGradients, Restructuring):
    """An estimator per task on one shared network; tasks with like gradients come to share one.

    All estimators start from the same weights and all outputs from zero, so that what differs
    between the gradients of two estimators is the tasks' doing. Each step adds up the gradients of
    each task's estimator, which the ordinary backward pass gives at no extra pass. At every look
    they are factorised (see `GradientFactors`), the condition groups the tasks by the distances of
    their loadings, and each group goes on with the estimator of its most central task; every task
    keeps its output. Training goes on where it was: learning rate, the optimiser's averages of all
    that is kept. It looks until two looks in a row change nothing. A task that has had no label
    since the look before, or whose training labels are all the same, stays where it is.

    What the paper does not say, and is our choice: the layer whose gradients count, their
    accumulation, the factorisation, the distance, the clustering, the schedule, the estimator that
    is kept, and that outputs start from zero.

    Attributes:
        condition: From distances of the tasks to groups: `Similarity`, `Variance`, or any callable;
            `Shuffled`, `together` and `apart` are controls.
        estimator_width: Width of each dense stage of an estimator.
        estimator_layers: Dense stages of an estimator.
        interval: Steps between two looks; None for the end of the first epoch after 150 steps, or after
            a quarter of a training that is shorter than 600.
        warm_up: Steps before the first gradient counts.
        window: At most so many steps, from the warm-up or the look before, whose gradients count:
            the longer estimators have trained apart, the less they have in common. None for all.
        accumulate: ``"unit"`` to add up the gradients' directions, ``"sum"`` the gradients.
        projection: Numbers kept of each task's gradient; None for all.
        energy: Share of the gradients' squared lengths that the factors carry, in (0, 1].
        nonnegative: So many factors that only add up, of the gradients' sizes, in place of those that
            carry the energy; at most as many as tasks, and later as groups. See
            `nonnegative_factors` for what that loses.
        sign_invariant: Whether opposite gradients count as alike.
        allow_split: Whether a group may be divided again, each part with a copy of its estimator.
        max_regroupings: At most so many looks; None for no limit.
        seed: Of the projection, and of the non-negative factors.

    Raises:
        InputError: If an argument is out of range.

    References:
        Strezoski, van Noord, Worring. *Learning Task Relatedness in Multi-Task Learning for Images
        in Context*, ICMR 2019.

    Example:
        >>> SelectiveSharing(Similarity(0.3), estimator_width=32).name
        'selective'
    """

    name = "selective"
    label = "an estimator per task, of which like tasks keep one"
    structure = "tree"

    forms: ClassVar = {
        "": {"condition": Similarity},
        "variance": {"condition": Variance},
        "random": {"condition": Shuffled},
        "all": {"condition": together},
        "none": {"condition": apart},
    }
    options = (
        Option(
            "condition",
            "Who shares in selective sharing: similarity (like tasks), variance (each of `groups` "
            "groups as diverse as can be), or for control random (groups of like size), all (one "
            "group from the first look on) or none (no task joins another).",
            type=Literal["similarity", "variance", "random", "all", "none"],
            as_form=lambda word: "" if word == "similarity" else word,
            alone=True,
        ),
        Option(
            "threshold",
            "Largest mean distance of tasks that selective sharing joins (0.5 by default).",
            type=float,
            forms=("", "random"),
        ),
        Option(
            "groups",
            "Number of groups: of selective in place of `threshold`, of selective:variance always.",
            sets="n_groups",
            type=int,
            forms=("", "random", "variance"),
            needed_by=("variance",),
        ),
        Option("estimator_width", "Width of each estimator of selective sharing (64 by default)."),
        Option(
            "interval",
            "Steps between looks at the gradients in selective sharing (by default the epochs that "
            "make 150 steps).",
        ),
        Option("warm_up", "Steps of selective sharing before the first gradient counts."),
        Option(
            "window",
            "Steps of selective sharing after each look whose gradients count (150 by default).",
        ),
        Option(
            "nonnegative",
            "Number of non-negative factors (NMF) of selective sharing's gradients, in place of "
            "singular values.",
        ),
        Option(
            "sign_invariant",
            "Whether opposite gradients count as alike in selective sharing.",
        ),
        Option("allow_split", "Whether selective sharing may divide groups again."),
    )

    condition: Condition = field(default_factory=Similarity)
    _: KW_ONLY
    estimator_width: int = 64
    estimator_layers: int = 1
    interval: int | None = None
    warm_up: int = 0
    window: int | None = 150
    accumulate: Literal["unit", "sum"] = "unit"
    projection: int | None = None
    energy: float = 0.99
    nonnegative: int | None = None
    sign_invariant: bool = False
    allow_split: bool = False
    max_regroupings: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every setting."""
        check_condition(self.condition)
        check_count("estimator_width", self.estimator_width)
        check_count("estimator_layers", self.estimator_layers)
        for name in ("sign_invariant", "allow_split"):
            if not isinstance(getattr(self, name), bool):
                got = quoted(getattr(self, name))
                raise InputError("must be True or False", argument=name, got=got)
        self._schedule = LookSchedule(
            interval=self.interval,
            warm_up=self.warm_up,
            window=self.window,
            max_regroupings=self.max_regroupings,
        )
        self._sums = GradientSums(
            accumulate=self.accumulate,
            projection=self.projection,
            energy=self.energy,
            nonnegative=self.nonnegative,
            sign_invariant=self.sign_invariant,
            seed=self.seed,
        )
        self._regroupings: list[Regrouping] = []

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """With the condition of the form.

        Raises:
            InputError: If options contradict each other, or one is missing.
        """
        values = {n: v for n, v in given.items() if n not in ("threshold", "n_groups")}
        threshold, n_groups = given.get("threshold"), given.get("n_groups")
        if threshold is not None and n_groups is not None:
            if f"{cls.name}:variance" not in context.beside:
                raise InputError(
                    "`threshold` and `n_groups` both decide who shares; give one of them"
                )
            n_groups = None  # those are of the other
        kind: Any = cls.forms[form]["condition"]
        if kind is Variance:
            if n_groups is None:
                raise InputError("must be given: the number of groups", argument="n_groups")
            made: Condition = Variance(n_groups)
        elif kind in (Similarity, Shuffled):
            own = {} if threshold is None else {"threshold": threshold}
            made = Similarity(**own, n_groups=n_groups)
            made = Shuffled(made, context.seed) if kind is Shuffled else made
        else:
            made = kind
        return cls(**{"seed": context.seed, **values, "condition": made})

    @property
    def regroupings(self) -> list[Regrouping]:
        """The looks at which tasks were regrouped, in their order."""
        return self._regroupings

    def check(self, tasks: TaskSet, smallest: int) -> None:
        """That there are tasks enough for so many groups or factors of them."""
        _check_most("n_groups", getattr(self.condition, "n_groups", None), tasks)
        _check_most("nonnegative", self.nonnegative, tasks)

    @property
    def estimator(self) -> tuple[int, ...]:
        """Widths of the dense stages of an estimator."""
        return (self.estimator_width,) * self.estimator_layers

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The shared network with an estimator per task. Forgets an earlier training.

        Raises:
            InputError: If there are fewer tasks than non-negative factors.
        """
        _check_most("nonnegative", self.nonnegative, tasks)
        self._sums.start(len(tasks))
        self._schedule.start(settled=len(tasks) == 1)
        self._regroupings = []
        shared = SharingTree.shared(tasks.names, len(stages_of(backbone))).stages
        apart = SharingTree.separate(tasks.names, self.estimator_layers).stages
        network = BranchedNetwork(
            backbone,
            SharingTree(tasks.names, shared + apart),
            tasks,
            n_features=n_features,
            estimator=self.estimator,
        )
        if len(tasks) > 1:
            nn.init.zeros_(network.heads.weight)
        return network

    @property
    def tells_tasks_apart(self) -> bool:
        """Whether groups may be divided: if they are only joined, each counts as a whole."""
        return self.allow_split

    def first_compared(self, network: BranchedNetwork) -> int:
        """The first stage of the estimators."""
        return network.tree.n_stages - len(network.estimator)

    def compares_at(self, step: int) -> bool:
        """Whether a step is within the window, and the groups are not stable yet."""
        return self._schedule.counts(step)

    def compare(self, gradients: Float[Tensor, "row parameter"]) -> None:
        """Add one step's gradients."""
        self._sums.add(gradients)

    def state_tensors(self) -> dict[str, Tensor]:
        """The sums of the gradients, and what the looks so far showed."""
        return {
            **self._sums.state_tensors(),
            "schedule": self._schedule.state(),
            "regroupings": to_tensor(self.regroupings),
        }

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""
        tensors = dict(state)
        self._schedule.load_state(tensors.pop("schedule"))
        self._regroupings = from_tensor(tensors.pop("regroupings"))
        self._sums.load_state_tensors(tensors)

    def steps_between(self, steps_per_epoch: int) -> int:
        """Steps between two looks."""
        return self._schedule.steps_between(steps_per_epoch)

    def proposals(self, network: BranchedNetwork, moment: Moment) -> Sequence[Proposal]:
        """The groups to go on with, if a look is due and changes them."""
        found = self.regrouping(network, moment)
        return [] if found is None else [found]

    def regrouping(self, network: BranchedNetwork, moment: Moment) -> Proposal | None:
        """Look at the gradients since the last look, and group the tasks by them."""
        if not self._schedule.is_time(moment):
            return None
        tasks, before = network.tasks, _groups(network.tree)
        look = self._sums.look(tasks, self._rows(network.tree))
        found = before
        if not moment.is_last:
            divides = self.allow_split
            found = regrouped_tasks(self.condition, look.distances, before, divides=divides)
        keepers = keepers_of(look.distances, found, tasks.names)
        tree = self._tree(network, found)
        look_now = look.recorded(network, tree, keepers, moment)
        self._regroupings.append(named_as_before(look_now, self._regroupings))
        changed = found != before
        stays = self._stays(len(found), changed=changed)
        self._schedule.looked(moment.step, changed=changed, settles=stays)
        self._sums.start(len(tasks) if self.allow_split else len(found))
        names = tuple(tasks[t].name for t in keepers)
        return Proposal(tree, keepers=names) if changed else None

    def affinities(self) -> dict[str, Affinity]:
        """How alike the tasks' gradients were, when they were last grouped by them."""
        matrix = self.matrix()
        return {} if matrix is None else {"gradient-factors": Affinity(matrix, _MEANING, True)}

    def matrix(self) -> NDArray[np.float64] | None:
        """One minus the distances at the last look that changed the groups, or else the last one."""
        if not self.regroupings:
            return None
        changing = [look for look in self.regroupings if look.before != look.groups]
        rows = (changing or self.regroupings)[-1].distances
        return 1 - np.array([[np.nan if d is None else d for d in row] for row in rows])

    def _rows(self, tree: SharingTree) -> NDArray[np.int64]:
        """For each task, its row of the gradients."""
        return (
            np.arange(len(tree.tasks)) if self.allow_split else tree.assignment(tree.n_stages - 1)
        )

    def _tree(self, network: BranchedNetwork, groups: Groups) -> SharingTree:
        tree, first = network.tree, self.first_compared(network)
        partition = tuple(tuple(tree.tasks[t] for t in group) for group in groups)
        apart = (partition,) * (tree.n_stages - first)
        return SharingTree(tree.tasks, tree.stages[:first] + apart)

    def _stays(self, n_groups: int, *, changed: bool) -> bool:
        """Whether the groups are to stay, whatever a later look would show."""
        settles = bool(getattr(self.condition, "settles", False))
        return not self.allow_split and (n_groups == 1 or (changed and settles))


def _check_most(name: str, value: int | None, tasks: TaskSet) -> None:
    if value is not None and value > len(tasks):
        raise InputError(
            f"must be at most the number of tasks, {len(tasks)}",
            argument=name,
            got=str(value),
            remedy="give fewer, or leave it out",
        )


def _groups(tree: SharingTree) -> Groups:
    place = {name: t for t, name in enumerate(tree.tasks)}
    return [[place[name] for name in group] for group in tree.stages[-1]]
