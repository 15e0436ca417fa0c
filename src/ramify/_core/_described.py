"""What people can ask for by a word: it describes itself, and says how it is made."""

import inspect
import re
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from math import isfinite
from typing import Any, ClassVar, Self

from ramify._core._declared import checked

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


@dataclass(frozen=True)
class Option:
    """An option of the command line that belongs to what it is declared by.

    Attributes:
        name: As Python has it; ``max_parameters`` is typed with hyphens.
        words: What it means, for the help.
        sets: The argument of the class that it gives; by default the one of its name.
        type: What it takes; by default what that argument takes.
        forms: The forms that use it; None for all.
        as_form: Where the option is another way to say the form: from its value to the form.
        alone: Whether it has a meaning only where one is trained, not several.
        anywhere: Whether it may also stand where nothing uses it.
        needed_by: The forms that cannot do without it.
    """

    name: str
    words: str
    sets: str = ""
    type: Any = None
    forms: tuple[str, ...] | None = None
    as_form: Callable[[Any], str] | None = None
    alone: bool = False
    anywhere: bool = False
    needed_by: tuple[str, ...] = ()

    @property
    def argument(self) -> str:
        """The argument of the class that it gives."""
        return self.sets or self.name

    def concerns(self, form: str) -> bool:
        """Whether a form uses it."""
        return self.forms is None or form in self.forms


@checked
@dataclass(frozen=True)
class OptionContext:
    """What surrounds what is made from options.

    Attributes:
        seed: Of its random numbers.
        backbone: The network's stages, a `ramify.networks.BackboneSpec`; None where they are not
            known.
        beside: The words of all that take part.
    """

    seed: int = 0
    backbone: object = None
    beside: Sequence[str] = ()


class Described(ABC):
    """Anything that people can ask for by a word.

    Attributes:
        name: The word for it; by default that of the class in kebab case.
        label: What it is in a few words; by default the first line of its docstring.
        forms: The forms that follow its name after a colon, with the arguments that each gives; the
            empty one is the plain name.
        refused: Forms that cannot be asked for by a word, with the reason.
        options: Its own options of the command line. Every other argument that can be said in a
            word can be set as ``NAME.ARGUMENT=VALUE``.
        renamed: Its arguments by the names that they had before, which ``NAME.ARGUMENT`` may still
            say.
    """

    name: ClassVar[str]
    label: ClassVar[str] = ""
    forms: ClassVar[Mapping[str, Mapping[str, object]]] = {"": {}}
    refused: ClassVar[Mapping[str, str]] = {}
    options: ClassVar[tuple[Option, ...]] = ()
    renamed: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        """Names that are not given follow from the class."""
        super().__init_subclass__()
        own = vars(cls)
        if "name" not in own:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        if "label" not in own and own.get("__doc__"):
            cls.label = inspect.cleandoc(own["__doc__"]).partition("\n")[0].rstrip(".")

    @classmethod
    def words(cls) -> dict[str, str]:
        """The words for all its forms, each with its form."""
        return {f"{cls.name}:{form}" if form else cls.name: form for form in cls.forms}

    @classmethod
    def from_options(cls, form: str, given: Mapping[str, Any], context: OptionContext) -> Self:
        """Make one from what was said.

        Args:
            form: One of `forms`.
            given: Values by the names of arguments, and of options that give none.
            context: What surrounds it.

        Raises:
            InputError: If what was said does not fit.
        """
        values = {**cls.forms[form], **given}
        if "seed" in inspect.signature(cls).parameters:
            values.setdefault("seed", context.seed)
        return cls(**values)

    @property
    def word(self) -> str:
        """The word for it in a record."""
        return self.name

    def settings(self) -> dict[str, Setting]:
        """Its settings, for the record: what it was made with."""
        return settings_of(self)
