"""What can be wrong with weightings of losses before any data is read."""

from collections.abc import Collection, Sequence

from ramify._core import InputError, listed
from ramify.weighting import GramWeighting, Weighting


def check_each_once(names: Sequence[str], option: str, noun: str) -> None:
    """Check that an option names at least one, and each once.

    Raises:
        InputError: If not.
    """
    if not names:
        raise InputError(f"{option} must name at least one {noun}. Got none")
    if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(
            f"{option} must name each {noun} once. Got {listed(repeated)} repeatedly; leave one out"
        )


def check_exact_gradients(exact: bool, weightings: Collection[Weighting]) -> None:
    """Check that exact gradients, where asked for, serve a weighting.

    Raises:
        InputError: If none looks at gradients.
    """
    if exact and not any(isinstance(each, GramWeighting) for each in weightings):
        names = ", ".join(each.word for each in weightings)
        raise InputError(
            "--exact-gradients is for a --weighting that looks at gradients, such as upgrad. "
            f"Got {names}; leave it out"
        )
