"""A text file of rows as it lies there: how it is packed, encoded, and divided into lines and columns."""

import bz2
import codecs
import csv
import gzip
import importlib
import io
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from ramify._core import InputError, check_unpacked_size, checked, listed, quoted

PACKINGS: Final = (".gz", ".bz2", ".xz", ".zst", ".zip")
_START: Final = 1 << 16
_CHUNK: Final = 1 << 22
_SEPARATORS: Final = (",", ";", "\t", "|")
_SOME_ROWS: Final = 100
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DAMAGES: Final = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile)


@checked
@dataclass(frozen=True)
class TableReading:
    """How a table is written, where it does not tell well enough by itself.

    Attributes:
        separator: The mark between columns of a text file, or ``tab``; by default that which divides
            its rows into equally many fields.
        decimal: The decimal mark of numbers in text, ``.`` or ``,``; by default as the cells of each
            column tell.
        encoding: Of a text file, by a name that Python knows; by default UTF-8, UTF-16 with its mark,
            or else Windows-1252.
        dates: ``day-first`` or ``month-first``, for dates such as 03/04/2024 that do not tell.

    Raises:
        InputError: If one is none of these.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    dates: str | None = None

    def __post_init__(self) -> None:
        if self.separator in ("tab", "\\t"):
            object.__setattr__(self, "separator", "\t")
        if self.separator is not None and (
            len(self.separator) != 1 or not self.separator.isascii() or self.separator in '"\r\n'
        ):
            raise InputError(
                "must be one character, or tab", argument="separator", got=quoted(self.separator)
            )
        if self.decimal not in (None, ".", ","):
            raise InputError("must be . or ,", argument="decimal", got=quoted(self.decimal))
        if self.dates not in (None, "day-first", "month-first"):
            raise InputError(
                "must be day-first or month-first", argument="dates", got=quoted(self.dates)
            )
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            raise InputError(
                "must be an encoding that Python knows, such as utf-8, cp1252 or utf-16",
                argument="encoding",
                got=quoted(self.encoding),
            ) from None


@dataclass(frozen=True)
class TextFile:
    """A text file as UTF-8 with the line ends of Unix or Windows.

    Attributes:
        path: Where it lies; of standard input its name.
        content: Its text where it is no such file by itself; None to read it from its path.
        separator: The mark between columns.
        remarks: What a user should know of how it is read.
    """

    path: Path
    content: bytes | None
    separator: str
    remarks: tuple[str, ...] = ()

    @property
    def source(self) -> Path | io.BytesIO:
        """What polars scans."""
        return self.path if self.content is None else io.BytesIO(self.content)

    def chunks(self) -> Iterator[bytes]:
        """The file in pieces, without the byte order mark, and with a newline at its end."""
        start, rest, last = len(codecs.BOM_UTF8), b"", b""
        with _opened(self.path, self.content) as file:
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


def open_text(
    path: Path, usual: str, reading: TableReading, content: bytes | None = None
) -> TextFile:
    """Find out how a text file is written, from its start.

    Args:
        path: The file.
        usual: The separator that its name promises.
        reading: What the user says of it.
        content: What it holds, if it is not to be read from its path.

    Raises:
        InputError: If it is damaged, or no text.
    """
    with _opened(path, content) as file:
        start = file.read(_START)
    encoding = reading.encoding or _encoding_of(start)
    streams = content is not None or packing_of(path) in ("", ".gz")
    if encoding is None or not streams or "\r" in _line_ends(start.decode(encoding, "replace")):
        return as_utf8(path, usual, reading, content)
    if encoding.lower() not in ("utf-8", "utf8"):
        return as_utf8(path, usual, reading, content)
    return TextFile(
        path, content, reading.separator or _separator_of(start.decode("utf-8", "replace"), usual)
    )


def as_utf8(
    path: Path, usual: str, reading: TableReading, content: bytes | None = None
) -> TextFile:
    """A text file as a whole in memory, as UTF-8 with lines that end as they should.

    Args:
        path: The file.
        usual: The separator that its name promises.
        reading: What the user says of it.
        content: What it holds, if it is not to be read from its path.

    Raises:
        InputError: If it is damaged, or no text.
    """
    with _opened(path, content) as file:
        parts, size = [], 0
        while part := file.read(_CHUNK):
            parts.append(part)
            size += len(part)
            check_unpacked_size(path, 3 * size, size, most=math.inf)
    data = b"".join(parts)
    text, remarks = _decoded(path, data, reading.encoding)
    if "\r" in _line_ends(text[:_START]):
        text = text.replace("\r", "\n")
    separator = reading.separator or _separator_of(text[:_START], usual)
    return TextFile(path, text.encode(), separator, remarks)


def packing_of(path: Path) -> str:
    """How a file is packed, by the end of its name; empty if it is not."""
    return found if (found := path.suffix.lower()) in PACKINGS else ""


@contextmanager
def _opened(path: Path, content: bytes | None) -> Iterator[IO[bytes]]:
    """What a file holds, unpacked."""
    if content is not None:
        yield io.BytesIO(content)
        return
    packing = packing_of(path)
    try:
        with path.open("rb") as stored, _unpacked(stored, packing, path) as file:
            yield file
    except _DAMAGES:
        kind = {".gz": "gzip", "": "text"}.get(packing, packing.removeprefix("."))
        raise InputError(
            f"{quoted(path)} must be a whole {kind} file. It is cut off or damaged; "
            "copy or compress it again"
        ) from None


def _unpacked(stored: IO[bytes], packing: str, path: Path) -> IO[bytes]:
    if packing == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stored))
    if packing == ".bz2":
        return bz2.open(stored, "rb")
    if packing == ".xz":
        return lzma.open(stored, "rb")
    if packing == ".zst":
        return _zstandard(stored)
    return _only_member(stored, path) if packing == ".zip" else stored


def _zstandard(stored: IO[bytes]) -> IO[bytes]:
    """What a file of Zstandard holds, by whichever of the packages that read it is there."""
    ways: dict[str, str] = {
        "compression.zstd": "open",
        "zstandard": "open",
        "pyarrow": "CompressedInputStream",
    }
    for module, name in ways.items():
        try:
            found: Any = getattr(importlib.import_module(module), name)
        except ImportError:
            continue
        opened = found(stored, "zstd") if module == "pyarrow" else found(stored, "rb")
        return cast("IO[bytes]", opened)
    raise InputError(
        "a table with .zst needs the package zstandard; `pip install zstandard`, or pack it as .gz"
    )


def _only_member(stored: IO[bytes], path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(stored)
    members = [
        each
        for each in archive.infolist()
        if not each.is_dir() and not each.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise InputError(
            f"the archive {quoted(path)} must hold one table",
            got=listed(each.filename for each in members) or "none",
            remedy="unpack it and name the table",
        )
    check_unpacked_size(path, members[0].file_size, members[0].compress_size, most=math.inf)
    try:
        return archive.open(members[0])
    except RuntimeError:  # of a password
        raise InputError(f"{quoted(path)} is locked by a password; unpack it first") from None


def _encoding_of(start: bytes) -> str | None:
    """The encoding of a text by its start; None where that does not tell."""
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    zeros = (start[0::2].count(0), start[1::2].count(0))
    if max(zeros) > len(start) / 4 and min(zeros) == 0:
        return "utf-16-le" if zeros[1] else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _decoded(path: Path, data: bytes, asked: str | None) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and what a user should know of how it was found."""
    encoding = asked or _encoding_of(data[:_START]) or "utf-8"
    try:
        return data.decode(encoding).removeprefix("\ufeff"), ()
    except UnicodeDecodeError as error:
        if asked or encoding != "utf-8":
            raise InputError(
                f"{quoted(path)} must be {encoding} text. Byte {error.start + 1:,} is not",
                remedy="say its encoding with `encoding`"
                if asked is None
                else "name another `encoding`",
            ) from None
        place = error.start
    lost = data.decode("utf-8", "replace")
    n_lost = lost.count("\ufffd")
    n_kept = sum(not char.isascii() for char in lost) - n_lost
    if n_kept > n_lost or b"\0" in data:
        line = data[:place].count(b"\n") + 1
        raise InputError(
            f"{quoted(path)} must be UTF-8 text. Byte {place + 1:,} (line {line:,}) is not; "
            "save the table as UTF-8, or say its encoding with `encoding`"
        )
    try:
        text, name = data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, name = data.decode("latin-1"), "Latin-1"
    word = next((word for word in re.split(r"[^\w]+", text) if not word.isascii()), "")
    example = f", such as {quoted(word)}" if word else ""
    return text, (
        f"{quoted(path.name)} is no UTF-8 and was read as {name}{example}; if letters are wrong, say "
        "its encoding with `encoding`",
    )


def _line_ends(start: str) -> str:
    """A carriage return if lines end with it alone, else nothing."""
    plain = re.sub(r'"[^"]*"?', "", start)
    return "\r" if "\r" in plain.removesuffix("\r") and "\n" not in plain else ""


def _separator_of(start: str, usual: str) -> str:
    """The mark that divides the first rows into equally many fields."""
    lines = start.splitlines(keepends=True)
    if len(start) >= _START - 4 and len(lines) > 1:
        lines = lines[:-1]  # it may be cut off
    best, chosen = (0.0, 0), usual
    for mark in (usual, *(each for each in _SEPARATORS if each != usual)):
        try:
            rows = [row for row in csv.reader(lines, delimiter=mark) if row][:_SOME_ROWS]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        if width < 2:
            continue
        alike = sum(len(row) == width for row in rows) / len(rows)
        if alike > best[0] or (
            alike == best[0] and usual not in (mark, chosen) and width > best[1]
        ):
            best, chosen = (alike, width), mark
    return chosen
