"""Errors about a file or directory say which argument named it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ramify._core import InputError, quoted


@contextmanager
def naming(argument: str, path: Path) -> Iterator[None]:
    """Put an argument and what it names before the message of an error, which keeps its class.

    Args:
        argument: As Python has it.
        path: What it names.

    Example:
        >>> with naming("start_from", Path("old")):
        ...     raise InputError("must be 8", argument="width", got="4")
        Traceback (most recent call last):
        ...
        ramify._core._errors.InputError: `start_from` 'old' cannot be used: `width` must be 8. Got 4
    """
    try:
        yield
    except InputError as error:
        raise type(error)(f"{quoted(path)} cannot be used: {error}", argument=argument) from None
