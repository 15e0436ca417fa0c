"""One pass over the bytes of a CSV or TSV file: is it sound, which columns, how many rows."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from ramify._core import InputError, quoted
from ramify.data._row_counter import RowCounter

_CHUNK: Final = 1 << 22


@dataclass(frozen=True)
class Layout:
    """Column names and number of data rows of a delimited file."""

    names: tuple[str, ...]
    n_rows: int


def inspect_delimited(path: Path, separator: str) -> Layout:
    """Read a delimited file once and find what polars would pass over in silence.

    Polars fills short rows with nulls and renames repeated columns; both are to be errors.

    Raises:
        InputError: If the file is empty, not UTF-8, ragged or cut off.
    """
    rows = RowCounter(path, ord(separator))
    try:
        for chunk in _chunks(path):
            rows.take(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(
            f"{quoted(path)} must be a whole gzip file. It is cut off or damaged; "
            "copy or compress it again"
        ) from None
    rows.finish()
    return Layout(_header_names(path, rows.header, separator), rows.n_rows)


def _chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces, without the byte order mark, and with a newline at its end."""
    start, rest, last = len(codecs.BOM_UTF8), b"", b""
    with path.open("rb") as stored, _unpacked(stored, path) as file:
        rest = file.read(start).removeprefix(codecs.BOM_UTF8)
        while read := file.read(_CHUNK):
            piece = rest + read
            # The two bytes of a CRLF are to be in one piece.
            rest = b"\r" if piece.endswith(b"\r") else b""
            last = piece.removesuffix(b"\r")
            if last:
                yield last
    if rest or (last and not last.endswith(b"\n")):
        yield rest + b"\n"


def _unpacked(stored: BufferedReader, path: Path) -> BufferedReader | gzip.GzipFile:
    return gzip.GzipFile(fileobj=stored) if path.suffix.lower() == ".gz" else stored


def _header_names(path: Path, header: bytes, separator: str) -> tuple[str, ...]:
    line = header.decode("utf-8").rstrip("\r\n")
    try:
        return tuple(next(csv.reader([line], delimiter=separator), ()))
    except csv.Error as error:
        raise InputError(
            f"the header of {quoted(path)} cannot be read ({error}); give shorter column names"
        ) from None
