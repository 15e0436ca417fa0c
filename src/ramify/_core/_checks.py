"""Checks of numbers; each error names the argument, what it must be, and what it got."""

import re
from math import inf
from numbers import Integral, Real
from operator import ge, gt
from sys import float_info
from typing import Final, TypeGuard

from ramify._core._errors import InputError
from ramify._core._text import quoted

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_TIME: Final = re.compile(r"(\d+\.?\d*|\.\d+) ?([smh]?)")


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


def check_seconds(name: str, value: object) -> float:
    """A length of time in seconds, given as such or as a text like ``90s``, ``5m`` or ``1.5h``.

    Raises:
        InputError: If it is none, or not above 0.

    Example:
        >>> check_seconds("time_limit", "5m")
        300.0
    """
    if _is_number(value):
        return check_number(name, value, open_end=True)
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        requirement = "must be a time above 0, such as 90s, 5m or 1.5h"
        raise InputError(requirement, argument=name, got=_as_given(value))
    return seconds


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _as_given(value: object) -> str:
    return repr(value) if value is None or isinstance(value, Real) else quoted(value)
