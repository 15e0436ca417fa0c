"""Find out how the columns of a table write numbers and dates, from all their cells."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import polars as pl

from ramify._core import InputError, counted, listed, quoted
from ramify.data.tables._cells import MISSING, Column
from ramify.data.tables._notation import (
    APOSTROPHES,
    BOUND,
    SIGN,
    SPACES,
    Notation,
    date_pattern,
    moments_of,
    number_pattern,
    other_mark,
)
from ramify.data.tables._table import Table

_SOME: Final = 200
_START_ROWS: Final = 1000
_MOSTLY: Final = 0.9
_MONEY: Final = r"[$€£¥₹]|USD|EUR|CHF|GBP|JPY"
_UNIT: Final = r"[%‰°A-Za-zµμΩ$€£¥₹][A-Za-zµμΩ²³°/%·^0-9]{0,11}"
_FORMS: Final = tuple(
    day + clock
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
    for day in (
        *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d"),
        *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y"),
        *("%d %B %Y", "%d-%B-%Y", "%d-%B-%y", "%d. %B %Y", "%B %d, %Y", "%B %d %Y"),
    )
)
_LIKE_DATE: Final = re.compile(
    r"\d{1,4}[./ -](\d{1,2}|[A-Za-z]{3,9})[./ -]\d{2,4}.*|[A-Za-z]{3,9} \d{1,2},? \d{4}.*"
)


_ANY: Final = {mark: re.compile(number_pattern(mark, "")) for mark in ".,"}
_AROUND: Final = re.compile(
    rf"(?:{BOUND}\s?)?(?P<before>{_MONEY})?\s?(?P<number>{SIGN}[\d.,{SPACES}{APOSTROPHES}]*\d(?:[.,](?!\d))?)\s?(?P<after>{_UNIT})?"
)


def as_written(table: Table, columns: Sequence[str]) -> Table:
    """A table that knows how its columns of texts write numbers and dates.

    Args:
        table: The table.
        columns: Which columns; others stay as they are.

    Raises:
        InputError: If a column mixes notations that cannot be told apart.
    """
    odd = _odd_cells(table, columns)
    remarks: dict[str, list[str]] = {}
    found: dict[str, Notation] = {}
    unsure: dict[str, Notation] = {}
    for name, cells in odd.items():
        notation, is_sure = _notation_of(table, name, cells)
        if notation is not None:
            (found if is_sure else unsure)[name] = notation
    decimal = table.reading.decimal or _decimal_of(table, found.values())
    found |= {name: n.model_copy(update={"decimal": decimal}) for name, n in unsure.items()}
    if decimal == ",":
        rest = [name for name in columns if name not in odd]
        grouped = _grouped_by_points(table, rest)
        found |= dict.fromkeys(grouped, Notation(decimal=","))
        odd |= grouped
    for name, notation in found.items():
        remarks.setdefault(_words(notation, odd[name]), []).append(name)
    said = [_remark(words, names) for words, names in remarks.items()]
    readable = {
        name: replace(column, notation=found[name]) if name in found else column
        for name, column in table.readable.items()
    }
    return replace(table, readable=readable, remarks=(*table.remarks, *said))


def _texts(table: Table, columns: Iterable[str]) -> dict[str, Column]:
    return {
        name: column
        for name in columns
        if (column := table.readable.get(name)) is not None and column.form == "text"
    }


def _odd_cells(table: Table, columns: Sequence[str]) -> dict[str, list[str]]:
    """Some cells of each column of texts that are neither missing nor plainly numbers."""
    texts = _texts(table, columns)
    plain_ones = _plainly_numbers(table, texts)
    texts = {name: column for name, column in texts.items() if name not in plain_ones}
    if not texts:
        return {}
    some = []
    for column in texts.values():
        cell = pl.col(column.key)
        odd = cell.is_not_null() & cell.cast(pl.Float64, strict=False).is_null()
        stripped = cell.filter(odd).str.strip_chars()
        plain = stripped.is_in(MISSING) | stripped.cast(pl.Float64, strict=False).is_not_null()
        some.append(stripped.filter(~plain).head(_SOME).implode())
    found = table.collect(*some)
    return {
        name: cells
        for name, column in texts.items()
        if (cells := found[column.key].item().to_list())
    }


def _plainly_numbers(table: Table, texts: Mapping[str, Column]) -> set[str]:
    """Columns of a file whose cells are all numbers, which its reader finds out in half the time."""
    if table.typed is None or not texts:
        return set()
    start = table.frame.head(_START_ROWS).select(
        (pl.col(c.key).is_not_null() & pl.col(c.key).cast(pl.Float64, strict=False).is_null()).any()
        for c in texts.values()
    )
    odd = start.collect().row(0, named=True)
    names = [name for name, column in texts.items() if not odd[column.key]]
    keys = [texts[name].key for name in names]
    try:
        table.typed(keys).select(pl.col(keys).null_count()).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        return set()  # some cell is none, and each is to be looked at
    return set(names)


def _notation_of(table: Table, name: str, cells: Sequence[str]) -> tuple[Notation | None, bool]:
    """How a column writes what it holds, and whether its decimal mark is sure."""
    if form := _date_form(table, name, cells):
        return Notation(dates=form), True
    around = [found for cell in cells if (found := _AROUND.fullmatch(cell))]
    if len(around) < _MOSTLY * len(cells):
        return None, True
    units = {each["before"] or each["after"] or "" for each in around} - {""}
    if len(units) > 1:
        return None, True
    unit = next(iter(units), "")
    numbers = [each["number"] for each in around]
    fits = {
        mark: sum(pattern.fullmatch(number) is not None for number in numbers)
        for mark, pattern in _ANY.items()
    }
    if max(fits.values()) < _MOSTLY * len(numbers):
        _check_mixture(name, numbers)
        return None, True
    if unit and len(set(numbers)) < 3 and unit.isalpha():
        return None, True  # two names with a digit, such as 1st
    if unit == "%":
        _check_percent(table, name)
    sure = fits["."] != fits[","]
    decimal: Literal[".", ","] = "," if fits[","] > fits["."] else "."
    marked = any("," in number or "." in number for number in numbers)
    if decimal == "," and sure:
        _check_points(table, name)
    return Notation(decimal=decimal, unit=unit), sure or not marked


def _check_mixture(name: str, numbers: Sequence[str]) -> None:
    commas = next((n for n in numbers if re.fullmatch(r"\d+,(\d{1,2}|\d{4,})", n)), None)
    points = next((n for n in numbers if re.fullmatch(r"\d+\.(\d{1,2}|\d{4,})", n)), None)
    if commas and points:
        raise _mixed(name, f"{quoted(commas)} and {quoted(points)}", "one decimal mark")


def _check_points(table: Table, name: str) -> None:
    """Refuse a column of decimal commas in which points mark decimals, too."""
    cell = pl.col(table.column(name).key).str.strip_chars()
    pointed = cell.filter(cell.str.contains(r"^[+-]?\d*\.(\d{1,2}|\d{4,})$")).head(1).implode()
    if len(found := table.collect(pointed.alias("cell"))["cell"].item()):
        raise _mixed(name, f"{quoted(found[0])} among decimal commas", "one decimal mark")


def _check_percent(table: Table, name: str) -> None:
    """Refuse a column of percentages in which fractions stand without the sign."""
    cell = pl.col(table.column(name).key)
    number = cell.cast(pl.Float64, strict=False)
    bare = cell.filter(number.is_finite() & (number != 0)).head(1).implode()
    if len(found := table.collect(bare.alias("cell"))["cell"].item()):
        raise _mixed(name, f"{quoted(found[0])} among percentages", "% in all cells or in none")


def _mixed(name: str, got: str, wanted: str) -> InputError:
    return InputError(
        f"column {quoted(name)} must have {wanted}",
        got=got,
        remedy="write them alike, or leave the column out with `ignore`",
    )


def _decimal_of(table: Table, found: Iterable[Notation]) -> Literal[".", ","]:
    """The decimal mark of the columns that do not tell: as in those that do."""
    marks = [each.decimal for each in found if not each.dates]
    if "," in marks:
        return ","
    return "," if table.separator == ";" and not marks else "."


def _grouped_by_points(table: Table, columns: Iterable[str]) -> dict[str, list[str]]:
    """Columns whose points all stand before three digits, in a table with decimal commas."""
    texts = _texts(table, columns)
    if not texts:
        return {}
    wanted = []
    for column in texts.values():
        cell = pl.col(column.key).str.strip_chars()
        pointed = cell.filter(cell.str.contains(".", literal=True))
        grouped = pointed.str.contains(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")
        wanted += [
            pointed.head(1).implode().alias(f"{column.key} first"),
            (grouped.all() & (grouped.len() > 0)).alias(f"{column.key} all"),
        ]
    found = table.collect(*wanted)
    return {
        name: found[f"{column.key} first"].item().to_list()
        for name, column in texts.items()
        if found[f"{column.key} all"].item()
    }


def _date_form(table: Table, name: str, cells: Sequence[str]) -> str | None:
    """The form of dates in which all cells are written; None if there is none."""
    if sum(_LIKE_DATE.fullmatch(cell) is not None for cell in cells) < _MOSTLY * len(cells):
        return None
    patterns = {form: re.compile(date_pattern(form)) for form in _FORMS}
    forms = [
        form
        for form, pattern in patterns.items()
        if sum(pattern.fullmatch(cell) is not None for cell in cells) >= _MOSTLY * len(cells)
    ]
    if not forms:
        return None
    text = table.column(name).present()
    counts = table.collect(*(moments_of(text, form).count().alias(form) for form in forms)).row(0)
    if max(counts) == 0:
        return None
    best = [form for form, n in zip(forms, counts, strict=True) if n == max(counts)]
    if len(best) < 2:
        return best[0]
    if table.reading.dates is None:
        return None
    first = "%d" if table.reading.dates == "day-first" else "%m"
    return next(form for form in best if form.startswith(first))


def _words(notation: Notation, cells: Sequence[str]) -> str:
    """What a column of such a notation was read as."""
    if notation.dates:
        return f"dates such as {quoted(cells[0])}, as days since 1970"
    example = _telling(notation, cells)
    value = pl.select(notation.plain(pl.lit(example))).item()
    what = {",": "numbers with decimal commas"}.get(notation.decimal, "numbers")
    if "," not in example and "." not in example:
        what = "numbers"
    unit = f" of {quoted(notation.unit)}" if notation.unit else ""
    bounds = sum(re.match(BOUND, cell) is not None for cell in cells)
    bound = ", bounds as the number that they name" if bounds else ""
    return f"{what}{unit}{bound}: {quoted(example)} is {value}"


def _telling(notation: Notation, cells: Sequence[str]) -> str:
    """A cell that shows the notation best."""
    marks = (notation.decimal, other_mark(notation.decimal), *SPACES, "'")
    fitting = [c for c in cells if re.fullmatch(number_pattern(notation.decimal, notation.unit), c)]
    return max(fitting or cells, key=lambda cell: sum(mark in cell for mark in marks))


def _remark(words: str, names: Collection[str]) -> str:
    if len(names) == 1:
        return f"column {listed(names)} was read as {words}"
    return f"{counted(len(names), 'column')}, {listed(names)}, were read as {words}"
