"""Selective sharing as the command line has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Literal

from ramify._core import InputError
from ramify.cli._flags import flag
from ramify.grouping import Condition, Shuffled, Similarity, Variance, apart, together

DEFAULT_ESTIMATOR_WIDTH, DEFAULT_WINDOW = 64, 150

ConditionName = Literal["similarity", "variance", "random", "all", "none"]
_UNASKED: Final[Mapping[str, Condition]] = {"all": together, "none": apart}
_LIKENESS: Final = ("selective", "selective:random")
_OWNERS: Final = {"threshold": _LIKENESS, "groups": (*_LIKENESS, "selective:variance")}


@dataclass(frozen=True)
class SelectiveOptions:
    """What concerns selective sharing only; None or False where nothing is said.

    Attributes:
        threshold: Largest mean distance of tasks that selective sharing joins (0.5 by default).
        groups: Number of groups: of selective in place of --threshold, of selective:variance always.
        estimator_width: Width of each estimator of selective sharing (64 by default).
        interval: Steps between selective sharing's looks at the gradients (by default the epochs that
            make 150 steps); of fit --paper, between its tests for a split (1000 by default).
        warm_up: Steps of selective sharing before the first gradient counts.
        window: Steps of selective sharing after each look whose gradients count (150 by default).
        nonnegative: Number of non-negative factors (NMF) of selective sharing's gradients, in place of
            singular values.
        sign_invariant: Whether opposite gradients count as alike in selective sharing.
        allow_split: Whether selective sharing may divide groups again.
    """

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
        if name in ("selective:all", "selective:none"):
            return replace(self, threshold=None, groups=None)
        if name == "selective:variance":
            return replace(self, threshold=None)
        if name in _LIKENESS:
            return self if self.threshold is None else replace(self, groups=None)
        return SelectiveOptions()

    def arguments(self, condition: ConditionName, seed: int) -> Mapping[str, object]:
        """The arguments of the way of sharing.

        Args:
            condition: Which tasks share: those with like gradients, groups as diverse as can be,
                or, as controls, groups of the sizes of the former at random, all and none.
            seed: Of its random numbers.

        Raises:
            InputError: If options contradict each other.
        """
        return {
            "condition": self._condition(condition, seed),
            "estimator_width": (
                DEFAULT_ESTIMATOR_WIDTH if self.estimator_width is None else self.estimator_width
            ),
            "interval": self.interval,
            "warm_up": self.warm_up or 0,
            "window": DEFAULT_WINDOW if self.window is None else self.window,
            "nonnegative": self.nonnegative,
            "sign_invariant": self.sign_invariant,
            "allow_split": self.allow_split,
            "seed": seed,
        }

    def _condition(self, condition: ConditionName, seed: int) -> Condition:
        if condition in _UNASKED:
            if self.threshold is not None or self.groups is not None:
                raise InputError(
                    f"--condition {condition} asks neither --threshold nor --groups; leave them out"
                )
            return _UNASKED[condition]
        if self.threshold is not None and self.groups is not None:
            raise InputError("--threshold and --groups both decide who shares; give one of them")
        if condition != "variance":
            given = {} if self.threshold is None else {"threshold": self.threshold}
            alike = Similarity(**given, n_groups=self.groups)
            return Shuffled(alike, seed) if condition == "random" else alike
        if self.groups is None:
            raise InputError("--condition variance needs --groups, the number of groups")
        return Variance(self.groups)


def check_heeded(options: SelectiveOptions, names: Sequence[str]) -> None:
    """Check that options that decide who shares concern one of several ways of sharing.

    Args:
        options: What the command line says.
        names: The ways of sharing that take part.

    Raises:
        InputError: If one does not, so that nothing would heed it.
    """
    for option in options.given():
        owners = _OWNERS.get(option, names)
        if not any(name in owners for name in names):
            raise InputError(
                f"{flag(option)} is for --sharing {' or '.join(owners)}. Got {', '.join(names)}; "
                "leave it out"
            )


def word_of(sharing: str, condition: ConditionName | None) -> str:
    """The word for a way of sharing, with the condition of selective sharing in it.

    Args:
        sharing: Word for the way of sharing.
        condition: What ``--condition`` says.

    Raises:
        InputError: If it is not for this way of sharing, or contradicts its word.

    Example:
        >>> word_of("selective", "variance")
        'selective:variance'
    """
    if condition is None:
        return sharing
    if sharing not in ("selective", f"selective:{condition}"):
        raise InputError(f"--condition is for --sharing selective. Got {sharing}; leave it out")
    return sharing if condition == "similarity" else f"selective:{condition}"
