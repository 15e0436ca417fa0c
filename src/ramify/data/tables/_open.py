"""Open a table, whatever it comes as, with one clear line if that fails."""

import importlib
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from glob import glob, has_magic
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from ramify._core import InputError, listed, quoted
from ramify.data.tables._cells import Column, plain
from ramify.data.tables._dataframes import Frame, check_unique, to_polars
from ramify.data.tables._delimited import NotUTF8Error, inspect_delimited
from ramify.data.tables._table import Table, not_a_table
from ramify.data.tables._text_file import PACKINGS, TableReading, TextFile, as_utf8, open_text
from ramify.tasks import Ordinal

_SEPARATORS: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
_FRAME: Final = "a dataframe"
_PARQUET: Final = (".parquet", ".pq")
_ARROW: Final = (".feather", ".arrow", ".ipc")
_LINES: Final = (".jsonl", ".ndjson")
_SHEETS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ENDINGS: Final = (*_SEPARATORS, *_PARQUET, *_ARROW, *_LINES, ".json", *_SHEETS)
_STANDARD_INPUT: Final = "-"
# How pandas and fastexcel call columns that have no name.
_UNNAMED: Final = re.compile(r"|Unnamed: \d+(?:_level_\d+)?|__UNNAMED__\d+")


class _Rows(NamedTuple):
    """The rows of a source as they stand there, and what is known of them."""

    frame: pl.LazyFrame
    names: tuple[str, ...]
    n_rows: int
    text: TextFile | None = None


def open_table(
    source: str | Path | Sequence[str | Path] | Frame | Table,
    name: str = _FRAME,
    reading: TableReading | None = None,
) -> Table:
    """Open a table: a file of one of many kinds, several files, or a dataframe.

    A text file is checked once from end to end; after that only wanted columns are read. Its
    columns are typed from all their rows, never from the first few.

    Args:
        source: A path that ends in .csv, .tsv, .tab or .txt (each also packed: .gz, .bz2, .xz, .zst,
            .zip), .parquet, .feather, .arrow, .jsonl, .json, .xlsx or .ods; a folder of Parquet
            files; a glob or a list of paths, whose rows follow each other; ``-`` for standard input;
            a dataframe of polars, pandas or pyarrow, a mapping from names to columns, or a list of
            mappings, one per row. An open table stays as it is.
        name: What to call a dataframe; a file is called by its name.
        reading: How a text file is written, where it does not tell.

    Raises:
        InputError: If there is no such table, or if it is damaged, ragged or without rows.

    Example:
        >>> table = open_table(pl.DataFrame({"age": [30, 41], "ill": ["no", None]}))
        >>> table.n_rows, table.columns
        (2, ('age', 'ill'))
    """
    if isinstance(source, Table):
        return source
    reading = reading or TableReading()
    if isinstance(source, (str, Path)):
        return _open_paths(source, reading)
    if paths := _paths_in(source):
        return _open_several(paths, f"{len(paths)} files", reading)
    try:
        frame, names = to_polars(source)  # type: ignore[arg-type]
        n_rows = int(frame.select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise not_a_table(name, error) from None
    return _table(name, _Rows(frame, names, n_rows), reading)


def _paths_in(source: object) -> list[Path]:
    if not isinstance(source, list | tuple) or not all(isinstance(s, str | Path) for s in source):
        return []
    return [Path(each) for each in source]


def _open_paths(source: str | Path, reading: TableReading) -> Table:
    if str(source) == _STANDARD_INPUT:
        return _standard_input(reading)
    path = Path(source)
    if has_magic(str(source)) and not path.exists():
        found = sorted(glob(str(source)))  # noqa: PTH207 - a pattern may begin anywhere
        if not found:
            raise InputError(f"no table at {quoted(source)}; the pattern matches no file")
        return _open_several([Path(each) for each in found], path.name, reading)
    if path.is_dir() and (parts := sorted(p for e in _PARQUET for p in path.rglob(f"*{e}"))):
        return _open_several(parts, path.name, reading)
    return _table(path.name, _open_file(path, reading), reading)


def _open_several(paths: Sequence[Path], name: str, reading: TableReading) -> Table:
    """The rows of several files, one file after the other."""
    if len(paths) == 1:
        return _table(paths[0].name, _open_file(paths[0], reading), reading)
    parts = [_open_file(path, reading) for path in paths]
    first = parts[0]
    for path, part in zip(paths, parts, strict=True):
        if part.names != first.names:
            odd = set(part.names) ^ set(first.names)
            raise InputError(
                "files of one table must have the same columns in the same order. "
                f"{quoted(path)} and {quoted(paths[0])} differ in "
                + (listed(sorted(odd)) if odd else "the order")
            )
    keys = [str(i) for i in range(len(first.names))]
    frames = [
        part.frame.select(pl.nth(i).alias(key) for i, key in enumerate(keys)) for part in parts
    ]
    try:
        frame = pl.concat(frames, how="vertical_relaxed")
        frame.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise not_a_table(name, error) from None
    rows = _Rows(frame, first.names, sum(part.n_rows for part in parts), first.text)
    opened = _table(name, rows, reading)
    said = dict.fromkeys(r for part in parts if part.text is not None for r in part.text.remarks)
    return replace(opened, typed=None, remarks=tuple(said))


def _standard_input(reading: TableReading) -> Table:
    data, name = sys.stdin.buffer.read(), "standard input"
    if not data:
        raise InputError("standard input is empty; give a table with a header and rows")
    try:
        if data.startswith(b"PAR1"):
            return _table(name, _scanned(pl.scan_parquet(BytesIO(data))), reading)
        text = open_text(Path(name), ",", reading, data)
        return _table(name, _delimited(text, reading), reading)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise not_a_table(name, error) from None


def _open_file(path: Path, reading: TableReading) -> _Rows:
    _check_is_file(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] and suffixes[-1] in PACKINGS
    kind = (suffixes[-2] if len(suffixes) > 1 else "") if packed else path.suffix.lower()
    if packed and kind not in _SEPARATORS and suffixes[-1] == ".zip":
        kind = ".csv"  # as spreadsheets and portals name them
    if (kind in _ENDINGS or kind in _SEPARATORS) and path.stat().st_size == 0:
        raise InputError(f"{quoted(path)} is empty; give a table with a header and rows")
    try:
        if kind in _SEPARATORS:
            return _delimited(open_text(path, _SEPARATORS[kind], reading), reading)
        if kind in _ENDINGS and not packed:
            return _scanned(_scan(path, kind))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise not_a_table(path, error) from None
    raise InputError(
        f"the table's name must end in .csv, .tsv, .tab, .txt (these also with {listed(PACKINGS)}), "
        f".parquet, .feather, .jsonl, .json, .xlsx or .ods. Got {quoted(path)}"
    )


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(
            f"the table must be a file. Got the directory {quoted(path)}; name a file in it"
        )
    if not path.exists():
        raise InputError(f"no table at {quoted(path)}; check the path")
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"the table {quoted(path)} cannot be opened: {error.strerror}") from None


