"""What sort of answer a task wants, and the score that tells how good an answer is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf, isfinite, log
from typing import Literal, NamedTuple

from ramify._core import InputError, checked, quoted


@dataclass(frozen=True)
class Metric:
    """A per-task score.

    Attributes:
        name: Its name.
        higher_is_better: Its direction.
        scale: ``share`` between 0 and 1, ``error`` from 0 up, or ``free``: how an interval around it
            is made.
    """

    name: str
    higher_is_better: bool
    scale: Literal["share", "error", "free"] = "share"


ROC_AUC = Metric("roc_auc", higher_is_better=True)
ACCURACY = Metric("accuracy", higher_is_better=True)
RMSE = Metric("rmse", higher_is_better=False, scale="error")
KAPPA = Metric("kappa", higher_is_better=True, scale="free")
NDCG = Metric("ndcg", higher_is_better=True)


class LabelRange(NamedTuple):
    """What the numbers of a task's labels may be: from ``low`` to ``high``; ``whole``, or any."""

    low: float = -inf
    high: float = inf
    whole: bool = False


class Kind(ABC):
    """How many outputs a head has, what they start from, and how the task is scored."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The word that the command line and the record use."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Columns of the head's output."""

    @property
    @abstractmethod
    def start_outputs(self) -> tuple[float, ...]:
        """What a head puts out before it learned anything: the labels' base rates."""

    @property
    @abstractmethod
    def metric(self) -> Metric:
        """The score of the task."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels as they stand in the table, in the order of their numbers; none of numbers."""
        return ()

    @property
    def label_range(self) -> LabelRange:
        """What the numbers of its labels may be."""
        return LabelRange()

    @property
    def n_constant(self) -> int:
        """How many of the last outputs are the same for every row, whatever its features."""
        return 0

    @property
    def compares_rows(self) -> bool:
        """Whether it is learned from rows against each other, not from each row alone."""
        return False


@checked
@dataclass(frozen=True)
class Binary(Kind):
    """Yes or no: one logit, scored by the area under the ROC curve.

    Attributes:
        classes: The two labels as they stand in the table; the second one is "positive".
        rate: Share of positives among the training labels, in (0, 1), as far as it is known.
    """

    classes: tuple[str, str] = ("0", "1")
    rate: float = 0.5

    def __post_init__(self) -> None:
        """Check that the rate has finite log-odds."""
        if not 0 < self.rate < 1:
            raise InputError(f"`rate` must be above 0 and below 1. Got {self.rate}")

    @property
    def name(self) -> str:
        """The word that the command line and the record use."""
        return "binary"

    @property
    def n_outputs(self) -> int:
        """Columns of the head's output."""
        return 1

    @property
    def start_outputs(self) -> tuple[float, ...]:
        """The log-odds of the rate."""
        return (log(self.rate / (1 - self.rate)),)

    @property
    def metric(self) -> Metric:
        """The score of the task."""
        return ROC_AUC

    @property
    def labels(self) -> tuple[str, ...]:
        """The two classes."""
        return self.classes

    @property
    def label_range(self) -> LabelRange:
        """0 and 1, or between them: the probability of the second class."""
        return LabelRange(0, 1)


@checked
@dataclass(frozen=True)
class Multiclass(Kind):
    """One of several classes: one logit per class, scored by accuracy.

    Attributes:
        classes: The labels as they stand in the table, in the order of the outputs.
        rates: Share of each among the training labels, positive, as far as they are known.
    """

    classes: tuple[str, ...]
    rates: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is a choice, and that the rates have finite logarithms."""
        if self.rates and (len(self.rates) != len(self.classes) or min(self.rates) <= 0):
            raise InputError(
                "`rates` must be positive, one per class, or empty. "
                f"Got {len(self.rates)} for {len(self.classes)} classes"
            )
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise InputError(
                "`classes` must be two or more different labels. "
                f"Got {quoted(list(self.classes))}; a task with one class has nothing to learn"
            )

    @property
    def name(self) -> str:
        """The word that the command line and the record use."""
        return "multiclass"

    @property
    def n_outputs(self) -> int:
        """Columns of the head's output."""
        return len(self.classes)

    @property
    def start_outputs(self) -> tuple[float, ...]:
        """The logarithms of the rates."""
        return tuple(log(r) for r in self.rates) if self.rates else (0.0,) * len(self.classes)

    @property
    def metric(self) -> Metric:
        """The score of the task."""
        return ACCURACY

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes."""
        return self.classes

    @property
    def label_range(self) -> LabelRange:
        """The places of the classes, from 0."""
        return LabelRange(0, len(self.classes) - 1, whole=True)


@checked
@dataclass(frozen=True)
class Regression(Kind):
    """A number: one output, scored by the root mean squared error in the target's own unit.

    The network learns ``(target - location) / scale``; predictions are converted back.

    Attributes:
        location: Subtracted from the target, usually its mean over the training labels.
        scale: What the difference is divided by, usually the standard deviation. Positive.
    """

    location: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Check that the conversion has an inverse."""
        if not (isfinite(self.location) and isfinite(self.scale) and self.scale > 0):
            raise InputError(
                "`location` must be finite and `scale` finite and positive. "
                f"Got {self.location} and {self.scale}"
            )

    @property
    def name(self) -> str:
        """The word that the command line and the record use."""
        return "regression"

    @property
    def n_outputs(self) -> int:
        """Columns of the head's output."""
        return 1

    @property
    def start_outputs(self) -> tuple[float, ...]:
        """The mean, which is 0 after standardisation."""
        return (0.0,)

    @property
    def metric(self) -> Metric:
        """The score of the task."""
        return RMSE
