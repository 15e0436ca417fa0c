"""The weightings of losses that the command line knows by name, with their settings."""

from collections.abc import Collection, Sequence

from ramify._core import InputError, listed, quoted
from ramify.cli._made import made
from ramify.cli._settings import GivenSetting
from ramify.weighting import WEIGHTINGS, Fixed, GramWeighting, Weighting


def weighting_of(name: str, settings: Sequence[GivenSetting] = ()) -> Weighting:
    """A weighting.

    Args:
        name: One of `WEIGHTINGS`.
        settings: What ``--set`` says of it and of others.

    Raises:
        InputError: If there is none of that name, or a setting does not fit it.

    Example:
        >>> weighting_of("cagrad", [GivenSetting("cagrad", "radius", "0.5")])
        CAGrad(radius=0.5)
    """
    if name not in WEIGHTINGS:
        raise InputError(f"--weighting must be one of {', '.join(WEIGHTINGS)}. Got {quoted(name)}")
    return made(name, WEIGHTINGS[name], {}, settings)


def weightings_of(
    names: Sequence[str], settings: Sequence[GivenSetting] = ()
) -> dict[str, Weighting]:
    """Several weightings by their names.

    Raises:
        InputError: If there is none, one is named twice, or one does not fit.
    """
    check_each_once(names, "--weighting", "weighting")
    return {name: weighting_of(name, settings) for name in names}


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
        names = ", ".join(each.name for each in weightings)
        raise InputError(
            "--exact-gradients is for a --weighting that looks at gradients, such as upgrad. "
            f"Got {names}; leave it out"
        )


def check_fixed(weightings: Collection[Weighting], n_tasks: int) -> None:
    """Check that given weights are as many as there are tasks.

    Args:
        weightings: Given weights may be among them.
        n_tasks: Number of tasks.

    Raises:
        InputError: If there are more or fewer.
    """
    for each in weightings:
        if isinstance(each, Fixed) and len(each.values) != n_tasks:
            raise InputError(
                f"--set fixed.values must be one weight per task, {n_tasks}, in their order. "
                f"Got {len(each.values)}"
            )


def check_is_heeded(weighting: Weighting, sharing: str) -> None:
    """Check that what is fitted heeds the weighting.

    Raises:
        InputError: If it is a linear model, and the weighting not the usual one.
    """
    if sharing.startswith("linear:") and weighting.name != "equal":
        raise InputError(
            f"--weighting is for networks; {sharing} is not trained by steps. "
            f"Got {weighting.name}; leave it out"
        )
