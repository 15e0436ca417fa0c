import polars as pl

from ramify.data import (
    RandomSplit,
    infer_schema,
    open_table,
    planted_table,
    read_features,
    read_targets,
    split_rows,
)
from ramify.runs._prepared import describe


def test_a_table_is_described_for_the_record() -> None:
    kinds = ("binary", "multiclass", "regression")
    frame, (names,) = planted_table(1, 3, rows=200, features=2, kinds=kinds)
    table = open_table(frame.with_columns(same=pl.lit(1)))
    found = infer_schema(table, names)
    targets, mask = read_targets(table, found.tasks)
    split = split_rows(RandomSplit(), table, mask, seed=0)
    info = describe(table, found, split, targets, mask, {"numeric": 2, "encoded": 7})
    assert info.rows == split.sizes
    assert info.features == {"numeric": 2, "encoded": 7}
    assert info.left_out == {"same": "constant"}
    assert info.labels[0].train == mask[split.train, 0].sum()
    assert "% are '1'" in info.labels[0].summary
    assert "'low' " in info.labels[1].summary
    assert info.labels[2].summary.startswith("mean ")
    assert read_features(table, found.features).shape == (200, 2)
