"""Lists and pairs as they are typed on the command line."""

from ramify._core import InputError, quoted
from ramify.data import StatedKind, split_names
from ramify.tasks import Ordinal


def names_in(given: str | list[str]) -> list[str]:
    """Names, typed with commas between them or listed in a YAML file."""
    return split_names(given) if isinstance(given, str) else list(given)


def kinds_in(given: str | list[str]) -> dict[str, StatedKind]:
    """The kinds of ``--kind``, by the name of their target.

    Raises:
        InputError: If one is not ``NAME=KIND``.
    """
    kinds: dict[str, StatedKind] = {}
    for each in names_in(given):
        name, found, kind = each.rpartition("=")
        if not found:
            raise InputError(
                f"--kind must be NAME=KIND, such as NAME=regression. Got {quoted(each)}"
            )
        kinds[name] = kind
    return kinds


def levels_in(given: str | list[str]) -> dict[str, StatedKind]:
    """The levels of ``--ordinal``, by the name of their target.

    Raises:
        InputError: If one is not ``NAME=LEVEL,LEVEL``.
    """
    kinds: dict[str, StatedKind] = {}
    for each in [given] if isinstance(given, str) else given:
        name, found, levels = each.rpartition("=")
        names = split_names(levels)
        if not each:
            continue
        if not (found and name) or len(names) < 2 or len(set(names)) < len(names):
            raise InputError(
                "--ordinal must be NAME=low,mid,high: two or more different levels as they rise. "
                f"Got {quoted(each)}"
            )
        kinds[name] = Ordinal(tuple(names))
    return kinds


def positives_in(given: str | list[str]) -> dict[str, str]:
    """The classes of ``--positive``, by the name of their target.

    Raises:
        InputError: If one is not ``NAME=CLASS``.
    """
    classes = {}
    for each in names_in(given):
        name, found, label = each.partition("=")
        if not (found and name and label):
            raise InputError(f"--positive must be NAME=CLASS, such as ill=yes. Got {quoted(each)}")
        classes[name] = label
    return classes


def kinds_and_levels_in(kind: str | list[str], ordinal: str | list[str]) -> dict[str, StatedKind]:
    """What ``--kind`` and ``--ordinal`` say together, by the name of their target.

    Raises:
        InputError: If one is malformed, or both speak of one target.
    """
    kinds, levels = kinds_in(kind), levels_in(ordinal)
    for name in levels:
        if name in kinds and kinds[name] != "ordinal":
            raise InputError(
                f"--kind and --ordinal must not contradict each other. Got {quoted(name)} in both; "
                "leave one out"
            )
    return kinds | levels


def batch_size_in(given: int) -> int:
    """The rows per step.

    Raises:
        InputError: If there are none.
    """
    if given < 1:
        raise InputError(f"--batch-size must be 1 or more. Got {given}")
    return given
