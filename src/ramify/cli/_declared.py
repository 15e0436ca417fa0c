"""The options of a verb: its parameters, and the fields of those that bundle several."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from docstring_parser import parse as parse_docstring


@dataclass(frozen=True)
class Option:
    """One option, or one place on the command line.

    Attributes:
        name: Of the parameter or field.
        annotation: Its type.
        default: What it is if nothing is said; `inspect.Parameter.empty` if something must be.
        words: What it means.
        is_place: Whether it is told by its place and has no flag.
    """

    name: str
    annotation: Any
    default: object
    words: str | None
    is_place: bool = False


def options_of(verb: Callable[..., object]) -> list[Option]:
    """The options of a verb, in order.

    Args:
        verb: A function. The fields of a parameter that is a dataclass are options, too.

    Example:
        >>> def fit(*, epochs: int = 1) -> None: ...
        >>> options_of(fit)[0].name
        'epochs'
    """
    found: list[Option] = []
    words = _words(verb)
    for each in inspect.signature(verb).parameters.values():
        if is_dataclass(each.annotation):
            found += _of_bundle(each.annotation)
            continue
        is_place = each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.append(
            Option(each.name, each.annotation, each.default, words.get(each.name), is_place)
        )
    return found


def called(verb: Callable[..., None], values: Mapping[str, object]) -> None:
    """Call a verb, with the fields of its bundles put together.

    Args:
        verb: The function.
        values: Of all its options.
    """
    parameters = inspect.signature(verb).parameters.values()
    verb(**{each.name: _value(each.name, each.annotation, values) for each in parameters})


def _of_bundle(bundle: object) -> Iterator[Option]:
    assert is_dataclass(bundle)  # who calls has looked
    words = _words(bundle)
    for each in fields(bundle):
        if is_dataclass(each.type):
            yield from _of_bundle(each.type)
        else:
            default = inspect.Parameter.empty if each.default is MISSING else each.default
            yield Option(each.name, each.type, default, words.get(each.name))


def _value(name: str, annotation: object, values: Mapping[str, object]) -> object:
    if not is_dataclass(annotation):
        return values[name]
    assert isinstance(annotation, type)  # an annotation is a class, not an object of it
    return annotation(
        **{each.name: _value(each.name, each.type, values) for each in fields(annotation)}
    )


def _words(documented: object) -> dict[str, str | None]:
    text = parse_docstring(inspect.getdoc(documented) or "")
    return {each.arg_name: each.description for each in text.params}
