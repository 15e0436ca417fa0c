"""What a column of texts writes as numbers or dates: decimal commas, units, dates of other orders."""

import re
from typing import Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

SPACES: Final = " \u00a0\u2009\u202f"
BOUND: Final = r"[<>≤≥~≈]=?"
DASHES: Final = "\u2212\u2013"  # minus and dash of typesetters
APOSTROPHES: Final = "'\u2019"
SIGN: Final = rf"[+\-{DASHES}]?"
_FIELDS: Final = {
    ".": r"\.",
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%m": r"\d{1,2}",
    "%d": r"\d{1,2}",
    "%B": r"[A-Za-z]{3,9}",
    "%H": r"\d{1,2}",
    "%I": r"\d{1,2}",
    "%M": r"\d{2}",
    "%S": r"\d{2}",
    "%p": r"[AaPp][Mm]",
}


class Notation(BaseModel):
    """How a column of texts writes its numbers or dates.

    Attributes:
        decimal: The decimal mark; the other of point and comma, spaces and apostrophes between
            groups of three digits are passed over.
        unit: What stands before or after the numbers, such as ``%`` or ``€``; it is passed over.
        dates: The form of dates, as `datetime.strptime` takes it; empty of numbers.

    Example:
        >>> frame = pl.DataFrame({"text": ["1.234,5 €", "12 €", "none"]})
        >>> notation = Notation(decimal=",", unit="€")
        >>> frame.select(notation.plain(pl.col("text")))["text"].to_list()
        ['1234.5', '12', 'none']
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decimal: Literal[".", ","] = "."
    unit: str = ""
    dates: str = ""

    def plain(self, text: pl.Expr) -> pl.Expr:
        """The texts as numbers with a decimal point, or as dates of ISO 8601; others as they are.

        Args:
            text: Texts without spaces around them.
        """
        if self.dates:
            moment = moments_of(text, self.dates)
            return pl.coalesce(moment.dt.strftime("%Y-%m-%dT%H:%M:%S"), text)
        number = text.str.extract(f"^{number_pattern(self.decimal, self.unit)}$", 1)
        number = number.str.replace_all(f"[{SPACES}{APOSTROPHES}{other_mark(self.decimal)}]", "")
        number = number.str.replace(self.decimal, ".", literal=True)
        number = number.str.replace_all(f"[{DASHES}]", "-")
        return pl.coalesce(number, text)


def other_mark(decimal: str) -> str:
    """The other of point and comma."""
    return "," if decimal == "." else "."


def number_pattern(decimal: str, unit: str) -> str:
    """A pattern of numbers with what may stand around them; its first group is the number."""
    groups = f"[1-9][0-9]{{0,2}}(?:[{SPACES}{APOSTROPHES}][0-9]{{3}})+|[1-9][0-9]{{0,2}}(?:[{other_mark(decimal)}][0-9]{{3}})+"
    digits = f"(?:{groups}|[0-9]+)(?:[{decimal}][0-9]*)?|[{decimal}][0-9]+"
    around = f"(?:{re.escape(unit)})?" if unit else ""
    return rf"(?:{BOUND}\s?)?{around}\s?({SIGN}(?:{digits})(?:[eE][+-]?[0-9]+)?)\s?{around}"


def date_pattern(form: str) -> str:
    """The pattern of the texts that a form of dates reads."""
    for field, pattern in _FIELDS.items():
        form = form.replace(field, pattern)
    return form


def moments_of(text: pl.Expr, form: str) -> pl.Expr:
    """The moments that texts of a form mean; null for others.

    Args:
        text: Texts without spaces around them.
        form: As `datetime.strptime` takes it.
    """
    # Polars takes 24 for a year of four digits.
    fitting = pl.when(text.str.contains(f"^{date_pattern(form)}$")).then(text)
    return fitting.str.to_datetime(form, strict=False, time_unit="us")
