"""Selective sharing: identical estimators per task, of which tasks with like gradients keep one."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Final, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ramify._core import InputError, quoted
from ramify.affinity import Factors, GradientFactors, nonnegative_factors
from ramify.grouping import Condition, Shuffled, Similarity, factor_distances
from ramify.networks import Backbone, BranchedNetwork, stages_of
from ramify.records import Regrouping, Setting
from ramify.sharing._grouping_anew import Groups, grouped_anew, keepers_of
from ramify.sharing._looks import Look, from_tensor, named_as_before, to_tensor
from ramify.sharing._merging import ComparingGradients, Merging, Moment
from ramify.sharing._protocols import Proposal, Sharing
from ramify.tasks import SharingTree, TaskSet

DEFAULT_ESTIMATOR_WIDTH: Final = 64
DEFAULT_WINDOW: Final = 150
_IDLE_LOOKS = 2
_ENOUGH_STEPS = 150  # with fewer, unrelated tasks look alike, as simple functions do at first
_DIGITS = 9  # of distances: rounding must not decide which of two equal ones is shorter


class SelectiveSharing(Sharing, ComparingGradients, Merging):
    """An estimator per task on one shared network; tasks with like gradients come to share one.

    All estimators start from the same weights and all outputs from zero, so that what differs
    between the gradients of two estimators is the tasks' doing. Each step adds up the gradients of
    each task's estimator, which the ordinary backward pass gives at no extra pass. At every look
    they are factorised (see `GradientFactors`), the condition groups the tasks by the distances of
    their loadings, and each group goes on with the estimator of its most central task; every task
    keeps its output. Training goes on where it was: learning rate, the optimiser's averages of all
    that is kept. It looks until two looks in a row change nothing.

    What the paper does not say, and is our choice: the layer whose gradients count, their
    accumulation, the factorisation, the distance, the clustering, the schedule, the estimator that
    is kept, and that outputs start from zero.

    Args:
        condition: From distances of the tasks to groups: `Similarity`, `Variance`, or any callable.
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
            carry the energy; see `nonnegative_factors` for what that loses.
        sign_invariant: Whether opposite gradients count as alike.
        allow_split: Whether a group may be divided again, each part with a copy of its estimator.
        max_regroupings: At most so many looks; None for no limit.
        seed: Of the projection.

    Raises:
        InputError: If an argument is out of range.

    References:
        Strezoski, van Noord, Worring. *Learning Task Relatedness in Multi-Task Learning for Images
        in Context*, ICMR 2019.

    Example:
        >>> SelectiveSharing(Similarity(0.3), estimator_width=32).name
        'selective'
    """

    def __init__(
        self,
        condition: Condition | None = None,
        *,
        estimator_width: int = DEFAULT_ESTIMATOR_WIDTH,
        estimator_layers: int = 1,
        interval: int | None = None,
        warm_up: int = 0,
        window: int | None = DEFAULT_WINDOW,
        accumulate: Literal["unit", "sum"] = "unit",
        projection: int | None = None,
        energy: float = 0.99,
        nonnegative: int | None = None,
        sign_invariant: bool = False,
        allow_split: bool = False,
        max_regroupings: int | None = None,
        seed: int = 0,
    ) -> None:
        self.condition = Similarity() if condition is None else condition
        self.estimator_width, self.estimator_layers = estimator_width, estimator_layers
        self.interval, self.warm_up, self.window = interval, warm_up, window
        self.max_regroupings = max_regroupings
        self.accumulate, self.projection = accumulate, projection
        self.energy, self.nonnegative = energy, nonnegative
        self.sign_invariant, self.allow_split, self.seed = sign_invariant, allow_split, seed
        self._check()
        self._sums = self._fresh(1)
        self._n_idle, self._since, self._settled = 0, warm_up, False
        self.regroupings: list[Regrouping] = []

    @property
    def name(self) -> str:
        """The word for it on the command line and in the record."""
        return "selective"

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record."""
        return {
            "condition": _word(self.condition),
            "estimator_width": self.estimator_width,
            "estimator_layers": self.estimator_layers,
            "interval": self.interval,
            "warm_up": self.warm_up,
            "window": self.window,
            "accumulate": self.accumulate,
            "projection": self.projection,
            "energy": self.energy,
            "nonnegative": self.nonnegative,
            "sign_invariant": self.sign_invariant,
            "allow_split": self.allow_split,
            "max_regroupings": self.max_regroupings,
            "seed": self.seed,
        }

    @property
    def estimator(self) -> tuple[int, ...]:
        """Widths of the dense stages of an estimator."""
        return (self.estimator_width,) * self.estimator_layers

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The shared network with an estimator per task. Forgets an earlier training."""
        self._sums = self._fresh(len(tasks))
        self._n_idle, self._since, self._settled = 0, self.warm_up, len(tasks) == 1
        self.regroupings = []
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
        if self._settled or step < self._since:
            return False
        return self.window is None or step < self._since + self.window

    def compare(self, gradients: Float[Tensor, "row parameter"]) -> None:
        """Add one step's gradients."""
        self._sums.update(gradients)

    def state_tensors(self) -> dict[str, Tensor]:
        """The sums of the gradients, and what the looks so far showed."""
        counts = torch.tensor([self._n_idle, self._since, self._settled])
        return {
            **self._sums.state_dict(),
            "counts": counts,
            "regroupings": to_tensor(self.regroupings),
        }

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""
        tensors = dict(state)
        self._n_idle, self._since, settled = tensors.pop("counts").tolist()
        self._settled = bool(settled)
        self.regroupings = from_tensor(tensors.pop("regroupings"))
        self._sums = self._fresh(len(tensors["sums"])).load_state_dict(tensors)

    def steps_between(self, steps_per_epoch: int) -> int:
        """Steps between two looks."""
        return self.interval or steps_per_epoch

    def regrouping(self, network: BranchedNetwork, moment: Moment) -> Proposal | None:
        """Look at the gradients since the last look, and group the tasks by them."""
        if self._settled or moment.step <= self.warm_up or not self._has_seen_enough(moment):
            return None
        look = self._look(network.tree)
        before = _groups(network.tree)
        found = before
        if not moment.is_last:
            divides = self.allow_split
            found = grouped_anew(self.condition, look.distances, before, divides=divides)
        keepers = keepers_of(look.distances, found, network.tree.tasks)
        tree = self._tree(network, found)
        look_now = look.recorded(network, tree, keepers, moment)
        self.regroupings.append(named_as_before(look_now, self.regroupings))
        self._since = moment.step
        self._settle(changes=found != before, n_groups=len(found))
        self._sums = self._fresh(len(found) if not self.allow_split else len(tree.tasks))
        names = tuple(network.tree.tasks[t] for t in keepers)
        return None if found == before else Proposal(tree, keepers=names)

    def _has_seen_enough(self, moment: Moment) -> bool:
        """Whether it is time for the next look, at the end of an epoch."""
        if self.interval is not None:
            return True
        enough = min(_ENOUGH_STEPS, moment.n_steps // 4)
        return moment.is_last or moment.step - self._since >= enough

    def matrix(self) -> NDArray[np.float64] | None:
        """One minus the distances at the last look that changed the groups, or else the last one."""
        if not self.regroupings:
            return None
        changing = [look for look in self.regroupings if look.before != look.groups]
        rows = (changing or self.regroupings)[-1].distances
        return 1 - np.array([[np.nan if d is None else d for d in row] for row in rows])

    def _look(self, tree: SharingTree) -> Look:
        """What the gradients since the last look show."""
        rows = (
            np.arange(len(tree.tasks)) if self.allow_split else tree.assignment(tree.n_stages - 1)
        )
        factors = self._factors()
        signed = not self.sign_invariant
        distances = factor_distances(factors.loadings, factors.known, signed=signed)
        return Look(tree.tasks, factors, distances.round(_DIGITS)).of_tasks(rows)

    def _factors(self) -> Factors:
        if self.nonnegative is None:
            return self._sums.factors(self.energy)
        rows = self._sums.rows().cpu().numpy()
        return nonnegative_factors(rows, self.nonnegative, seed=self.seed)

    def _tree(self, network: BranchedNetwork, groups: Groups) -> SharingTree:
        tree, first = network.tree, self.first_compared(network)
        partition = tuple(tuple(tree.tasks[t] for t in group) for group in groups)
        apart = (partition,) * (tree.n_stages - first)
        return SharingTree(tree.tasks, tree.stages[:first] + apart)

    def _settle(self, *, changes: bool, n_groups: int) -> None:
        self._n_idle = 0 if changes else self._n_idle + 1
        done = self._n_idle == _IDLE_LOOKS or len(self.regroupings) == self.max_regroupings
        if not self.allow_split:  # of groups drawn at random all gradients are mixtures, and alike
            done = done or n_groups == 1 or (changes and isinstance(self.condition, Shuffled))
        self._settled = done

    def _fresh(self, n_tasks: int) -> GradientFactors:
        return GradientFactors(
            n_tasks, accumulate=self.accumulate, projection=self.projection, seed=self.seed
        )

    def _check(self) -> None:
        given: object = self.condition
        if not callable(given):
            raise InputError(
                "`condition` must be Similarity(), Variance(n) or a function from distances to "
                f"groups. Got {quoted(given)}"
            )
        if not 0 < self.energy <= 1:
            raise InputError(f"`energy` must be above 0 and at most 1. Got {self.energy}")
        if self.warm_up < 0:
            raise InputError(f"`warm_up` must be 0 steps or more. Got {self.warm_up}")
        if self.nonnegative is not None and self.projection is not None:
            raise InputError(
                "`projection` mixes gradients, whose sizes `nonnegative` needs; give one of them"
            )
        counts = {
            "estimator_width": self.estimator_width,
            "estimator_layers": self.estimator_layers,
            "interval": self.interval,
            "window": self.window,
            "nonnegative": self.nonnegative,
            "max_regroupings": self.max_regroupings,
        }
        for name, value in counts.items():
            if value is not None and value < 1:
                raise InputError(f"`{name}` must be 1 or more. Got {value}")


def _groups(tree: SharingTree) -> Groups:
    place = {name: t for t, name in enumerate(tree.tasks)}
    return [[place[name] for name in group] for group in tree.stages[-1]]


def _word(condition: Condition) -> str:
    """A condition for the record: the same word in every process."""
    given: object = condition
    if is_dataclass(given):
        return repr(given)
    return str(getattr(given, "__qualname__", type(given).__qualname__))
