"""Which rows train, which choose, which test; and which rows a ranking compares."""

from ramify.data.splits._read_groups import read_groups
from ramify.data.splits._rules import (
    ColumnSplit,
    GroupSplit,
    RandomSplit,
    column_texts,
    parse_split,
    split_rows,
)
from ramify.data.splits._split import LabelledRows, Rows, Split, SplitRule

__all__ = [
    "ColumnSplit",
    "GroupSplit",
    "LabelledRows",
    "RandomSplit",
    "Rows",
    "Split",
    "SplitRule",
    "column_texts",
    "parse_split",
    "read_groups",
    "split_rows",
]
