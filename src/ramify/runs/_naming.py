"""Errors about a file or directory say which option named it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ramify._core import InputError, quoted


@contextmanager
def naming(option: str, path: Path) -> Iterator[None]:
    """Put an option and what it names before the message of an error, which keeps its class.

    Args:
        option: As it is typed.
        path: What was typed after it.

    Example:
        >>> with naming("--start-from", Path("old")):
        ...     raise InputError("`width` must be 8. Got 4")
        Traceback (most recent call last):
        ...
        ramify._core._errors.InputError: --start-from 'old' cannot be used: `width` must be 8. Got 4
    """
    try:
        yield
    except InputError as error:
        raise type(error)(f"{option} {quoted(path)} cannot be used: {error}") from None
