"""The options of a verb: its parameters, and the fields of those that bundle several."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Final

from docstring_parser import parse as parse_docstring

_POSITIONALS: Final = ("table", "directory")


def flag(name: str) -> str:
    """The option, or the place on the command line, of a verb's parameter.

    Example:
        >>> flag("batch_size"), flag("table")
        ('--batch-size', 'TABLE')
    """
    return name.upper() if name in _POSITIONALS else f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class CommandOption:
    """One option, or one place on the command line.

    Attributes:
        name: Of the parameter or field.
        annotation: Its type.
        default: What it is if nothing is said; `inspect.Parameter.empty` if something must be.
        words: What it means.
        is_place: Whether it is told by its place and has no flag.
        arguments: What Python calls it, where that is not its name.
    """

    name: str
    annotation: Any
    default: object
    words: str | None
    is_place: bool = False
    arguments: tuple[str, ...] = ()


class Asking(ABC):
    """A bundle of options that others declare."""

    @classmethod
    @abstractmethod
    def flags(cls) -> list[CommandOption]:
        """Its options."""

    @classmethod
    @abstractmethod
    def glossary(cls) -> str:
        """The words that its options take, for the end of a verb's help."""

    @abstractmethod
    def __init__(self, values: Mapping[str, object]) -> None:
        """Take what was said of all options of the verb."""


def options_of(verb: Callable[..., object]) -> list[CommandOption]:
    """The options of a verb, in order.

    Args:
        verb: A function. The fields of a parameter that is a dataclass are options, too.

    Example:
        >>> def fit(*, epochs: int = 1) -> None: ...
        >>> options_of(fit)[0].name
        'epochs'
    """
    found: list[CommandOption] = []
    words = _words(verb)
    for each in inspect.signature(verb).parameters.values():
        if isinstance(each.annotation, type) and issubclass(each.annotation, Asking):
            found += each.annotation.flags()
            continue
        if is_dataclass(each.annotation):
            found += _of_bundle(each.annotation)
            continue
        is_place = each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.append(
            CommandOption(each.name, each.annotation, each.default, words.get(each.name), is_place)
        )
    return found


def epilog_of(verb: Callable[..., object]) -> str | None:
    """What stands at the end of a verb's help.

    Args:
        verb: A function.
    """
    for each in inspect.signature(verb).parameters.values():
        if isinstance(each.annotation, type) and issubclass(each.annotation, Asking):
            return each.annotation.glossary()
    return None


def called(verb: Callable[..., None], values: Mapping[str, object]) -> None:
    """Call a verb, with the fields of its bundles put together.

    Args:
        verb: The function.
        values: Of all its options.
    """
    parameters = inspect.signature(verb).parameters.values()
    verb(**{each.name: _value(each.name, each.annotation, values) for each in parameters})


def _of_bundle(bundle: object) -> Iterator[CommandOption]:
    assert is_dataclass(bundle)  # who calls has looked
    words = _words(bundle)
    for each in fields(bundle):
        if is_dataclass(each.type):
            yield from _of_bundle(each.type)
        else:
            default = inspect.Parameter.empty if each.default is MISSING else each.default
            yield CommandOption(each.name, each.type, default, words.get(each.name))


def _value(name: str, annotation: object, values: Mapping[str, object]) -> object:
    if isinstance(annotation, type) and issubclass(annotation, Asking):
        return annotation(values)
    if not is_dataclass(annotation):
        return values[name]
    assert isinstance(annotation, type)  # an annotation is a class, not an object of it
    return annotation(
        **{each.name: _value(each.name, each.type, values) for each in fields(annotation)}
    )


def _words(documented: object) -> dict[str, str | None]:
    text = parse_docstring(inspect.getdoc(documented) or "")
    return {each.arg_name: each.description for each in text.params}
