"""Open a table, whatever it comes as, with one clear line if that fails."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from ramify._core import InputError, quoted
from ramify.data.tables._cells import Column, plain
from ramify.data.tables._dataframes import Frame, check_unique, to_polars
from ramify.data.tables._delimited import inspect_delimited
from ramify.data.tables._table import Table, not_a_table
from ramify.tasks import Ordinal

_SEPARATORS: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
_FRAME: Final = "a dataframe"
_PARQUET: Final = (".parquet", ".pq")


def open_table(source: str | Path | Frame, name: str = _FRAME) -> Table:
    """Open a table: CSV, TSV or Parquet file, or a dataframe of polars, pandas or pyarrow.

    A text file is checked once from end to end; after that only wanted columns are read. Its
    columns are typed from all their rows, never from the first few.

    Args:
        source: A path that ends in .csv, .tsv, .tab, .txt (tab separated), each also with .gz, or
            .parquet; or a dataframe.
        name: What to call a dataframe; a file is called by its name.

    Raises:
        InputError: If there is no such table, or if it is damaged, ragged or without rows.

    Example:
        >>> table = open_table(pl.DataFrame({"age": [30, 41], "ill": ["no", None]}))
        >>> table.n_rows, table.columns
        (2, ('age', 'ill'))
    """
    if isinstance(source, (str, Path)):
        return _open_file(Path(source))
    try:
        frame, names = to_polars(source)
        n_rows = int(frame.select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise not_a_table(name, error) from None
    return _table(name, frame, names, n_rows)


def _open_file(path: Path) -> Table:
    _check_is_file(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else path.suffix.lower()
    try:
        if kind in _SEPARATORS:
            return _open_delimited(path, _SEPARATORS[kind])
        if kind in _PARQUET:
            return _open_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise not_a_table(path, error) from None
    raise InputError(
        f"the table's name must end in .csv, .tsv, .tab, .txt (tabs), these with .gz, or .parquet. "
        f"Got {quoted(path)}"
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


def _open_delimited(path: Path, separator: str) -> Table:
    layout = inspect_delimited(path, separator)
    check_unique(quoted(path), list(layout.names))

    # All columns as text: a type guessed from the first rows may be wrong for the others. The
    # header is passed over, because polars would read its quotes and repetitions in its own way.
    def scanned(numbers: Collection[str] = ()) -> pl.LazyFrame:
        keys = [str(i) for i in range(len(layout.names))]
        return pl.scan_csv(
            path,
            separator=separator,
            has_header=False,
            skip_rows=1,
            schema={key: pl.Float64 if key in numbers else pl.String for key in keys},
            infer_schema=False,
            glob=False,
        ).head(layout.n_rows)

    table = _table(path.name, scanned(), layout.names, layout.n_rows)
    return replace(table, typed=lambda numbers: scanned(set(numbers)))


def _open_parquet(path: Path) -> Table:
    if path.stat().st_size == 0:
        raise InputError(f"{quoted(path)} is empty; give a table with a header and rows")
    frame = pl.scan_parquet(path, glob=False)
    names = tuple(frame.collect_schema().names())
    return _table(path.name, frame, names, int(frame.select(pl.len()).collect().item()))


def _table(name: str, frame: pl.LazyFrame, names: tuple[str, ...], n_rows: int) -> Table:
    check_unique(quoted(name), list(names))
    if not names:
        raise InputError(f"{quoted(name)} has no columns; give a table with a header and rows")
    if n_rows == 0:
        raise InputError(f"{quoted(name)} has a header only; give a table with at least one row")
    types = dict(zip(names, frame.collect_schema().dtypes(), strict=True))
    forms = {
        column: (str(i), *found)
        for i, (column, dtype) in enumerate(types.items())
        if (found := plain(pl.nth(i), dtype)) is not None
    }
    return Table(
        name=name,
        columns=names,
        n_rows=n_rows,
        frame=frame.select(cells.alias(key) for key, cells, _ in forms.values()),
        readable={column: Column(key, form) for column, (key, _, form) in forms.items()},
        unreadable={column: str(types[column]) for column in names if column not in forms},
        levels={
            column: Ordinal(tuple(dtype.categories.to_list()))
            for column, dtype in types.items()
            if isinstance(dtype, pl.Enum) and len(dtype.categories) > 2
        },
        notes={column: "seconds" for column, dtype in types.items() if dtype == pl.Duration},
    )
