"""Tables and images to batches: reading, splitting, encoding, batching; two bundled tables.

`open_table` reads a file or a dataframe, `infer_schema` finds its features and tasks,
`read_features` and `read_targets` give arrays, `split_rows` divides the rows, `TableEncoder` turns
raw columns into network inputs, and `TableBatches` hands them on with the label mask.

With images, the table holds labels only: `open_images`, `open_layout` and `open_npz` give an
`ImageData`, that is a table and the `ImageRows` that belong to it. `ImageEncoder` and `ImageBatches`
stand in for those of tables.
"""

from ramify.data._column_split import ColumnSplit
from ramify.data._describe import describe
from ramify.data._encoder import TableEncoder
from ramify.data._group_split import GroupSplit
from ramify.data._idx import open_idx_pair, read_idx
from ramify.data._idx_images import idx_images, open_idx
from ramify.data._image_augmentation import Augmentation
from ramify.data._image_data import ImageData
from ramify.data._image_encoder import ImageEncoder
from ramify.data._image_files import ImageFiles, open_image_files, open_images
from ramify.data._image_joint import JointSplit, joined
from ramify.data._image_reading import ImageReading
from ramify.data._image_resize import resized
from ramify.data._image_rows import ImageRows
from ramify.data._image_schema import PAPER_MEAN, ImageSchema
from ramify.data._image_soft_labels import SoftLabels, with_soft_labels
from ramify.data._image_stream import ImageBatch, image_file_batches, image_row_batches
from ramify.data._infer import Inferred, InferredLabels, infer_labels, infer_schema
from ramify.data._label_statistics import standardised
from ramify.data._layout_base import ImageLayout
from ramify.data._layout_celeba import CelebA
from ramify.data._layout_deepfashion import DeepFashion
from ramify.data._layout_idx import IdxFolder
from ramify.data._layout_names import LAYOUTS, layout_of, open_layout
from ramify.data._layout_split import TrainTestSplit
from ramify.data._names import resolve_columns, split_names
from ramify.data._npz import npz_images, open_npz
from ramify.data._one_vs_rest import OneVsRest, one_vs_rest
from ramify.data._open import open_table
from ramify.data._planted import planted_table
from ramify.data._random_split import RandomSplit
from ramify.data._read_features import feature_batches, read_features
from ramify.data._read_groups import read_groups
from ramify.data._read_targets import read_targets
from ramify.data._schema import FeatureColumn, TableSchema
from ramify.data._split import Split
from ramify.data._split_rule import SplitRule
from ramify.data._split_rules import parse_split, split_rows
from ramify.data._stated_kinds import StatedKind
from ramify.data._table import Table
from ramify.data._task_column import RowsByTask, rows_by_task
from ramify.data._tox21 import TOX21_TARGETS, load_tox21
from ramify.data.batches import (
    Batch,
    Batches,
    ImageBatches,
    LoaderBatches,
    TableBatches,
    as_batches,
    pairs_within,
)

__all__ = [
    "LAYOUTS",
    "PAPER_MEAN",
    "TOX21_TARGETS",
    "Augmentation",
    "Batch",
    "Batches",
    "CelebA",
    "ColumnSplit",
    "DeepFashion",
    "FeatureColumn",
    "GroupSplit",
    "IdxFolder",
    "ImageBatch",
    "ImageBatches",
    "ImageData",
    "ImageEncoder",
    "ImageFiles",
    "ImageLayout",
    "ImageReading",
    "ImageRows",
    "ImageSchema",
    "Inferred",
    "InferredLabels",
    "JointSplit",
    "LoaderBatches",
    "OneVsRest",
    "RandomSplit",
    "RowsByTask",
    "SoftLabels",
    "Split",
    "SplitRule",
    "StatedKind",
    "Table",
    "TableBatches",
    "TableEncoder",
    "TableSchema",
    "TrainTestSplit",
    "as_batches",
    "describe",
    "feature_batches",
    "idx_images",
    "image_file_batches",
    "image_row_batches",
    "infer_labels",
    "infer_schema",
    "joined",
    "layout_of",
    "load_tox21",
    "npz_images",
    "one_vs_rest",
    "open_idx",
    "open_idx_pair",
    "open_image_files",
    "open_images",
    "open_layout",
    "open_npz",
    "open_table",
    "pairs_within",
    "parse_split",
    "planted_table",
    "read_features",
    "read_groups",
    "read_idx",
    "read_targets",
    "resized",
    "resolve_columns",
    "rows_by_task",
    "split_names",
    "split_rows",
    "standardised",
    "with_soft_labels",
]
