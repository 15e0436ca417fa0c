"""Dataframes of other libraries, through narwhals, as polars frames."""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import narwhals as nw
import numpy as np
import polars as pl

from ramify._core import InputError, listed, quoted

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

    Frame: TypeAlias = IntoFrame | Mapping[str, Any] | Sequence[Mapping[str, Any]]
else:
    # The shape hook cannot check against narwhals' protocols.
    Frame: TypeAlias = object

_WHOLE: Final = (int, np.integer)
_LIMIT: Final = 2**127
_TEMPORAL: Final = (datetime.datetime, datetime.date, datetime.timedelta, datetime.time)
_SCALARS: Final = (str, bytes, int, float, Decimal, np.generic, *_TEMPORAL)


def to_polars(frame: Frame) -> tuple[pl.LazyFrame, tuple[str, ...]]:
    """Take a dataframe of any library that narwhals knows.

    Returns:
        The frame, and the names of its columns as they were.

    Raises:
        InputError: If it is no dataframe, or if two columns have one name.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame, tuple(frame.collect_schema().names())
    if isinstance(frame, pl.DataFrame):
        return frame.lazy(), tuple(frame.columns)
    if isinstance(frame, Mapping):
        return _of_columns(frame)
    if isinstance(frame, list | tuple) and frame and all(isinstance(r, Mapping) for r in frame):
        names = dict.fromkeys(name for row in frame for name in row)
        return _of_columns({name: [row.get(name) for row in frame] for name in names})
    check_unique("the dataframe", _native_names(frame))
    try:
        eager = _eager(frame)
    except TypeError:
        raise InputError(
            "`table` must be a path, a dataframe (polars, pandas, pyarrow), a mapping from names to "
            f"columns, or a list of mappings. Got {quoted(type(frame).__name__)}"
        ) from None
    if eager.implementation.is_pyarrow():
        table = pl.DataFrame(eager.to_native())
        return table.lazy(), tuple(table.columns)
    series = [_series(str(column.name), column) for column in eager.iter_columns()]
    return pl.DataFrame(series).lazy(), tuple(one.name for one in series)


def _of_columns(columns: Mapping[Any, Any]) -> tuple[pl.LazyFrame, tuple[str, ...]]:
    """A mapping from names to columns: lists, arrays or series."""
    whole: Any = columns.get("frame")
    if hasattr(whole, "columns"):
        return to_polars(whole)  # what scikit-learn's loaders give with `as_frame`
    check_unique("the mapping", [str(name) for name in columns])
    series = [_column_of(str(name), cells) for name, cells in columns.items()]
    if len({len(each) for each in series}) > 1:
        raise InputError(
            "columns of the mapping must be equally long",
            got=listed(f"{each.name}: {len(each):,}" for each in series),
        )
    return pl.DataFrame(series).lazy(), tuple(each.name for each in series)


def _column_of(name: str, cells: Any) -> pl.Series:  # noqa: ANN401
    if isinstance(cells, pl.Series):
        return cells.alias(name)
    if isinstance(cells, np.ndarray) and cells.ndim == 1 and cells.dtype.kind in "fiub":
        return pl.Series(name, cells)
    if isinstance(cells, str) or not hasattr(cells, "__len__") or not hasattr(cells, "__iter__"):
        raise InputError(
            f"column {quoted(name)} of the mapping must be a list or an array",
            got=quoted(type(cells).__name__),
        )
    objects = [None if cell is None or cell != cell else cell for cell in cells]  # noqa: PLR0124
    numbers = all(isinstance(cell, int | float | np.number) for cell in objects if cell is not None)
    if numbers and any(isinstance(cell, float | np.floating) for cell in objects):
        return pl.Series(name, objects, dtype=pl.Float64, strict=False)
    return _from_objects(name, objects)


def check_unique(where: str, names: list[str]) -> None:
    """Check that column names differ and none is empty.

    Raises:
        InputError: If not.
    """
    seen: set[str] = set()
    repeated = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    if repeated:
        raise InputError(
            f"column names of {where} must be different. "
            f"Got {listed(dict.fromkeys(repeated))} repeatedly; rename or remove the copies"
        )
    if "" in seen:
        raise InputError(
            f"every column of {where} must have a name. Column {names.index('') + 1} has none; "
            "name it or remove it"
        )


def _native_names(frame: Any) -> list[str]:  # noqa: ANN401 - narwhals' frames have no common type
    names = getattr(frame, "column_names", None)
    return [str(name) for name in (getattr(frame, "columns", ()) if names is None else names)]


def _eager(frame: Any) -> Any:  # noqa: ANN401
    wrapped = nw.from_native(frame)
    return wrapped.collect() if isinstance(wrapped, nw.LazyFrame) else wrapped


def _series(name: str, column: Any) -> pl.Series:  # noqa: ANN401
    dtype = column.dtype
    if isinstance(dtype, nw.Enum):
        levels = [str(each) for each in dtype.categories]
        return pl.Series(name, _texts(_cells(column)), dtype=pl.Enum(levels))
    if dtype == nw.Categorical:
        return pl.Series(name, _texts(_cells(column)), dtype=pl.String)
    if dtype == nw.Datetime and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if dtype in (nw.Datetime, nw.Duration) or dtype.is_float():
        return _of_numbers(name, column)
    if (dtype.is_integer() or dtype == nw.Boolean) and not column.is_null().any():
        return _of_numbers(name, column)
    return _from_objects(name, _cells(column))


def _of_numbers(name: str, column: Any) -> pl.Series:  # noqa: ANN401
    """A column that NumPy holds to the last digit: NaN or NaT are its only missing values."""
    array = column.to_numpy()
    if array.dtype.kind == "O":  # of an extension type; its cells are objects
        return _from_objects(name, _cells(column))
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.dtype.kind in "mM" and np.datetime_data(array.dtype)[0] not in ("ns", "us", "ms"):
        array = array.astype(f"{array.dtype.kind}8[us]")
    return pl.Series(name, array)


def _cells(column: Any) -> list[object]:  # noqa: ANN401
    """The cells as Python objects, None where one is missing."""
    missing = column.is_null().to_list()
    return [None if gone else cell for cell, gone in zip(column.to_list(), missing, strict=True)]


def _texts(cells: list[object]) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells]


def _from_objects(name: str, cells: list[object]) -> pl.Series:
    """Objects of Python: all of one kind that polars has, or a mixture that is read as text."""
    present = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, (bool, np.bool_)) for cell in present):
        return pl.Series(name, cells, dtype=pl.Boolean)
    temporal = {next((t for t in _TEMPORAL if isinstance(c, t)), None) for c in present}
    if len(temporal) == 1 and None not in temporal:
        return pl.Series(name, cells)
    if all(isinstance(cell, _WHOLE) and abs(int(cell)) < _LIMIT for cell in present):
        return pl.Series(name, [None if c is None else int(c) for c in cells], dtype=pl.Int128)  # type: ignore[call-overload]
    if all(isinstance(cell, _SCALARS) for cell in present):
        return pl.Series(name, _texts(cells), dtype=pl.String)
    return pl.Series(name, cells, dtype=pl.Object)
