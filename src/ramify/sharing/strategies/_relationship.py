"""Deep relationship networks: a prior that learns how tasks, outputs and features relate."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from ramify._core import InputError, check_count, check_number, checked
from ramify.networks import Backbone, BranchedNetwork, Branches, TaskNetwork, stages_of
from ramify.penalties import TensorNormal
from ramify.sharing._protocols import Coupling
from ramify.sharing._strategy import Affinity, Sharing
from ramify.tasks import SharingTree, TaskSet

_MEANING = (
    "Correlation of the tasks in the prior that was learned with their weights, the mean over "
    "layers; 1 is the same direction, 0 unrelated, where all pairs start, negative opposed."
)


@checked
@dataclass(eq=False)
class Relationship(Sharing, Coupling):
    r"""Lower stages are shared; the last ones are each task's own, under a common prior.

    The weights of every layer of the tasks' own stages (and of the heads, where all tasks have
    equally many outputs) are stacked and have a tensor normal prior, whose covariances of
    features, outputs and tasks are learned from the weights, see `TensorNormal`. The covariance of
    the tasks tells which of them relate, and whether alike or opposed. Added to the mean loss is

    .. math:: -\alpha \, \frac{2 \ell}{n T} \ln p(W)

    with *T* tasks, *n* training labels of each on average, and the loss ℓ of the step as a
    constant. With half the squared error as loss, 2ℓ is the variance of the noise, and α = 1 is
    the most likely network in the strict sense.

    Differences from the authors' code: all three covariances are learned, unless ``only_tasks``;
    each keeps a ridge in proportion to its size, and a part of its last value; and the mean
    variance stays that of the weights at the start, where they cap a trace. If it followed the
    weights, shrunk weights would have a prior that shrinks them more, down to 0. A small ridge
    does harm in a like way: own stages all start alike, are then seen as alike, and are held so.

    Attributes:
        alpha: Strength, 0 or more; 1 for a prior in the strict sense.
        own_stages: How many of the last stages each task has to itself, 0 or more.
        interval: Steps between updates of the covariances.
        ridge: Of each covariance, in units of its mean variance.
        damping: Share of its last value that a covariance keeps at an update.
        only_tasks: Whether only the covariance of the tasks is learned.

    Raises:
        InputError: If an argument is out of range.

    References:
        Long, Cao, Wang, Yu. *Learning Multiple Tasks with Multilinear Relationship Networks*,
        NIPS 2017.
    """

    name = "relationship"
    label = "own last stages, under a prior that learns how tasks relate"

    alpha: float = 3.0
    _: KW_ONLY
    own_stages: int = 1
    interval: int = 20
    ridge: float = 1.0
    damping: float = 0.5
    only_tasks: bool = False
    _priors: list[TensorNormal] = field(default_factory=list, init=False, repr=False)
    _n_steps: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check every setting."""
        check_number("alpha", self.alpha)
        check_number("ridge", self.ridge, open_end=True)
        check_count("own_stages", self.own_stages, 0)
        check_count("interval", self.interval)
        TensorNormal((1, 1, 1), ridge=self.ridge, damping=self.damping)  # checks the damping

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """The network with own stages at the top. Forgets what an earlier training learned.

        Raises:
            InputError: If there are fewer stages, or one has a layer without a stacked form.
        """
        n_stages = len(stages_of(backbone))
        if self.own_stages > n_stages:
            raise InputError(
                f"`own_stages` must be at most the number of stages, {n_stages}. "
                f"Got {self.own_stages}"
            )
        shared, apart = (tasks.names,), tuple((name,) for name in tasks.names)
        n_shared = n_stages - self.own_stages
        tree = SharingTree(tasks.names, (shared,) * n_shared + (apart,) * self.own_stages)
        network = BranchedNetwork(backbone, tree, tasks, n_features=n_features)
        self._n_steps = 0
        self._priors = [self._prior(w.shape, _variance(w)) for w in self._related(network)]
        return network

    @property
    def ties(self) -> bool:
        """Each task's weights can be used alone."""
        return False

    def penalty(
        self, network: TaskNetwork, n_labels: float, loss: Float[Tensor, ""]
    ) -> Float[Tensor, ""] | None:
        """The negative log-prior of the tasks' own weights."""
        if self.alpha == 0:
            return None
        pairs = zip(self._priors, self._related(network), strict=True)
        terms = [prior.penalty(weights) for prior, weights in pairs]
        strength = 2 * self.alpha / (n_labels * len(network.tasks)) * loss
        return strength * torch.stack(terms).sum() if terms else None

    @torch.no_grad()
    def after_step(self, network: TaskNetwork, rate: float, n_labels: float) -> None:
        """Update the covariances, at the interval."""
        self._n_steps += 1
        if self.alpha == 0 or self._n_steps % self.interval:
            return
        pairs = zip(self._priors, self._related(network), strict=True)
        for prior, weights in pairs:
            prior.update(weights)

    def coupling_tensors(self) -> dict[str, Tensor]:
        """The covariances, and how many steps there were."""
        tensors = {"steps": torch.tensor(self._n_steps)}
        for i, prior in enumerate(self._priors):
            tensors |= {f"{i}.{name}": tensor for name, tensor in prior.state().items()}
        return tensors

    def load_coupling_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `coupling_tensors` gave."""
        self._n_steps = int(state["steps"].item())
        for i, prior in enumerate(self._priors):
            prior.load_state({name: state[f"{i}.{name}"] for name in prior.state()})

    def affinities(self) -> dict[str, Affinity]:
        """How the tasks relate: the correlation of the task covariances, the mean over layers."""
        if not self._priors:
            return {}
        every = [_correlation(prior.tasks) for prior in self._priors]
        return {"task-covariance": Affinity(np.mean(every, axis=0), _MEANING)}

    def _prior(self, shape: torch.Size, variance: float) -> TensorNormal:
        n_tasks, n_out, n_in = shape
        return TensorNormal(
            (n_tasks, n_out, n_in),
            variance=variance,
            ridge=self.ridge,
            damping=self.damping,
            only_tasks=self.only_tasks,
        )

    def _related(self, network: TaskNetwork) -> list[Tensor]:
        """Weights ``(task, out, feature)`` of the tasks' own layers, and of alike heads."""
        assert isinstance(network, BranchedNetwork)  # what `build` made
        if len(network.tasks) == 1:
            return []
        found: list[Tensor] = []
        for i, stage in enumerate(network.stages):
            assert isinstance(stage, Branches)  # for the type checker only
            if stage.n_groups == 1:
                continue
            if stage.joined is None:
                raise InputError(
                    f"stage {i} of `backbone` must only have layers with a stacked form, so that "
                    "weights of the tasks stand side by side"
                )
            found += [p.flatten(2) for p in stage.joined.parameters() if p.ndim > 2]
        n_outputs = {task.kind.n_outputs for task in network.tasks}
        if len(n_outputs) == 1:
            weight = network.heads.weight
            found.append(weight.view(len(network.tasks), -1, weight.shape[1]))
        return found


def _correlation(covariance: Tensor) -> NDArray[np.float64]:
    scale = covariance.diagonal().sqrt()
    found: NDArray[np.float64] = (covariance / scale / scale[:, None]).cpu().numpy()
    return found


def _variance(weights: Tensor) -> float:
    """The mean square, for weights around 0; 1 for those that start at 0."""
    return float(weights.detach().double().square().mean()) or 1.0
