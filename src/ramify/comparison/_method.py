"""A way of sharing that takes part: its name, and how to make one for a seed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ramify._core import InputError, listed, quoted
from ramify.records import Setting
from ramify.sharing import HardSharing, Sharing, SingleTask
from ramify.weighting import Weighting

# The second half is the name of a weighting, see `crossed`.
_NAME = re.compile(r"[A-Za-z0-9][\w:.+-]{0,59}( \+ [\w:.+-]{1,60})?")


@dataclass(frozen=True)
class Method:
    """A way of sharing to compare.

    Attributes:
        name: The word for it, also in file names.
        make: From a seed to a fresh way of sharing; several processes call it.
        given: What decides the result beside the settings of the way of sharing itself.
        weighting: How much each task counts; None for what training says.

    Raises:
        InputError: If the name is no plain word.

    Example:
        >>> Method("hard", lambda seed: HardSharing()).make(0).name
        'hard'
    """

    name: str
    make: Callable[[int], Sharing]
    given: Mapping[str, Setting] = field(default_factory=dict)
    weighting: Weighting | None = None

    def __post_init__(self) -> None:
        """Check the name, of which a file name is made."""
        if not _NAME.fullmatch(self.name):
            raise InputError(
                "`name` of a method must be a word of letters, digits and _ : . + -. "
                f"Got {quoted(self.name)}"
            )


# Functions with a name, since not every way into another process takes others.
def _single_task(_seed: int) -> Sharing:
    return SingleTask()


def _hard(_seed: int) -> Sharing:
    return HardSharing()


SINGLE_TASK = Method("single-task", _single_task)
HARD = Method("hard", _hard)
ALWAYS = (SINGLE_TASK, HARD)
"""The methods that every comparison holds."""


def check_different(methods: Sequence[Method]) -> None:
    """Refuse two methods of one name.

    Raises:
        InputError: If there are.
    """
    counts = Counter(method.name for method in methods)
    repeated = [name for name, n in counts.items() if n > 1]
    if repeated:
        raise InputError(f"each method may be named once. Got {listed(repeated)} repeatedly")


def completed(methods: Sequence[Method], reserved: Sequence[str]) -> list[Method]:
    """The methods with those that always take part, in the order of their names.

    Args:
        methods: What was asked for.
        reserved: Names that other contenders have.

    Raises:
        InputError: If two have one name, or one has a reserved name.
    """
    check_different(methods)
    names = [method.name for method in methods]
    taken = [name for name in names if name in reserved]
    if taken:
        raise InputError(
            f"a method may not be called {listed(taken)}: a baseline is; leave it out, it always "
            "takes part"
        )
    every = [*methods, *(each for each in ALWAYS if each.name not in names)]
    return sorted(every, key=lambda method: method.name)
