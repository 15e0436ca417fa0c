"""Linear multi-task models as a way of sharing, beside those of networks."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError, listed, quoted
from ramify.linear import METHODS
from ramify.networks import Backbone, BranchedNetwork
from ramify.records import Setting
from ramify.sharing import Affinity, Sharing
from ramify.tasks import SharingTree, TaskSet

_MEANING = (
    "How the method found the tasks to relate while it estimated them; higher is closer, negative "
    "is opposed."
)
_NEEDS_A_GRAPH = "graph"
LINEAR_METHODS = tuple(name for name in METHODS if name != _NEEDS_A_GRAPH)


@dataclass
class LinearSharing(Sharing):
    """A linear model per task; what the tasks share is in how they are estimated together.

    The strength of the penalty is chosen on the validation rows along a path, and the model that
    is kept is fitted to the training rows. Yes-or-no tasks are estimated together by logistic
    loss, a task of several classes as one of them against the rest for each; numbers are
    estimated together by squared loss on their standardised values. The two do not know each
    other.

    Attributes:
        method: Name among `LINEAR_METHODS`.
        n_alphas: Strengths tried, from one that is too strong to hardly any.
        affinity: What the method learned of how tasks relate, ``(task, task)``, NaN where it says
            nothing; None before the fit or if it learns no such thing.
        chosen: The settings that the validation rows chose.

    Raises:
        InputError: If there is no such method.

    Example:
        >>> LinearSharing("clustered").word
        'linear:clustered'
    """

    name = "linear"
    label = "linear models that share"
    structure = "linear"
    trained_by_steps = False
    forms: ClassVar = {method: {"method": method} for method in LINEAR_METHODS}

    method: str
    n_alphas: int = 30
    affinity: NDArray[np.float64] | None = field(default=None, init=False, compare=False)
    chosen: dict[str, Setting] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        """Check the name."""
        if self.method == _NEEDS_A_GRAPH:
            raise InputError(
                "linear:graph needs a graph of the tasks; use ramify.linear.GraphRegularized from "
                "Python"
            )
        if self.method not in METHODS:
            raise InputError(
                f"a linear method must be one of {listed(LINEAR_METHODS, len(METHODS))}. "
                f"Got {quoted(self.method)}"
            )
        if self.n_alphas < 1:
            raise InputError(f"`n_alphas` must be 1 or more. Got {self.n_alphas}")

    @property
    def word(self) -> str:
        """The word for it in a record."""
        return f"{self.name}:{self.method}"

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record."""
        return {"n_alphas": self.n_alphas, **self.chosen}

    def affinities(self) -> dict[str, Affinity]:
        """How the method found the tasks to relate, if it learns such a thing."""
        if self.affinity is None:
            return {}
        return {self.word: Affinity(self.affinity, _MEANING, used=True)}

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        """Heads on the inputs as they are.

        Args:
            backbone: What `LinearSpec` builds: one stage that hands its input on.
            tasks: The tasks.
            n_features: Width of the input.
        """
        tree = SharingTree.shared(tasks.names, 1)
        return BranchedNetwork(backbone, tree, tasks, n_features=n_features)
