"""One pass over the bytes of a CSV or TSV file: is it sound, which columns, how many rows."""

import codecs
import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError, check_unpacked_size, counted, quoted
from ramify.data.tables._text_file import TextFile, packing_of

_NEWLINE, _QUOTE, _RETURN = (ord(c) for c in '\n"\r')


class RowCounter:
    """Counts the fields of every row, chunk by chunk; quoted separators and newlines are text."""

    def __init__(self, path: Path, separator: int) -> None:
        self.path = path
        self.separator = separator
        self.header = b""
        self.n_rows = -1  # the header is no row
        self._n_fields = 0
        self.n_bytes = 0
        self._in_quotes = False
        self._carried = (0, 0)  # fields and bytes of the row that the last chunk left open
        self._blank_rows = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def take(self, chunk: bytes) -> None:
        """Count the rows that end in this chunk."""
        if self.n_rows < 0 and 0 < (end := chunk.find(b"\n") + 1) < len(chunk):
            self.take(chunk[:end])  # the header, so that the rest is known to be rows
            chunk = chunk[end:]
        self._check_encoding(chunk)
        if self.n_rows >= 0 and self._take_plain(chunk):
            self.n_bytes += len(chunk)
            return
        separators, ends = self._outside_quotes(np.frombuffer(chunk, dtype=np.uint8))
        if self.n_rows < 0:
            self.header += chunk[: ends[0]] if len(ends) else chunk
            start = self.header[: 1 << 16].decode("utf-8", "replace")
            _check_header(self.path, start)
        before = np.searchsorted(separators, ends)
        fields = np.diff(before, prepend=0)
        lengths = np.diff(ends, prepend=-1) - 1
        if len(ends):
            fields[0] += self._carried[0]
            lengths[0] += self._carried[1]
            self._carried = (len(separators) - int(before[-1]), len(chunk) - 1 - int(ends[-1]))
            self._check_fields(fields + 1, lengths - _ends_in_return(chunk, ends, lengths))
        else:
            self._carried = (self._carried[0] + len(separators), self._carried[1] + len(chunk))
        self.n_bytes += len(chunk)

    def _take_plain(self, chunk: bytes) -> bool:
        """Count the rows of a chunk without quotes and faults; whether it is one.

        Then every so many-th mark is a newline and no other is: no mark's place is needed.
        """
        if self._in_quotes or self._blank_rows or b'"' in chunk:
            return False
        data = np.frombuffer(chunk, dtype=np.uint8)
        is_end = data == _NEWLINE
        marks = np.flatnonzero(is_end | (data == self.separator))
        fields, n_bytes = self._carried
        ends = marks[self._n_fields - 1 - fields :: self._n_fields]
        whole = fields < self._n_fields and len(ends) > 0 and bool(is_end[ends].all())
        if not whole or len(ends) != np.count_nonzero(is_end):
            return False
        if self._n_fields == 1 and (n_bytes == 0 or b"\n\n" in chunk or b"\n\r\n" in chunk):
            return False  # an empty line may be a missing value, or the end
        left = len(marks) + fields - len(ends) * self._n_fields
        self._carried = (left, len(chunk) - 1 - int(ends[-1]))
        self.n_rows += len(ends)
        return True

    def finish(self) -> None:
        """Check that the last row is whole and that there was anything at all."""
        if self._in_quotes:
            raise InputError(
                f'{quoted(self.path)} has a quotation mark (") that is never closed, in or after '
                f"data row {max(self.n_rows, 0) + 1:,}; close it, or double it inside a quoted field"
            )
        if self.n_rows < 0:
            raise InputError(f"{quoted(self.path)} is empty; give a table with a header and rows")

    def _check_encoding(self, chunk: bytes) -> None:
        pending = len(self._decoder.getstate()[0])
        if not pending and chunk.isascii():
            return
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            byte = self.n_bytes - pending + error.start + 1
            line = max(self.n_rows, 0) + chunk[: error.start].count(b"\n") + (self.n_rows >= 0) + 1
            raise NotUTF8Error(
                f"{quoted(self.path)} must be UTF-8 text. Byte {byte:,} (line {line:,}) is not; "
                "save the table as UTF-8"
            ) from None

    def _outside_quotes(self, data: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        separators, newlines = data == self.separator, data == _NEWLINE
        quotes = data == _QUOTE
        if self._in_quotes or quotes.any():
            # A doubled quotation mark switches twice, so it leaves the state as it was.
            inside = np.bitwise_xor.accumulate(quotes) ^ self._in_quotes
            separators &= ~inside
            newlines &= ~inside
            self._in_quotes = bool(inside[-1])
        return np.flatnonzero(separators), np.flatnonzero(newlines)

    def _check_fields(self, fields: NDArray[np.intp], lengths: NDArray[np.intp]) -> None:
        if self.n_rows < 0:
            if lengths[0] <= 0:
                raise InputError(
                    f"{quoted(self.path)} must begin with a line of column names. "
                    "Its first line is empty"
                )
            self._n_fields = int(fields[0])
            fields, lengths, self.n_rows = fields[1:], lengths[1:], 0
        blank = (lengths <= 0) & (self._n_fields > 1)
        n_kept = len(blank) - int(np.argmin(blank[::-1])) if not blank.all() else 0
        wrong = np.flatnonzero(fields[:n_kept] != self._n_fields)
        if n_kept and self._blank_rows:
            self._refuse(self.n_rows + 1, 0)
        if len(wrong):
            row = int(wrong[0])
            self._refuse(self.n_rows + row + 1, 0 if blank[row] else int(fields[row]))
        self.n_rows += n_kept
        self._blank_rows += len(blank) - n_kept

    def _refuse(self, row: int, found: int) -> None:
        got = f"{counted(found, 'field')}" if found else "an empty line"
        raise InputError(
            f"data row {row:,} of {quoted(self.path)} must have {counted(self._n_fields, 'field')} "
            f"as the header does. Got {got}; repair the row"
        )


def _check_header(path: Path, header: str) -> None:
    """Check that lines end as they should, before every row is found to be wrong."""
    plain = re.sub(r'"[^"]*"?', "", header)
    if "\r" in plain.removesuffix("\r"):
        raise InputError(
            f"lines of {quoted(path)} must end with LF or CRLF",
            got="CR alone in its header",
            remedy="save it with the line ends of Unix or Windows",
        )


def _ends_in_return(
    chunk: bytes, ends: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.intp]:
    data = np.frombuffer(chunk, dtype=np.uint8)
    # A chunk that begins with the newline of a CRLF: the row before is never blank but for "\r".
    found: NDArray[np.bool_] = (data[ends - 1] == _RETURN) & (ends > 0) & (lengths > 0)
    return found.astype(np.intp)


@dataclass(frozen=True)
class Layout:
    """Column names and number of data rows of a delimited file."""

    names: tuple[str, ...]
    n_rows: int


class NotUTF8Error(InputError):
    """A text is not encoded as UTF-8."""


def inspect_delimited(text: TextFile) -> Layout:
    """Read a delimited file once and find what polars would pass over in silence.

    Polars fills short rows with nulls and renames repeated columns; both are to be errors.

    Args:
        text: The file.

    Raises:
        NotUTF8Error: If it is not UTF-8.
        InputError: If the file is empty, ragged or cut off.
    """
    path, separator = text.path, text.separator
    rows = RowCounter(path, ord(separator))
    for chunk in text.chunks():
        rows.take(chunk)
    rows.finish()
    if text.content is None and packing_of(path):  # polars unpacks it as a whole
        check_unpacked_size(path, rows.n_bytes, path.stat().st_size, most=math.inf)
    return Layout(_header_names(path, rows.header, separator), rows.n_rows)


def _header_names(path: Path, header: bytes, separator: str) -> tuple[str, ...]:
    line = header.decode("utf-8").rstrip("\r\n")
    try:
        return tuple(next(csv.reader([line], delimiter=separator), ()))
    except csv.Error as error:
        raise InputError(
            f"the header of {quoted(path)} cannot be read ({error}); give shorter column names"
        ) from None
