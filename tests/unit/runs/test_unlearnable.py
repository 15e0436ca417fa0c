"""Tasks of which nothing can be learned, or nothing be said: predicted, warned of, and not scored."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ramify
from ramify import Run
from ramify.data import ColumnSplit, open_table
from ramify.runs import run_table

from .test_ordered_kinds import options, planted

VALUE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a number that is constant in training only, and a ranking without test labels."""
    rng, frame = np.random.default_rng(0), planted(320)
    side = np.array(["test", "validation", "train", "train"] * 80)
    frame = frame.with_columns(
        pl.Series("side", side),
        pl.Series("flat", np.where(side == "train", VALUE, rng.standard_normal(320))),
    ).with_columns(pl.when(pl.col("side") != "test").then(pl.col("relevance")))
    given = replace(options(1), split=ColumnSplit("side"), targets=["level", "relevance", "flat"])
    output = tmp_path_factory.mktemp("runs") / "run"
    run_table(open_table(frame), given, output=output)
    frame.write_parquet(output / "table.parquet")
    return output


def test_a_number_that_is_constant_in_training_is_predicted_as_that(folder: Path) -> None:
    run: Run = ramify.load(folder)
    found = run.predict(folder / "table.parquet")["flat"].to_numpy()
    np.testing.assert_allclose(found, VALUE, rtol=1e-6)


def test_it_is_warned_of_and_not_scored(folder: Path) -> None:
    record = ramify.load(folder).record
    said = " ".join(record.warnings)
    assert "1 task on the train rows: 'flat (all its training labels are the same)" in said
    (score,) = [each for each in record.scores.test if each.task == "flat"]
    assert score.value is None
    assert score.note == "all its training labels are the same"


def test_a_ranking_without_test_labels_is_recorded_without_a_score(folder: Path) -> None:
    record = ramify.load(folder).record
    (score,) = [each for each in record.scores.test if each.task == "relevance"]
    assert (score.value, score.n_labels) == (None, 0)
    assert [each.value is not None for each in record.scores.test if each.task == "level"] == [True]
