"""Tables: reading any of them alike, finding features and tasks, and encoding both."""

from ramify.data.tables._derived import with_derived
from ramify.data.tables._encoder import TableEncoder
from ramify.data.tables._infer import (
    Inferred,
    InferredLabels,
    infer_features,
    infer_labels,
    infer_schema,
    written_plainly,
)
from ramify.data.tables._label_statistics import standardised
from ramify.data.tables._names import check_columns, resolve_columns, split_names
from ramify.data.tables._open import open_table
from ramify.data.tables._read import (
    FIT_ADVICE,
    LabelMask,
    Targets,
    feature_batches,
    read_features,
    read_targets,
)
from ramify.data.tables._reshape import OneVsRest, RowsByTask, one_vs_rest, rows_by_task
from ramify.data.tables._schema import FeatureColumn, TableSchema
from ramify.data.tables._small import read_few
from ramify.data.tables._soft_labels import SoftLabels, with_soft_labels
from ramify.data.tables._spelling import identifiers_among, named_plainly, row_names
from ramify.data.tables._table import Table
from ramify.data.tables._target_kinds import StatedKind, with_positive
from ramify.data.tables._text_file import TableReading

__all__ = [
    "FIT_ADVICE",
    "FeatureColumn",
    "Inferred",
    "InferredLabels",
    "LabelMask",
    "OneVsRest",
    "RowsByTask",
    "SoftLabels",
    "StatedKind",
    "Table",
    "TableEncoder",
    "TableReading",
    "TableSchema",
    "Targets",
    "check_columns",
    "feature_batches",
    "identifiers_among",
    "infer_features",
    "infer_labels",
    "infer_schema",
    "named_plainly",
    "one_vs_rest",
    "open_table",
    "read_features",
    "read_few",
    "read_targets",
    "resolve_columns",
    "row_names",
    "rows_by_task",
    "split_names",
    "standardised",
    "with_derived",
    "with_positive",
    "with_soft_labels",
    "written_plainly",
]
