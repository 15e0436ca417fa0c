"""What texts look like that are not read as it: numbers with commas, dates in another order."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple

_MOST: Final = 1000
_MOSTLY: Final = 0.9


class Look(NamedTuple):
    """What most texts of a column look like, and how to write it.

    Attributes:
        what: Such as ``dates``.
        advice: How they are read as that.
        example: One of the texts.
    """

    what: str
    advice: str
    example: str


_AS_NUMBERS: Final = "write plain numbers with a point"
_AS_DATES: Final = "write them as 2024-05-31, or say `dates`, day-first or month-first"
_LOOKS: Final = {
    re.compile(pattern): (what, advice)
    for pattern, what, advice in (
        (r"[+-]?\d+,\d+", "numbers with decimal commas", _AS_NUMBERS),
        (r"[+-]?\d{1,3}([ ',.]\d{3})+([.,]\d+)?", "numbers in groups of digits", _AS_NUMBERS),
        (r"[+-]?[\d.,]+ ?%", "percentages", _AS_NUMBERS),
        (r"[$€£] ?-?[\d.,]+|-?[\d.,]+ ?[$€£]", "amounts of money", _AS_NUMBERS),
        (
            r"[<>≤≥]=? ?[\d.,]+",
            "bounds of numbers",
            "write the number alone, or leave the cell empty",
        ),
        (
            r"[+-]?\d[\d.,]* [A-Za-zµ°]{1,5}|[+-]?\d+[.,]\d+[A-Za-zµ°]{1,5}",
            "numbers with units",
            "write plain numbers of one unit",
        ),
        (r"\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})", "dates", _AS_DATES),
        (r"\d{4}[./]\d{1,2}[./]\d{1,2}|\d{4}-\d{1,2}(-\d{1,2})?", "dates", _AS_DATES),
        (r"\d{1,2}[ -]?[A-Za-z]{3,9}\.?[ -]?\d{2,4}", "dates", _AS_DATES),
        (r"[A-Za-z]{3,9}\.? \d{1,2},? \d{4}", "dates", _AS_DATES),
    )
}
"""In this order: a text may look like several."""


def look_of(texts: Iterable[str]) -> Look | None:
    """What nearly all texts look like, numbers among them aside; None if nothing that is known.

    Args:
        texts: Different texts of a column; the first thousand are looked at.

    Example:
        >>> look_of(["1,5", "2,25", "3"]).what
        'numbers with decimal commas'
        >>> look_of(["mild", "severe"]) is None
        True
    """
    some = list(islice(texts, _MOST))
    plain = [text for text in some if re.fullmatch(r"[+-]?\d+(\.\d+)?", text)]
    others = [text for text in some if text not in set(plain)]
    for pattern, (what, advice) in _LOOKS.items():
        alike = [text for text in others if pattern.fullmatch(text)]
        if others and len(alike) >= _MOSTLY * len(others):
            return Look(what, advice, alike[0])
    return None
