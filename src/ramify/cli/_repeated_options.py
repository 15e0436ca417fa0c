"""Options that take a list add up where they are repeated."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ramify.cli._options_from_signature import flag, options_of

_LIST: Final = str | list[str]
_HAS_COMMAS: Final = "--ordinal"  # each of its values has commas of its own


def gathered(arguments: Sequence[str], verbs: Mapping[str, Callable[..., None]]) -> list[str]:
    """The words that were typed, with an option that takes a list only once.

    Repeated, it stands where it was last, and all that was given lies between commas. Of options
    whose value is a whole, such as ``--hidden`` with the width of every stage, the last one counts.

    Args:
        arguments: What was typed.
        verbs: Functions by the words for them; their parameters are the options.

    Example:
        >>> def fit(*, targets: str | list[str] = "", seed: int = 0) -> None: ...
        >>> gathered(["fit", "--targets", "a", "--seed", "1", "--targets=b,c"], {"fit": fit})
        ['fit', '--seed', '1', '--targets=a,b,c']
    """
    verb = next((word for word in arguments if word in verbs), None)
    pieces = list(_pieces(arguments, set() if verb is None else _lists(verbs[verb])))
    values: dict[str, list[str]] = {}
    for option, value in pieces:
        values.setdefault(option, []).append(value)
    last = {option: place for place, (option, _) in enumerate(pieces)}
    first = {option: place for place, (option, _) in reversed(list(enumerate(pieces)))}
    found = []
    for place, (option, value) in enumerate(pieces):
        if not option:
            found.append(value)
        elif option == _HAS_COMMAS:
            found.append(f"{option}={value}" if place == first[option] else f"{option}+={value}")
        elif place == last[option]:
            found.append(f"{option}={','.join(values[option])}")
    return found


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


def _lists(verb: Callable[..., None]) -> set[str]:
    """The options of a verb that take a list of words."""
    return {flag(each.name) for each in options_of(verb) if each.annotation == _LIST}
