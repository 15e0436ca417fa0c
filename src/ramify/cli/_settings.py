"""``--set``: any setting of a way of sharing or of a weighting that can be said in a word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ramify._core import InputError, listed, quoted
from ramify.cli._words import names_in

_FORM: Final = "--set must be NAME.SETTING=VALUE, such as soft.alpha=300"


@dataclass(frozen=True)
class GivenSetting:
    """One setting as it was typed.

    Attributes:
        owner: Word for the way of sharing or the weighting.
        name: Of the setting.
        value: What it is set to.
    """

    owner: str
    name: str
    value: str

    @property
    def option(self) -> str:
        """The option without the value, for messages."""
        return f"--set {self.owner}.{self.name}"

    def concerns(self, word: str) -> bool:
        """Whether it is for a way of sharing or a weighting; a word alone is for all its forms."""
        return self.owner in (word, word.partition(":")[0])


def settings_in(given: str | list[str]) -> tuple[GivenSetting, ...]:
    """The settings of ``--set``; a value may have commas of its own.

    Raises:
        InputError: If one is malformed, or given twice.

    Example:
        >>> [each.value for each in settings_in("soft.stages=0,1,dwa.temperature=3")]
        ['0,1', '3']
    """
    found: list[GivenSetting] = []
    for each in _whole(names_in(given)):
        left, equals, value = each.partition("=")
        owner, _, name = left.strip().rpartition(".")
        if not (equals and owner and name and value.strip()):
            raise InputError(f"{_FORM}. Got {quoted(each)}")
        found.append(GivenSetting(owner, name, value.strip()))
    options = [each.option for each in found]
    if repeated := [each for each in dict.fromkeys(options) if options.count(each) > 1]:
        raise InputError(f"{repeated[0]} must be given once. Got it twice")
    return tuple(found)


def check_take_part(
    settings: Sequence[GivenSetting], known: Mapping[str, Sequence[str]], present: Sequence[str]
) -> None:
    """Check that each setting is for something that takes part.

    Args:
        settings: What was typed.
        known: All words, by the option that names them.
        present: The words of those that take part.

    Raises:
        InputError: If one is for nothing, so that nothing would heed it.
    """
    for each in settings:
        if any(map(each.concerns, present)):
            continue
        options = [option for option, words in known.items() if any(map(each.concerns, words))]
        if options:
            raise InputError(
                f"{each.option} must be for what takes part: name {each.owner} in {options[0]}, or "
                "leave it out"
            )
        raise InputError(
            f"--set must name a way of sharing or a weighting, here {listed(present)}. "
            f"Got {quoted(each.owner)}"
        )


def _whole(pieces: Sequence[str]) -> list[str]:
    """The pieces between commas, where one without = goes on with the value before it."""
    found: list[str] = []
    for piece in pieces:
        if "=" in piece or not found:
            found.append(piece)
        else:
            found[-1] += f",{piece}"
    return found
