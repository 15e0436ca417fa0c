"""Dataframes of other libraries, through narwhals, as polars frames."""

import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import narwhals as nw
import numpy as np
import polars as pl

from ramify._core import InputError, listed, quoted

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

    Frame: TypeAlias = IntoFrame
else:
    # The shape hook cannot check against narwhals' protocols.
    Frame: TypeAlias = object

_SCALARS: Final = (str, bytes, int, float, bool, np.generic)
_DATES: Final = (datetime.date, datetime.timedelta, datetime.time)


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
    check_unique("the dataframe", _native_names(frame))
    try:
        eager = _eager(frame)
    except TypeError:
        raise InputError(
            "`table` must be a path or a dataframe (polars, pandas, pyarrow). "
            f"Got {quoted(type(frame).__name__)}"
        ) from None
    series = [_series(str(column.name), column) for column in eager.iter_columns()]
    return pl.DataFrame(series).lazy(), tuple(one.name for one in series)


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
    if dtype.is_numeric():
        return pl.Series(name, column.cast(nw.Float64).to_numpy(), dtype=pl.Float64)
    if isinstance(dtype, nw.Enum):
        levels = [str(each) for each in dtype.categories]
        missing = column.is_null().to_list()
        found = [None if m else str(v) for v, m in zip(column.to_list(), missing, strict=True)]
        return pl.Series(name, found, dtype=pl.Enum(levels))
    if dtype in (nw.String, nw.Categorical, nw.Object, nw.Unknown, nw.Boolean):
        return _from_objects(name, column.to_list(), column.is_null().to_list())
    if dtype == nw.Datetime:
        moments = column.dt.timestamp("us").cast(nw.Float64).to_numpy()
        return pl.Series(name, moments).fill_nan(None).cast(pl.Int64).cast(pl.Datetime("us"))
    return pl.Series(name, column.to_list(), strict=False)


def _from_objects(name: str, values: list[object], missing: list[bool]) -> pl.Series:
    """Python objects: all texts, all truth values, all dates, or a mixture that is read as text."""
    cells = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    present = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, (bool, np.bool_)) for cell in present):
        return pl.Series(name, cells, dtype=pl.Boolean)
    if all(isinstance(cell, _DATES) for cell in present):
        return pl.Series(name, cells)
    if all(isinstance(cell, _SCALARS) for cell in present):
        return pl.Series(
            name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String
        )
    return pl.Series(name, cells, dtype=pl.Object)
