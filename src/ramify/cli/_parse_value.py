"""Which values can be said in a word, and what the word stands for."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final, Literal, Union, get_args, get_origin

from ramify._core import InputError, listed, quoted

_NONE: Final = "none"
_MOST: Final = 1_000_000


@dataclass(frozen=True)
class ValueForm:
    """How values of a type are typed.

    Attributes:
        words: What one must be, for messages.
        read: From what was typed to the value.
    """

    words: str
    read: Callable[[str], object]

    def value(self, option: str, text: str) -> object:
        """The value that was typed.

        Args:
            option: Where, for the message.
            text: What.

        Raises:
            InputError: If it does not fit.
        """
        try:
            return self.read(text)
        except (ValueError, KeyError):
            raise InputError(f"{option} must be {self.words}. Got {quoted(text)}") from None


def parsed(annotation: object) -> ValueForm | None:
    """How values of a type are typed; None if they cannot be said in a word.

    Args:
        annotation: The type, as a parameter states it.

    Example:
        >>> parsed(tuple[int, ...] | None).read("0,2")
        (0, 2)
        >>> parsed(dict[str, int]) is None
        True
    """
    if isinstance(annotation, type) and annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ValueForm(f"one of {listed(inner)}", _one_of(inner))
    if origin in (types.UnionType, Union):
        return _or_none([each for each in inner if each is not types.NoneType])
    if origin in (tuple, Sequence) and inner[0] in _PLAIN and inner[1:] in ((), (...,)):
        each = _PLAIN[inner[0]]
        return ValueForm(f"{each.words}, or several with commas between", _several(each))
    return None


def typed(value: object) -> str:
    """A value as it would be typed.

    Example:
        >>> typed((0, 1)), typed(None), typed(300.0)
        ('0,1', 'none', '300')
    """
    if isinstance(value, list | tuple):
        return ",".join(map(typed, value))
    plain = str(value).removesuffix(".0")
    return plain.lower() if value is None or isinstance(value, bool) else plain


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _whole(text: str) -> int:
    value = int(text)
    if abs(value) > _MOST:  # no setting counts so far, and memory ends before
        raise ValueError(text)
    return value


def _number(text: str) -> float:
    value = float(text)
    if isnan(value):
        raise ValueError(text)
    return value


def _one_of(choices: Sequence[object]) -> Callable[[str], object]:
    by_word = {str(each): each for each in choices}
    return by_word.__getitem__


def _several(each: ValueForm) -> Callable[[str], object]:
    return lambda text: tuple(each.read(part.strip()) for part in text.split(","))


def _or_none(others: Sequence[object]) -> ValueForm | None:
    form = parsed(others[0]) if len(others) == 1 else None
    if form is None:
        return None
    read = form.read
    return ValueForm(
        f"{form.words}, or {_NONE}", lambda text: None if text.lower() == _NONE else read(text)
    )


_PLAIN: Final[Mapping[type, ValueForm]] = {
    bool: ValueForm("true or false", _truth),
    int: ValueForm(f"a whole number up to {_MOST:,}", _whole),
    float: ValueForm("a number", _number),
    str: ValueForm("a word", str),
}
