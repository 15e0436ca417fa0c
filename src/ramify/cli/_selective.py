"""Selective sharing as the command line has it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from ramify._core import InputError
from ramify.grouping import Condition, Shuffled, Similarity, Variance
from ramify.sharing import DEFAULT_ESTIMATOR_WIDTH, DEFAULT_WINDOW, SelectiveSharing

ConditionName = Literal["similarity", "variance", "random"]


@dataclass(frozen=True)
class SelectiveOptions:
    """What the command line says of selective sharing; None or False where it says nothing.

    Attributes:
        condition: Which tasks share: those with like gradients, groups as diverse as can be, or, as
            a control, groups of the sizes of the former at random.
        threshold: Largest mean distance of tasks that share, with similarity.
        groups: Number of groups, in the place of the threshold.
        estimator_width: Width of each task's estimator.
        interval: Steps between two looks; None for the end of an epoch, after 150 steps or a
            quarter of the training.
        warm_up: Steps before the first gradient counts.
        window: Steps after each look whose gradients count.
        nonnegative: Number of non-negative factors, in place of singular values.
        sign_invariant: Whether opposite gradients count as alike.
        allow_split: Whether groups may be divided again.
    """

    condition: ConditionName | None = None
    threshold: float | None = None
    groups: int | None = None
    estimator_width: int | None = None
    interval: int | None = None
    warm_up: int | None = None
    window: int | None = None
    nonnegative: int | None = None
    sign_invariant: bool = False
    allow_split: bool = False

    def given(self) -> Mapping[str, object]:
        """What was said, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if value is not None and value is not False
        }

    def of(self, name: str) -> "SelectiveOptions":
        """The options of one of several ways of sharing: those that concern it.

        Args:
            name: The word for the way of sharing.
        """
        if name == "selective:variance":
            return replace(self, threshold=None)
        if name in ("selective", "selective:random"):
            return self if self.threshold is None else replace(self, groups=None)
        return SelectiveOptions()

    def sharing(self, seed: int) -> SelectiveSharing:
        """The way of sharing.

        Args:
            seed: Of its random numbers.

        Raises:
            InputError: If options contradict each other, or a number is out of range.
        """
        return SelectiveSharing(
            self._condition(seed),
            estimator_width=(
                DEFAULT_ESTIMATOR_WIDTH if self.estimator_width is None else self.estimator_width
            ),
            interval=self.interval,
            warm_up=self.warm_up or 0,
            window=DEFAULT_WINDOW if self.window is None else self.window,
            nonnegative=self.nonnegative,
            sign_invariant=self.sign_invariant,
            allow_split=self.allow_split,
            seed=seed,
        )

    def _condition(self, seed: int) -> Condition:
        if self.threshold is not None and self.groups is not None:
            raise InputError("--threshold and --groups both decide who shares; give one of them")
        if self.condition != "variance":
            given = {} if self.threshold is None else {"threshold": self.threshold}
            alike = Similarity(**given, n_groups=self.groups)
            return Shuffled(alike, seed) if self.condition == "random" else alike
        if self.groups is None:
            raise InputError("--condition variance needs --groups, the number of groups")
        return Variance(self.groups)
