"""Classes by the names that people and files have for them; open to those of others."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from ramify._core._errors import InputError
from ramify._core._text import listed, quoted

Kind = TypeVar("Kind")

_log = logging.getLogger(__name__)


class Registry(Mapping[str, type[Kind]], Generic[Kind]):
    """The classes of one kind by name: built in, added, or of an installed package.

    A package offers its own by an entry point, whose name is that of the class. It is imported
    when a name is asked for that is not known yet, or all names are listed. No name is ever taken for a path
    to code.

    Args:
        base: What they all derive from.
        noun: What one is called in messages.
        group: The group of entry points.
        classes: Those that are built in, each with a ``name``.
        key: The attribute that holds the name.
        through: Further groups of entry points, each with what gives the classes of one of its own.

    Example:
        >>> class Shape: ...
        >>> class Round(Shape):
        ...     name = "round"
        >>> shapes = Registry(Shape, "shape", "example.shapes", [Round])
        >>> shapes.named("round").__name__
        'Round'
        >>> shapes.named("square")
        Traceback (most recent call last):
        ...
        ramify._core._errors.InputError: a shape must be one of 'round'. Got 'square'
    """

    def __init__(
        self,
        base: type,
        noun: str,
        group: str,
        classes: Iterable[type[Kind]],
        key: str = "name",
        through: Mapping[str, Callable[[Any], Iterable[type[Kind]]]] | None = None,
    ) -> None:
        self.base, self.noun, self._key = base, noun, key
        self._groups = {group: _itself, **(through or {})}
        self._classes: dict[str, type[Kind]] = {self._name(each): each for each in classes}
        self._searched = False

    def __getitem__(self, name: str) -> type[Kind]:
        """The class of a name."""
        if name not in self._classes:
            self._search()
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        """All names, those built in first."""
        self._search()
        return iter(self._classes)

    def __len__(self) -> int:
        """How many there are."""
        self._search()
        return len(self._classes)

    def named(self, name: str, argument: str | None = None) -> type[Kind]:
        """The class of a name.

        Args:
            name: Its name.
            argument: Which argument says it, for the message.

        Raises:
            InputError: If there is none.
        """
        try:
            return self[name]
        except KeyError:
            known = listed(self, len(self))
            must = f"must be one of {known}"
            must = must if argument else f"a {self.noun} {must}"
            raise InputError(must, argument=argument, got=quoted(name)) from None

    def add(self, added: type[Kind]) -> None:
        """Add a class under its name.

        Raises:
            InputError: If it is none of this kind, has no name, or another has its name.
        """
        if not (isinstance(added, type) and issubclass(added, self.base)):
            raise InputError(
                f"must derive from {self.base.__name__}", argument="added", got=quoted(added)
            )
        name = self._name(added)
        there = self._classes.get(name)
        if there is not None and _place(there) != _place(added):
            raise InputError(
                f"a {self.noun} of another class is called {quoted(name)} already; give "
                f"{added.__name__} another `{self._key}`"
            )
        self._classes[name] = added

    def _name(self, named: type[Kind]) -> str:
        name = getattr(named, self._key, None)
        if not isinstance(name, str) or not name:
            raise InputError(
                f"{named.__name__} must have a `{self._key}`, a word. Got {quoted(name)}"
            )
        return name

    def _search(self) -> None:
        """Look once for what installed packages offer."""
        if self._searched:
            return
        self._searched = True
        for group, classes_of in self._groups.items():
            for point in entry_points(group=group):
                self._take(point, classes_of)

    def _take(self, point: EntryPoint, classes_of: Callable[[Any], Iterable[type[Kind]]]) -> None:
        try:
            for each in classes_of(point.load()):
                self.add(each)
        except Exception as error:  # noqa: BLE001  # another package's fault must not end ours
            _log.warning(
                "the %s %r of an installed package cannot be used: %s", self.noun, point.name, error
            )


def _itself(loaded: Any) -> list[Any]:  # noqa: ANN401  # `Registry.add` checks what it is
    return [loaded]


def _place(named: type) -> tuple[str, str]:
    """A module that is imported again makes the same classes anew."""
    return named.__module__, named.__qualname__
