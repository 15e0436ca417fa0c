"""The readings of the evidence that a tree can be grown from, by name."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from ramify._core import InputError, listed, quoted
from ramify.affinity import ErrorMarginAffinity, FeatureGradientAffinity
from ramify.grouping import contrasted
from ramify.sharing._protocols import HeadGradients, StepEvidence

Matrix = NDArray[np.float64]

DEFAULT_AFFINITY: Final = "margins-corrected"


class Reading(ABC):
    """An affinity that grows with the steps, and how it is prepared for grouping."""

    @abstractmethod
    def observe(self, evidence: StepEvidence | HeadGradients) -> None:
        """Take one step's evidence in."""

    @abstractmethod
    def matrix(self) -> Float[Tensor, "task task"]:
        """The affinity, in [0, 1]."""

    @abstractmethod
    def all(self) -> dict[str, Float[Tensor, "task task"]]:
        """Every affinity that the same evidence gives, by name."""

    @abstractmethod
    def for_grouping(self, affinity: Float[Tensor, "task task"]) -> Matrix:
        """An affinity as the groups are chosen from it."""

    @property
    @abstractmethod
    def evidence(self) -> ErrorMarginAffinity | FeatureGradientAffinity:
        """What was summed up, with its state."""


class _Margins(Reading):
    """Samples that are difficult for tasks at once, with chance agreement taken out or not."""

    def __init__(self, n_tasks: int, decay: float, *, corrected: bool) -> None:
        self._found, self._corrected = ErrorMarginAffinity(n_tasks, decay=decay), corrected

    @property
    def evidence(self) -> ErrorMarginAffinity:
        return self._found

    def observe(self, evidence: StepEvidence | HeadGradients) -> None:
        if not isinstance(evidence, StepEvidence):
            raise InputError(f"`evidence` must hold margins. Got {type(evidence).__name__}")
        self._found.update(evidence.margins, evidence.label_mask, evidence.total)

    def matrix(self) -> Tensor:
        return self._found.corrected() if self._corrected else self._found.matrix()

    def all(self) -> dict[str, Tensor]:
        return {"margins": self._found.matrix(), "margins-corrected": self._found.corrected()}

    def for_grouping(self, affinity: Tensor) -> Matrix:
        matrix: Matrix = affinity.cpu().numpy()
        return contrasted(matrix) if self._corrected else matrix


class _Gradients(Reading):
    """Gradients at the features that tasks share, factorised or not."""

    def __init__(self, n_tasks: int, decay: float, *, factors: bool) -> None:
        self._found, self._factors = FeatureGradientAffinity(n_tasks, decay), factors

    @property
    def evidence(self) -> FeatureGradientAffinity:
        return self._found

    def observe(self, evidence: StepEvidence | HeadGradients) -> None:
        if not isinstance(evidence, HeadGradients):
            raise InputError(f"`evidence` must hold gradients. Got {type(evidence).__name__}")
        sums = self._found.batch_sums(
            evidence.outputs, evidence.head_weights, evidence.task_of_column, evidence.label_mask
        )
        self._found.fold(evidence.total(sums))

    def matrix(self) -> Tensor:
        return self._found.factors() if self._factors else self._found.cosine()

    def all(self) -> dict[str, Tensor]:
        return {"gradient-cosine": self._found.cosine(), "gradient-factors": self._found.factors()}

    def for_grouping(self, affinity: Tensor) -> Matrix:
        return contrasted(affinity.cpu().numpy())


READINGS: Final[Mapping[str, Callable[[int, float], Reading]]] = {
    "margins": lambda n, decay: _Margins(n, decay, corrected=False),
    "margins-corrected": lambda n, decay: _Margins(n, decay, corrected=True),
    "gradient-factors": lambda n, decay: _Gradients(n, decay, factors=True),
    "gradient-cosine": lambda n, decay: _Gradients(n, decay, factors=False),
}
"""Every affinity that `FullyAdaptive` knows, by its name: a number of tasks and a decay make it."""

MEANINGS: Final[Mapping[str, str]] = {
    "margins": "Share of rows that are easy for both tasks or difficult for both; rare labels push "
    "it towards 1 for every pair.",
    "margins-corrected": "The same with chance agreement taken out: 1/2 is unrelated, 1 always "
    "together.",
    "gradient-cosine": "Whether both tasks want the same of the shared features, by the cosine of "
    "their gradients there: 1/2 is unrelated, 1 always the same, 0 always the opposite.",
    "gradient-factors": "Whether both tasks want the same of the shared features, in the few "
    "directions that carry most of their gradients: 1/2 is unrelated.",
}
"""What the numbers of each mean."""

OF_GRADIENTS: Final = frozenset({"gradient-factors", "gradient-cosine"})
"""Those that the steps' gradients are needed for."""


def affinity_named(name: str) -> str:
    """Check the name of an affinity.

    Raises:
        InputError: If it is unknown.
    """
    if name not in READINGS:
        raise InputError(
            f"`affinity` must be one of {listed(READINGS, len(READINGS))}. Got {quoted(name)}"
        )
    return name
