"""Checks of numbers; each error names the argument, what it must be, and what it got."""

from math import inf
from numbers import Integral, Real
from operator import ge, gt
from sys import float_info
from typing import TypeGuard

from ramify._core._errors import InputError
from ramify._core._text import quoted


def check_number(
    name: str, value: object, *, least: float = 0.0, most: float = inf, open_end: bool = False
) -> float:
    """A finite number of at least ``least``, or above it if ``open_end``, and at most ``most``.

    Raises:
        InputError: If it is none.

    Example:
        >>> check_number("alpha", 2)
        2.0
    """
    above = gt if open_end else ge
    # Not `isfinite`: a whole number may be too long for it.
    if _is_number(value) and above(value, least) and value <= min(most, float_info.max):
        return float(value)
    bound = f"above {least:g}" if open_end else f"of at least {least:g}"
    bound = bound if most == inf else f"{bound} and at most {most:g}"
    raise InputError(f"must be a finite number {bound}", argument=name, got=_as_given(value))


def check_count(name: str, value: object, least: int = 1) -> int:
    """A whole number of at least ``least``.

    Raises:
        InputError: If it is none.

    Example:
        >>> check_count("width", 3)
        3
    """
    if _is_whole(value) and value >= least:
        return int(value)
    requirement = f"must be a whole number of at least {least}"
    raise InputError(requirement, argument=name, got=_as_given(value))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _as_given(value: object) -> str:
    return repr(value) if value is None or isinstance(value, Real) else quoted(value)
