"""From what a user types to columns of the table: names, globs, lists of names."""

import csv
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from ramify._core import InputError, listed, nearest, quoted

_GLOB_MARKS: Final = frozenset("*?[")


def split_names(text: str) -> list[str]:
    """Split a comma-separated list of names; a name with a comma stands in double quotes.

    Example:
        >>> split_names('NR-AR, NR-ER,"a,b"')
        ['NR-AR', 'NR-ER', 'a,b']
    """
    try:
        fields = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise InputError(
            f"a list of names must be separated by commas. Got {quoted(text)} ({error})"
        ) from None
    return [name for name in (field.strip() for field in fields) if name]


def resolve_columns(
    columns: Sequence[str], patterns: Sequence[str], argument: str = "targets"
) -> list[str]:
    """Find the columns that names and globs (``NR-*``) stand for.

    An exact name comes before a glob, so a column that is called ``[x]`` is found as such.

    Args:
        columns: Names of the table's columns.
        patterns: Names or globs, in the wanted order; a glob gives the order of the table.
        argument: Name of the argument they came from, for messages.

    Raises:
        InputError: If one finds no column, or a column is named twice.

    Example:
        >>> resolve_columns(["smiles", "NR-AR", "SR-p53", "NR-ER"], ["SR-p53", "NR-*"])
        ['SR-p53', 'NR-AR', 'NR-ER']
    """
    known, found = set(columns), []
    # A dataframe may number its columns; their names are texts here.
    for pattern in map(str, patterns):
        if pattern in known:
            found.append(pattern)
            continue
        matches = [name for name in columns if fnmatchcase(name, pattern)]
        matches = matches or [name for name in columns if name.strip() == pattern.strip()]
        if not matches:
            raise _unknown(columns, pattern, argument)
        # A glob after an exact name is to add the rest, not to complain.
        found += [name for name in matches if name not in found]
    repeated = [name for name in dict.fromkeys(found) if found.count(name) > 1]
    if repeated:
        raise InputError(
            "must name each column once", argument=argument, got=f"{listed(repeated)} repeatedly"
        )
    return found


def check_columns(columns: Sequence[str], names: Sequence[str], argument: str) -> None:
    """Check that names are columns; globs are not resolved.

    Args:
        columns: Names of the table's columns.
        names: Those asked for.
        argument: Name of the argument they came from, for messages.

    Raises:
        InputError: If one is none.
    """
    for name in names:
        if name not in columns:
            raise _no_column(columns, name, argument)


def _unknown(columns: Sequence[str], pattern: str, argument: str) -> InputError:
    if _GLOB_MARKS & set(pattern):
        words = f"must match columns of the table. {quoted(pattern)} matches none of "
        return InputError(words + listed(columns), argument=argument)
    return _no_column(columns, pattern, argument)


def _no_column(columns: Sequence[str], name: str, argument: str) -> InputError:
    close = nearest(name, columns)
    hint = f"it has {listed(columns)}" if close is None else f"did you mean {quoted(close)}?"
    return InputError(
        f"must name columns of the table. It has no column {quoted(name)}",
        argument=argument,
        remedy=hint,
    )
