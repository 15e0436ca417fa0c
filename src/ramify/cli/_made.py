"""A way of sharing or a weighting from its class, its word, and what ``--set`` says of it."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ramify._core import InputError, quoted
from ramify.cli._flags import option_of
from ramify.cli._settings import GivenSetting
from ramify.cli._spoken import spoken, typed

Made = TypeVar("Made")


def made(
    word: str,
    kind: Callable[..., Made],
    said: Mapping[str, object],
    settings: Sequence[GivenSetting],
) -> Made:
    """A way of sharing or a weighting with its settings.

    What is for one form, as ``factorised:tt``, counts more than what is for all.

    Args:
        word: For it.
        kind: Its class.
        said: Arguments that its word and other options say.
        settings: What was typed for it and for others.

    Raises:
        InputError: If it has no such setting, a value does not fit, or one is missing.
    """
    own = sorted((each for each in settings if each.concerns(word)), key=lambda s: s.owner == word)
    values = {each.name: _value(each, word, kind, said) for each in own}
    _check_complete(word, kind, {*said, *values})
    try:
        return kind(**{**said, **values})
    except InputError as error:
        message = as_typed(str(error), own)
        if own and message == str(error) and not any(f"`{name}`" in message for name in said):
            message = f"{own[-1].option}: {message.replace('`', '')}"
        raise InputError(message) from None


@contextmanager
def named_as_typed(settings: Sequence[GivenSetting]) -> Iterator[None]:
    """Let errors speak of ``--set`` where they name a setting as the library does.

    Args:
        settings: Those that were typed, all for one way of sharing and one weighting.
    """
    try:
        yield
    except InputError as error:
        message = as_typed(str(error), settings)
        if message == str(error):
            raise
        raise InputError(message) from None


def as_typed(message: str, settings: Sequence[GivenSetting]) -> str:
    """A message that speaks of ``--set`` where it names a setting as the library does.

    Args:
        message: What an error says.
        settings: Those that were typed, all for one way of sharing and one weighting.
    """
    for each in settings:
        message = message.replace(f"`{each.name}`", each.option)
    return message


def _value(
    given: GivenSetting, word: str, kind: Callable[..., object], said: Mapping[str, object]
) -> object:
    parameters = inspect.signature(kind).parameters
    if given.name in said:
        raise InputError(f"{given.option} is said by {option_of(given.name)}; leave --set out")
    form = spoken(parameters[given.name].annotation) if given.name in parameters else None
    if form is None:
        known = [
            f"{name} ({typed(each.default)})"
            for name, each in parameters.items()
            if name not in said and spoken(each.annotation)
        ]
        what = "can only be set from Python" if given.name in parameters else "is unknown"
        more = f"has the settings {', '.join(known)}" if known else "has no settings"
        raise InputError(f"{given.option} {what}; {word} {more}")
    try:
        return form.read(given.value)
    except (ValueError, KeyError):
        raise InputError(
            f"{given.option} must be {form.words}. Got {quoted(given.value)}"
        ) from None


def _check_complete(word: str, kind: Callable[..., object], filled: Collection[str]) -> None:
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.default is parameter.empty and name not in filled:
            form = spoken(parameter.annotation)
            words = "a value" if form is None else form.words
            raise InputError(f"{word} needs --set {word}.{name}=…, {words}")
