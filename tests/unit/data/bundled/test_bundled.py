import csv
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

import ramify.data
from ramify._core import InputError
from ramify.data import (
    TOX21_TARGETS,
    infer_schema,
    load_tox21,
    open_table,
    planted_table,
    read_targets,
)
from ramify.tasks import Binary

SOURCE = Path(os.environ.get("RAMIFY_DATA", Path(__file__).parents[5] / "shared/data")) / "tox21"


def test_tox21_has_the_published_label_counts() -> None:
    frame = load_tox21()
    assert frame.columns[:13] == ["smiles", *TOX21_TARGETS]
    assert frame.columns[13:] == [f"fp{i:04d}" for i in range(1024)]
    counts = frame.select(pl.col(TOX21_TARGETS).count()).row(0)
    assert (min(counts), max(counts), sum(counts)) == (5810, 7265, 77946)
    assert frame["NR-AR"].sum() == 309
    assert round(frame.select(TOX21_TARGETS).to_numpy().size - sum(counts)) == 16026


def test_the_bundled_file_is_small_and_says_where_it_is_from() -> None:
    folder = Path(ramify.data.__file__).parent / "bundled" / "tox21"
    assert (folder / "tox21.parquet").stat().st_size < 1_000_000
    text = (folder / "SOURCE.md").read_text(encoding="utf-8")
    assert "public domain" in text
    assert not [word for word in text.split() if word.startswith("/")], "a path of some machine"


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the original table is not here")
def test_tox21_is_the_original_row_by_row() -> None:
    frame = load_tox21()
    with (SOURCE / "tox21.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert frame["smiles"].to_list() == [row["smiles"] for row in rows]
    for name in TOX21_TARGETS:
        cells = [int(float(row[name])) if row[name] else None for row in rows]
        assert frame[name].to_list() == cells
    packed = np.load(SOURCE / "ecfp4_1024_derived.npz")["fp_packed"]
    assert_array_equal(frame[:, 13:].to_numpy(), np.unpackbits(packed, axis=1).astype(bool))


def test_a_planted_group_agrees_with_itself_alone() -> None:
    frame, groups = planted_table(3, 3, seed=1)
    names = [name for group in groups for name in group]
    table = open_table(frame)
    found = infer_schema(table, names)
    assert all(isinstance(task.kind, Binary) for task in found.tasks)
    targets, mask = read_targets(table, found.tasks)
    assert abs(mask.mean() - 0.85) < 0.01
    signs = np.where(mask, 2 * targets - 1, 0)
    agreement = (signs.T @ signs) / (mask.astype(float).T @ mask)
    same = np.kron(np.eye(3), np.ones((3, 3))).astype(bool)
    assert agreement[same].min() > 0.4
    assert np.abs(agreement[~same]).max() < 0.3


def test_a_planted_table_is_a_function_of_the_seed_and_may_mix_kinds() -> None:
    kinds = ("binary", "multiclass", "regression")
    first, groups = planted_table(2, 3, rows=100, seed=4, kinds=kinds)
    assert first.equals(planted_table(2, 3, rows=100, seed=4, kinds=kinds)[0])
    assert not first.equals(planted_table(2, 3, rows=100, seed=5, kinds=kinds)[0])
    found = infer_schema(open_table(first), [name for group in groups for name in group])
    assert [task.kind.name for task in found.tasks] == [*kinds, *kinds]


@pytest.mark.parametrize(
    "options",
    [{"rows": 0}, {"features": 0}, {"missing": 1.0}, {"kinds": ("ordinal",)}, {"kinds": ()}],
)
def test_an_impossible_plant_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match="must be"):
        planted_table(1, 1, **options)  # type: ignore[arg-type]


def test_every_public_name_resolves() -> None:
    assert len(set(ramify.data.__all__)) == len(ramify.data.__all__)
    assert all(hasattr(ramify.data, name) for name in ramify.data.__all__)
