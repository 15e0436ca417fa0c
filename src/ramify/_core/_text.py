"""Words for messages: short, on one line, whatever the names in them hold."""

import difflib
from collections.abc import Iterable

_LONGEST_NAME = 60
_LONGEST_LIST = 5


def quoted(name: object) -> str:
    """Quote a user's name for a message: one line, printable, shortened in the middle.

    Example:
        >>> quoted("NR-AR")
        "'NR-AR'"
    """
    text = repr(str(name))
    if len(text) <= _LONGEST_NAME:
        return text
    return f"{text[:36]}…{text[-16:]} ({len(str(name)):,} characters)"


def listed(names: Iterable[object], most: int = _LONGEST_LIST) -> str:
    """List quoted names, at most ``most`` of them, and count the rest.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    every = [quoted(name) for name in names]
    if len(every) <= most:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most:,} more"


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was most likely meant, if one is like what was typed.

    Example:
        >>> nearest("sluce", ["soft", "sluice"])
        'sluice'
    """
    # Names of tables may be pages long: their beginnings tell enough.
    known = {each[:200]: each for each in words}
    close = difflib.get_close_matches(word[:200], known, n=1, cutoff=0.6)
    return known[close[0]] if close else None


def counted(number: int, noun: str) -> str:
    """A number with its noun, singular or plural.

    Example:
        >>> counted(1, "row"), counted(2000, "row")
        ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
