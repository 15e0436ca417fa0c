"""Constructors that refuse arguments of other types than they declare, in one line."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ramify._core._errors import InputError
from ramify._core._text import quoted

Class = TypeVar("Class", bound=type)

_WORDS: dict[object, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a Path",
    NoneType: "None",
}


def checked(cls: Class) -> Class:
    """Let a class refuse arguments of other types than its constructor declares.

    What a declared type cannot tell, such as a range, is left to the class; so are arrays and
    tensors. Numbers of numpy are numbers, and any sequence may stand for a tuple.

    Args:
        cls: The class; decorated after ``dataclass``.

    Example:
        >>> from dataclasses import dataclass
        >>> @checked
        ... @dataclass
        ... class Radius:
        ...     metres: float = 1.0
        >>> Radius("a")
        Traceback (most recent call last):
        ...
        ramify._core._errors.InputError: `metres` must be a number. Got 'a'
    """
    inner: Callable[..., None] = cls.__init__  # type: ignore[misc]  # of this very class
    signature = inspect.signature(inner)
    hints = cache(lambda: get_type_hints(inner, include_extras=True))

    @wraps(inner)
    def outer(self: object, *given: Any, **named: Any) -> None:  # noqa: ANN401
        for name, value in signature.bind(self, *given, **named).arguments.items():
            declared = hints().get(name, Any)
            if signature.parameters[name].kind not in _SEVERAL and not _fits(value, declared):
                raise InputError(
                    f"must be {_in_words(declared)}",
                    argument=name,
                    got=repr(value) if value is None or isinstance(value, Real) else quoted(value),
                )
        inner(self, *given, **named)

    cls.__init__ = outer  # type: ignore[misc]  # that is what it is for
    return cls


_SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _fits(value: object, declared: Any) -> bool:  # noqa: ANN401  # any annotation
    origin, inner = get_origin(declared), get_args(declared)
    if origin is Annotated:
        return _fits(value, inner[0])
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in inner)
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return _each_fits(value, inner)
    if origin is not None:
        return isinstance(value, origin) if isinstance(origin, type) else True
    return _is_a(value, declared)


def _is_a(value: object, declared: Any) -> bool:  # noqa: ANN401  # any annotation
    if declared is bool:
        return type(value).__name__ in ("bool", "bool_")  # of numpy, which is not imported for it
    if declared in (int, float):
        kind = Integral if declared is int else Real
        return isinstance(value, kind) and not isinstance(value, bool)
    # Annotations of arrays ask for shapes; those are checked where they are read.
    plain = isinstance(declared, type) and not declared.__module__.startswith("jaxtyping")
    if declared is not Any and plain and not getattr(declared, "_is_protocol", False):
        return bool(isinstance(value, declared))
    return True


def _each_fits(value: object, declared: Sequence[Any]) -> bool:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return False
    if len(declared) > 1 and declared[-1] is not Ellipsis:
        return len(value) == len(declared) and all(map(_fits, value, declared))
    return not declared or all(_fits(each, declared[0]) for each in value)


def _in_words(declared: Any) -> str:  # noqa: ANN401  # any annotation
    origin, inner = get_origin(declared), get_args(declared)
    if origin is None:
        name = getattr(declared, "__name__", "of another type")
        return _WORDS.get(declared) or f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"
    if origin in (Annotated, Union, UnionType):
        kinds = inner[:1] if origin is Annotated else inner
        return " or ".join(dict.fromkeys(map(_in_words, kinds)))
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if issubclass(origin, Sequence):
        several = len(inner) > 1 and inner[-1] is not Ellipsis
        each = ", ".join(map(_in_words, inner if several else inner[:1]))
        return f"({each})" if several else f"a sequence, each {each}"
    return "a mapping" if issubclass(origin, Mapping) else "a function"
