"""A few rows of a dataframe, read cell by cell: what an engine for many rows costs is left out."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import Any, Final

import narwhals as nw
import numpy as np
import polars as pl
from jaxtyping import Float

from ramify.data.tables._cells import LARGEST, MISSING
from ramify.data.tables._schema import ColumnType, FeatureColumn, TableSchema

MOST_ROWS: Final = 16
_MISSING: Final = frozenset(MISSING)


class _NotPlainError(Exception):
    """A cell that is to be read with care."""


def read_few(frame: object, schema: TableSchema) -> Float[np.ndarray, "row raw"] | None:
    """Read the features of a dataframe of a few rows; the same numbers as `read_features` gives.

    Args:
        frame: A dataframe of polars or pandas, or anything else.
        schema: Which columns, and how.

    Returns:
        What `read_features` gives; None if there are more than a few rows, or a cell of another kind
        than a plain number, truth value or text: then `read_features` knows what to do or to say.
    """
    columns = _columns(frame)
    if columns is None:
        return None
    try:
        found = [_read(columns[feature.name], feature) for feature in schema.features]
    except (_NotPlainError, KeyError):
        return None
    return np.array(found, dtype=np.float64).T


def _columns(frame: Any) -> Mapping[str, Sequence[object]] | None:  # noqa: ANN401
    """The cells of a few rows as objects of Python; None of another frame, or of more rows."""
    if isinstance(frame, pl.DataFrame):
        return frame.to_dict(as_series=False) if 0 < len(frame) <= MOST_ROWS else None
    if not nw.dependencies.is_pandas_dataframe(frame) or not 0 < len(frame) <= MOST_ROWS:
        return None
    if not frame.columns.is_unique:
        return None
    # One array for all columns: each of them alone would take longer than a network.
    cells = frame.to_numpy(dtype=object)
    return dict(zip(map(str, frame.columns), cells.T.tolist(), strict=True))


def _read(cells: Sequence[object], feature: FeatureColumn) -> list[float]:
    if feature.type == "categorical":
        codes = {name: float(code) for code, name in enumerate(feature.categories)}
        return [_code(cell, codes) for cell in cells]
    read = _READ.get(feature.type)
    if read is None:
        raise _NotPlainError
    return [read(cell) for cell in cells]


def _number(cell: object) -> float:
    if cell is None:
        return nan
    if type(cell) in (float, int):
        value = float(cell)  # type: ignore[arg-type]
        if abs(value) <= LARGEST or isnan(value):
            return value
    raise _NotPlainError


def _truth(cell: object) -> float:
    if cell is None:
        return nan
    if type(cell) is bool:
        return float(cell)
    raise _NotPlainError


def _code(cell: object, codes: Mapping[str, float]) -> float:
    if cell is None or (type(cell) is float and isnan(cell)):  # pandas: a missing text
        return nan
    if type(cell) is not str:
        raise _NotPlainError
    text = cell.strip()
    return nan if text in _MISSING and text not in codes else codes.get(text, float(len(codes)))


_READ: Final[dict[ColumnType, Callable[[Any], float]]] = {"numeric": _number, "boolean": _truth}