def _delimited(text: TextFile, reading: TableReading) -> _Rows:
    try:
        layout = inspect_delimited(text)
    except NotUTF8Error:
        if reading.encoding is not None:
            raise
        text = as_utf8(text.path, text.separator, reading, text.content)
        layout = inspect_delimited(text)
    frame = _scanned_text(text, len(layout.names), layout.n_rows)
    return _Rows(frame, layout.names, layout.n_rows, text)


def _scanned_text(
    text: TextFile, n_columns: int, n_rows: int, numbers: Collection[str] = ()
) -> pl.LazyFrame:
    """All columns as text: a type guessed from the first rows may be wrong for the others."""
    keys = [str(i) for i in range(n_columns)]
    # The header is passed over, because polars would read its quotes and repetitions in its own way.
    return pl.scan_csv(
        text.source,
        separator=text.separator,
        has_header=False,
        skip_rows=1,
        schema={key: pl.Float64 if key in numbers else pl.String for key in keys},
        infer_schema=False,
        glob=False,
    ).head(n_rows)


def _scan(path: Path, kind: str) -> pl.LazyFrame:
    if kind in _PARQUET:
        return pl.scan_parquet(path, glob=False)
    if kind in _ARROW:
        return pl.scan_ipc(path, glob=False)
    if kind in _LINES:
        return pl.scan_ndjson(path, infer_schema_length=None)
    if kind == ".json":
        return pl.read_json(path, infer_schema_length=None).lazy()
    return _first_sheet(path)


def _first_sheet(path: Path) -> pl.LazyFrame:
    try:
        fastexcel = importlib.import_module("fastexcel")
    except ImportError:
        raise InputError(
            f"{quoted(path)} is a spreadsheet, which needs the package fastexcel; "
            "`pip install fastexcel`, or save the sheet as .csv"
        ) from None
    try:
        return pl.read_excel(path, infer_schema_length=None).lazy()
    except fastexcel.FastExcelError as error:
        raise not_a_table(path, error) from None


def _scanned(frame: pl.LazyFrame) -> _Rows:
    names = tuple(frame.collect_schema().names())
    return _Rows(frame, names, int(frame.select(pl.len()).collect().item()))


def _table(name: str, rows: _Rows, reading: TableReading) -> Table:
    names, unnamed = _named(rows.names)
    check_unique(quoted(name), list(names))
    if not names:
        raise InputError(f"{quoted(name)} has no columns; give a table with a header and rows")
    if rows.n_rows == 0:
        raise InputError(f"{quoted(name)} has a header only; give a table with at least one row")
    types = dict(zip(names, rows.frame.collect_schema().dtypes(), strict=True))
    forms = {
        column: (str(i), *found)
        for i, (column, dtype) in enumerate(types.items())
        if (found := plain(pl.nth(i), dtype)) is not None
    }
    text = rows.text
    return Table(
        name=name,
        columns=names,
        n_rows=rows.n_rows,
        frame=rows.frame.select(cells.alias(key) for key, cells, _ in forms.values()),
        readable={column: Column(key, form) for column, (key, _, form) in forms.items()},
        unreadable={column: str(types[column]) for column in names if column not in forms},
        levels={
            column: Ordinal(tuple(dtype.categories.to_list()))
            for column, dtype in types.items()
            if isinstance(dtype, pl.Enum) and len(dtype.categories) > 2
        },
        notes={column: "seconds" for column, dtype in types.items() if dtype == pl.Duration},
        unnamed=unnamed,
        separator="" if text is None else text.separator,
        reading=reading,
        remarks=() if text is None else text.remarks,
        typed=None
        if text is None
        else lambda numbers: _scanned_text(text, len(names), rows.n_rows, set(numbers)),
    )


def _named(names: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """A name for each column that has none, and which these are."""
    unnamed, found = set(), []
    for i, name in enumerate(names):
        known = name if name.strip() else f"column {i + 1}"
        while not name.strip() and (known in names or known in found):
            known += "'"
        found.append(known)
        if _UNNAMED.fullmatch(name.strip()):
            unnamed.add(known)
    return tuple(found), frozenset(unnamed)
