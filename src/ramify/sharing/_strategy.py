"""What a strategy says of itself: its name, what it builds, its settings, its own options."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

from ramify._core import Described, OptionContext
from ramify.grouping import SharingPath
from ramify.networks import Backbone, BackboneSpec, BranchedNetwork, TaskModel, TaskNetwork
from ramify.records import Regrouping, Structure
from ramify.tasks import SharingTree, TaskSet


class Affinity(NamedTuple):
    """How alike the tasks are, by one measure that a strategy learned.

    Attributes:
        matrix: ``(task, task)``; higher is closer, NaN where nothing is known.
        meaning: What the numbers mean, in a sentence.
        used: Whether the strategy decided by it who shares.
    """

    matrix: Float[np.ndarray, "task task"]
    meaning: str
    used: bool = False


@dataclass(frozen=True)
class Recipe:
    """How the authors of a strategy trained it, where that is part of what is asked for.

    Attributes:
        backbone: Their network.
        iterations: Steps of the training.
        decay_every: Steps between two falls of the learning rate.
        batch_size: Rows per step.
    """

    backbone: BackboneSpec
    iterations: int
    decay_every: int
    batch_size: int


class Strategy(Described):
    """A way to learn several tasks, which describes itself.

    A subclass is known everywhere once it is registered (see `ramify.register`): to the command line
    with its options, to records and reports.

    Attributes:
        structure: What it gives: a ``tree`` of stages, a ``network`` of another shape, ``linear``
            models, a ``forest``, or an ``other`` model.
        shares: Whether tasks share anything in it.
        trained_by_steps: Whether it is a network that an optimiser trains.
        training_settings: Settings of training that it uses though it is not trained by steps.
        needs_start: Whether it starts from a network that was trained before.
        warm_up_words: What its `warm_up_epochs` are called.
    """

    structure: ClassVar[Structure]
    shares: ClassVar[bool] = True
    trained_by_steps: ClassVar[bool] = True
    training_settings: ClassVar[tuple[str, ...]] = ()
    needs_start: ClassVar[bool] = False
    warm_up_words: ClassVar[str] = "growing epochs"

    @classmethod
    @abstractmethod
    def models(cls) -> tuple[type[TaskModel], ...]:
        """The classes of what it gives, as files speak of them."""

    @property
    def trains_networks(self) -> bool:
        """Whether a network is trained by steps, if only beside its answer."""
        return self.trained_by_steps

    @classmethod
    def recipe(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Recipe | None:
        """The training that a form stands for, beside the strategy; None for the usual one.

        Args:
            form: One of `forms`.
            given: As for `from_options`.
            context: What surrounds it.

        Raises:
            InputError: If what was said does not fit.
        """
        return None

    def check(self, tasks: TaskSet, smallest: int) -> None:
        """Refuse before the first step what cannot be trained.

        Args:
            tasks: The tasks.
            smallest: Trainable numbers of one network for all tasks.

        Raises:
            InputError: If it cannot.
        """
        return

    def warm_up_epochs(self, n_tasks: int) -> int | None:
        """Epochs of a first training that only serves to learn the structure.

        0 for none; None for as many as suit the length of the whole training, see `Training`. At its
        end `Restructuring.proposals` is asked.

        Args:
            n_tasks: Number of tasks.
        """
        return 0

    @property
    def n_trials(self) -> int:
        """How many settings of its own it tries beside the first, to choose between them."""
        return 0

    def trying(self, n_trials: int) -> "Strategy":
        """The same that tries so many settings of its own; itself where it tries none.

        Args:
            n_trials: Settings beside the first.
        """
        return self


class Sharing(Strategy):
    """A strategy that trains a network, by steps: it says which.

    Attributes:
        network: The class of network that it builds.
    """

    structure: ClassVar[Structure] = "network"
    network: ClassVar[type[TaskNetwork]] = BranchedNetwork

    @abstractmethod
    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> TaskNetwork:
        """The network to start with.

        Args:
            backbone: An ``nn.Sequential`` or a list of modules.
            tasks: The tasks.
            n_features: As for `BranchedNetwork`.
        """

    def for_tasks(self, names: Sequence[str]) -> "Sharing":
        """The same for some of the tasks; one that names tasks leaves the others out.

        Args:
            names: Those tasks.
        """
        return self

    @classmethod
    def models(cls) -> tuple[type[TaskModel], ...]:
        """The class of network that it builds."""
        return (cls.network,)

    def affinities(self) -> dict[str, Affinity]:
        """How alike it found the tasks to be, by the names of the measures."""
        return {}

    def warnings(self) -> list[str]:
        """What the user should know of what it learned, a sentence each."""
        return []

    def path(self, network: BranchedNetwork) -> SharingPath | None:
        """The best tree for every α, where it learned such a path.

        Args:
            network: The network of the trees.
        """
        return None

    def observer(self) -> "Sharing | None":
        """One that learns the same of the tasks from another training, and changes no network.

        None where nothing is learned of them.
        """
        return None

    def stability(
        self, tree: SharingTree, observers: Sequence["Sharing"]
    ) -> list[list[float]] | None:
        """For each stage, how reliably each of its groups comes back, where it can tell.

        Args:
            tree: The tree that was learned.
            observers: What `observer` gave, each after a training of its own.
        """
        return None

    @property
    def estimator(self) -> tuple[int, ...]:
        """Widths of the dense stages that follow the backbone's, see `BranchedNetwork`."""
        return ()

    @property
    def regroupings(self) -> list[Regrouping]:
        """The looks at which tasks were regrouped, in their order."""
        return []
