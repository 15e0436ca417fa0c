"""What a strategy says of itself: its name, what it builds, its settings, its own options."""

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Float

from ramify.grouping import SharingPath
from ramify.networks import Backbone, BackboneSpec, BranchedNetwork, TaskNetwork
from ramify.records import Regrouping, Setting, Structure, settings_of
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
class Option:
    """An option of the command line that belongs to one strategy.

    Attributes:
        name: As Python has it; ``max_parameters`` is typed with hyphens.
        words: What it means, for the help.
        sets: The argument of the class that it gives; by default the one of its name.
        type: What it takes; by default what that argument takes.
        forms: The forms of the strategy that heed it; None for all.
        as_form: Where the option is another way to say the form: from its value to the form.
        alone: Whether it has a meaning only where one strategy is trained, not several.
        anywhere: Whether it may stand beside strategies that do not heed it.
    """

    name: str
    words: str
    sets: str = ""
    type: Any = None
    forms: tuple[str, ...] | None = None
    as_form: Callable[[Any], str] | None = None
    alone: bool = False
    anywhere: bool = False

    @property
    def argument(self) -> str:
        """The argument of the class that it gives."""
        return self.sets or self.name

    def concerns(self, form: str) -> bool:
        """Whether a form heeds it."""
        return self.forms is None or form in self.forms


@dataclass(frozen=True)
class OptionContext:
    """What surrounds a strategy that is made from options.

    Attributes:
        seed: Of its random numbers.
        backbone: The network's stages; None where they are not known.
        beside: The words of all strategies that take part.
    """

    seed: int = 0
    backbone: BackboneSpec | None = None
    beside: Sequence[str] = ()


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


class Strategy(ABC):
    """A way to learn several tasks, which describes itself.

    A subclass that is a dataclass and has the names below is known everywhere once it is
    registered (see `ramify.register`): to the command line with its options, to records and reports.

    Attributes:
        name: The word for it; by default that of the class in kebab case.
        label: What it is in a few words; by default the first line of its docstring.
        structure: What it gives: a ``tree`` of stages, a ``network`` of another shape, ``linear``
            models, or a ``forest``.
        shares: Whether tasks share anything in it.
        trained_by_steps: Whether it is a network that an optimiser trains.
        needs_start: Whether it starts from a network that was trained before.
        forms: The forms that follow its name after a colon, with the arguments that each gives; the
            empty one is the plain name.
        options: Its own options of the command line. Every other argument that can be said in a
            word can be set with ``NAME.ARGUMENT=VALUE``.
    """

    name: ClassVar[str]
    label: ClassVar[str] = ""
    structure: ClassVar[Structure]
    shares: ClassVar[bool] = True
    trained_by_steps: ClassVar[bool] = True
    needs_start: ClassVar[bool] = False
    forms: ClassVar[Mapping[str, Mapping[str, object]]] = {"": {}}
    options: ClassVar[tuple[Option, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Names that are not given follow from the class."""
        super().__init_subclass__()
        own = vars(cls)
        if "name" not in own:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        if "label" not in own and own.get("__doc__"):
            cls.label = inspect.cleandoc(own["__doc__"]).partition("\n")[0].rstrip(".")

    @classmethod
    def words(cls) -> list[str]:
        """The words for all its forms.

        Example:
            >>> from ramify.sharing import Factorised
            >>> Factorised.words()
            ['factorised', 'factorised:tucker', 'factorised:tt']
        """
        return [f"{cls.name}:{form}" if form else cls.name for form in cls.forms]

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """Make one from what was said.

        Args:
            form: One of `forms`.
            given: Values by the names of arguments, and of options that give none.
            context: What surrounds it.

        Raises:
            InputError: If what was said does not fit.
        """
        values = {**cls.forms[form], **given}
        if "seed" in inspect.signature(cls).parameters:
            values.setdefault("seed", context.seed)
        return cls(**values)

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

    @property
    def word(self) -> str:
        """The word for it in a record."""
        return self.name

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record: the arguments of the dataclass."""
        return settings_of(self)

    def check(self, tasks: TaskSet, smallest: int) -> None:
        """Refuse before the first step what cannot be trained.

        Args:
            tasks: The tasks.
            smallest: Trainable numbers of one network for all tasks.

        Raises:
            InputError: If it cannot.
        """
        return

    def affinities(self) -> dict[str, Affinity]:
        """How alike it found the tasks to be, by the names of the measures."""
        return {}


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

    def warm_up_epochs(self, n_tasks: int) -> int:
        """Epochs of a first training that only serves to learn the structure; 0 for none.

        Args:
            n_tasks: Number of tasks.
        """
        return 0

    def path(self, network: BranchedNetwork) -> SharingPath | None:
        """The best tree for every α, where it learned such a path.

        Args:
            network: The network of the trees.
        """
        return None

    def stability(self, tree: SharingTree) -> list[list[float]] | None:
        """For each stage, how reliably each of its groups comes back, where it can tell.

        Args:
            tree: The tree that was learned.
        """
        return None

    @property
    def estimator(self) -> tuple[int, ...]:
        """Widths of the dense stages that follow the backbone's, see `BranchedNetwork`."""
        return ()

    @property
    def regroupings(self) -> list[Regrouping]:
        """The looks at which tasks were grouped anew, in their order."""
        return []
