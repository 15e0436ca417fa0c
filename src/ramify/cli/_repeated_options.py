"""Text on the command line is text as it was typed, and options that take a list add up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ramify.cli._options_from_signature import flag, options_of

_LIST: Final = str | list[str]
_TEXTS: Final = (str | None, _LIST)  # of `str` alone the parser takes what is typed
_HAS_COMMAS: Final = "--ordinal"  # each of its values has commas of its own


@dataclass
class Texts:
    """Text that was typed, by words that stand for it in front of the parser.

    The parser reads an option that may be text as YAML first, and takes a column ``[a]`` for a
    list and ``null`` for nothing.
    """

    typed: dict[str, str] = field(default_factory=dict)

    def standing_for(self, text: str) -> str:
        """A word for a text."""
        word = f"text-{len(self.typed)}-as-it-was-typed"
        self.typed[word] = text
        return word

    def put_back(self, value: object) -> object:
        """A value of the parser, with the text in it."""
        if isinstance(value, list):
            return [self.put_back(each) for each in value]
        return self.typed.get(value, value) if isinstance(value, str) else value


def gathered(
    arguments: Sequence[str], verbs: Mapping[str, Callable[..., None]]
) -> tuple[list[str], Texts]:
    """The words that were typed, with an option that takes a list only once, and without its text.

    Repeated, it stands where it was last, and all that was given lies between commas. Of options
    whose value is a whole, such as ``--hidden`` with the width of every stage, the last one counts.

    Args:
        arguments: What was typed.
        verbs: Functions by the words for them; their parameters are the options.

    Example:
        >>> def fit(*, targets: str | list[str] = "", seed: int = 0) -> None: ...
        >>> words, texts = gathered(["fit", "--targets", "a", "--targets=b,c"], {"fit": fit})
        >>> words[0], texts.put_back(words[1].partition("=")[2])
        ('fit', 'a,b,c')
    """
    verb = next((word for word in arguments if word in verbs), None)
    if any(word.startswith("--print_config") for word in arguments):
        verb = None  # the parser prints what it was given
    texts, lists = ([], []) if verb is None else _texts_and_lists(verbs[verb])
    pieces = list(_pieces(arguments, {*texts, *lists}))
    values: dict[str, list[str]] = {}
    for option, value in pieces:
        values.setdefault(option, []).append(value)
    last = {option: place for place, (option, _) in enumerate(pieces)}
    first = {option: place for place, (option, _) in reversed(list(enumerate(pieces)))}
    found, typed = [], Texts()
    for place, (option, value) in enumerate(pieces):
        if not option:
            found.append(value)
        elif option == _HAS_COMMAS:
            plus = "" if place == first[option] else "+"
            found.append(f"{option}{plus}={typed.standing_for(value)}")
        elif place == last[option]:
            whole = ",".join(values[option]) if option in lists else value
            found.append(f"{option}={typed.standing_for(whole)}")
    return found, typed


def _pieces(arguments: Sequence[str], options: set[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, and every other word with no option."""
    words = list(arguments)
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in options and equals:
            yield option, value
        elif option in options and words and not words[0].startswith("--"):
            yield option, words.pop(0)
        else:  # also an option without a value, which the parser then misses
            yield "", word


def _texts_and_lists(verb: Callable[..., None]) -> tuple[list[str], list[str]]:
    """The options of a verb that take text, and of these those that take a list of words."""
    texts = [each for each in options_of(verb) if each.annotation in _TEXTS and not each.is_place]
    return [flag(e.name) for e in texts], [flag(e.name) for e in texts if e.annotation == _LIST]
