"""The settings of anything that is a dataclass, as plain values."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from math import isfinite

from ramify.records._record import Setting


def settings_of(described: object) -> dict[str, Setting]:
    """The fields of a dataclass that its constructor takes, as values that fit into JSON.

    What JSON lacks becomes a word: infinity, a pair, or an object that a setting holds.

    Args:
        described: An object of a dataclass.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Soft:
        ...     alpha: float = float("inf")
        ...     edges: tuple[tuple[str, str, float], ...] | None = (("a", "b", 2.0),)
        >>> settings_of(Soft())
        {'alpha': 'infinite', 'edges': ['a, b: 2']}
    """
    if not is_dataclass(described):
        return {}
    return {f.name: _plain(getattr(described, f.name)) for f in fields(described) if f.init}


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
