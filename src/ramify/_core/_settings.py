"""The settings of an object as plain values."""

import inspect
from collections.abc import Sequence
from dataclasses import is_dataclass
from math import isfinite

Setting = str | int | float | bool | None | list[str] | list[float] | list[int]


def settings_of(described: object) -> dict[str, Setting]:
    """What an object was made with, as values that fit into JSON.

    These are the arguments of its constructor, which it keeps under the same names, as a dataclass
    does. What JSON lacks becomes a word: infinity, a pair, or an object that a setting holds.

    Args:
        described: The object.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Soft:
        ...     alpha: float = float("inf")
        ...     edges: tuple[tuple[str, str, float], ...] | None = (("a", "b", 2.0),)
        >>> settings_of(Soft())
        {'alpha': 'infinite', 'edges': ['a, b: 2']}
    """
    names = inspect.signature(type(described)).parameters
    return {n: _plain(getattr(described, n)) for n in names if hasattr(described, n)}


def _plain(value: object) -> Setting:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else _word(value)
    if isinstance(value, Sequence):
        if all(isinstance(each, int) for each in value):
            return list(value)
        if all(isinstance(each, float) and isfinite(each) for each in value):
            return list(value)
        return [_word(each) for each in value]
    return _word(value)


def _word(value: object) -> str:
    """The same word in every process: no address of an object in it."""
    if isinstance(value, float):
        return f"{value:g}".replace("inf", "infinite")
    if isinstance(value, tuple | list):
        *names, last = map(_word, value)
        mark = ": " if isinstance(value[-1], int | float) else ", "
        return mark.join([", ".join(names), last]) if names else last
    if is_dataclass(value):
        to_json = getattr(value, "to_json", None)
        return str(to_json()) if callable(to_json) else repr(value)
    if isinstance(value, str | int):
        return str(value)
    return str(getattr(value, "__qualname__", type(value).__qualname__))
