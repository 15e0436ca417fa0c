"""``--set``: any argument of what is named by a word, where a word can say it."""

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ramify._core import Described, InputError, quoted
from ramify.cli._parse_value import parsed, typed
from ramify.cli._words import names_in

_FORM: Final = "--set must be NAME.SETTING=VALUE, such as soft.alpha=300"


@dataclass(frozen=True)
class GivenSetting:
    """One setting as it was typed.

    Attributes:
        owner: Whose it is: a word.
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
        """Whether it is for a word; a name alone is for all its forms."""
        return self.owner in (word, word.partition(":")[0])

    def of(self, kind: type[Described]) -> "GivenSetting":
        """The setting by the name that a class has for it now."""
        return replace(self, name=kind.renamed.get(self.name, self.name))


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


def values_of(
    word: str, kind: type[Described], settings: Sequence[GivenSetting], said: Mapping[str, str]
) -> dict[str, Any]:
    """What ``--set`` says of a word, by the names of arguments.

    What is for one form, as ``factorised:tt``, counts more than what is for all.

    Args:
        word: The word.
        kind: Its class.
        settings: What was typed for it and for others.
        said: Arguments that are said elsewhere, with where.

    Raises:
        InputError: If there is no such argument, or a value does not fit.
    """
    own = [each.of(kind) for each in settings if each.concerns(word)]
    own.sort(key=lambda each: each.owner == word)
    return {each.name: _value(each, word, kind, said) for each in own}


def check_complete(word: str, kind: type[Described], filled: Collection[str]) -> None:
    """Check that an argument without a default is given.

    Raises:
        InputError: If one is missing.
    """
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.default is parameter.empty and name not in filled:
            form = parsed(parameter.annotation)
            words = "a value" if form is None else form.words
            raise InputError(f"{word} needs --set {word}.{name}=…, {words}")


def _value(
    given: GivenSetting, word: str, kind: type[Described], said: Mapping[str, str]
) -> object:
    parameters = inspect.signature(kind).parameters
    if given.name in said:
        raise InputError(f"{given.option} is said by {said[given.name]}; leave --set out")
    form = parsed(parameters[given.name].annotation) if given.name in parameters else None
    if form is None:
        known = [
            f"{name} ({typed(each.default)})"
            for name, each in parameters.items()
            if name not in said and parsed(each.annotation)
        ]
        what = "can only be set from Python" if given.name in parameters else "is unknown"
        more = f"has the settings {', '.join(known)}" if known else "has no settings"
        raise InputError(f"{given.option} {what}; {word} {more}")
    return form.value(given.option, given.value)


def _whole(pieces: Sequence[str]) -> list[str]:
    """The pieces between commas, where one without = goes on with the value before it."""
    found: list[str] = []
    for piece in pieces:
        if "=" in piece or not found:
            found.append(piece)
        else:
            found[-1] += f",{piece}"
    return found
