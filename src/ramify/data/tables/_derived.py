"""Columns that are computed from others, by a formula that is read and never run as code."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import polars as pl

from ramify._core import InputError, listed, quoted
from ramify.data.tables._cells import Column, Form
from ramify.data.tables._names import check_columns
from ramify.data.tables._profile import profiles
from ramify.data.tables._table import Table


def with_derived(table: Table, formulas: Mapping[str, str], argument: str = "hint") -> Table:
    """Add columns that are computed from those of the table.

    A column whose cells are all numbers counts as numbers in a formula, any other as text; where a
    cell that a formula needs is missing, so is the result.

    Args:
        table: The table.
        formulas: By the name of the new column, an expression of SQL over columns, such as
            ``amount > 100``; a name with other characters than letters stands in double quotes.
        argument: What gave the formulas, for messages.

    Raises:
        InputError: If a formula cannot be read, names no column, or its name is taken.

    Example:
        >>> from ramify.data import open_table
        >>> table = open_table(pl.DataFrame({"amount": [50, 150, None], "y": [0, 1, 0]}))
        >>> derived = with_derived(table, {"big": "amount > 100"})
        >>> derived.collect(derived.column("big").present())[:, 0].to_list()
        [False, True, None]
    """
    for name, formula in formulas.items():
        if name in table.columns:
            raise InputError(
                "must give its column a new name",
                argument=argument,
                got=f"{quoted(name)}, which the table has",
            )
        table = _with_one(table, name, formula, argument)
    return table


def _with_one(table: Table, name: str, formula: str, argument: str) -> Table:
    refusal = InputError(
        "must be an expression over columns that gives a value for each row, such as amount > 100",
        argument=argument,
        got=quoted(formula),
    )
    try:
        expression = pl.sql_expr(formula)
        used = list(dict.fromkeys(expression.meta.root_names()))
    except pl.exceptions.PolarsError:
        raise refusal from None
    if not used:
        raise refusal
    check_columns(table.columns, used, argument)
    found = profiles(table, used)
    columns = {each: table.column(each) for each in used}
    values = table.collect(
        *(
            (column.number() if found[each].all_numbers else column.text()).alias(each)
            for each, column in columns.items()
        )
    )
    try:
        result = values.select(expression.alias(name)).to_series()
    except pl.exceptions.PolarsError as error:
        words = str(error).splitlines()[0]
        raise InputError(
            f"cannot be computed from {listed(used)}: {words}",
            argument=argument,
            got=quoted(formula),
        ) from None
    read_as = _plain_form(result)
    if read_as is None or len(result) != table.n_rows:
        raise refusal
    result, form = read_as
    key = f"derived {name}"
    joined = result.alias(key).to_frame().lazy()
    return replace(
        table,
        columns=(*table.columns, name),
        frame=pl.concat([table.frame, joined], how="horizontal"),
        readable={**table.readable, name: Column(key, form)},
        typed=None if table.typed is None else _joined(table.typed, joined, key),
    )


def _plain_form(result: pl.Series) -> tuple[pl.Series, Form] | None:
    if result.dtype == pl.Boolean:
        return result, "truth"
    if result.dtype == pl.String:
        return result, "text"
    return (result.cast(pl.Float64), "number") if result.dtype.is_numeric() else None


def _joined(
    typed: Callable[[Collection[str]], pl.LazyFrame], column: pl.LazyFrame, key: str
) -> Callable[[Collection[str]], pl.LazyFrame]:
    def joined(keys: Collection[str]) -> pl.LazyFrame:
        others = [each for each in keys if each != key]
        return pl.concat([typed(others), column], how="horizontal")

    return joined
