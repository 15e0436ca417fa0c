"""What the record of a run holds."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from tests.unit.runs._runs import fitted, quick, small_table

from ramify.data import ColumnSplit
from ramify.records import RECORD_FILE, RunRecord
from ramify.sharing import CrossStitch, Factorised, Relationship, Sharing


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """Of a task without labels in the test rows, and one of one class in the validation rows."""
    sides = (["train"] * 8 + ["validation", "test"]) * 15
    side = pl.col("side")
    frame = small_table(("binary", "regression"), rows=150).with_columns(side=pl.Series(sides))
    frame = frame.with_columns(pl.when(side != "test").then("g0_t0").alias("g0_t0"))
    one_class = (side == "validation") & (pl.col("g1_t0") == 1)
    frame = frame.with_columns(pl.when(~one_class).then("g1_t0").alias("g1_t0"))
    options = replace(quick(baselines=("single_task", "shared")), split=ColumnSplit("side"))
    directory = tmp_path_factory.mktemp("run")
    fitted(frame, options, output=directory)
    return RunRecord.load(directory / RECORD_FILE)


def test_it_has_every_key_that_users_rely_on(record: RunRecord) -> None:
    found = json.loads(record.model_dump_json())
    assert {
        *("tasks", "sharing", "tree", "affinity", "scores", "baselines", "delta_m"),
        *("parameters", "flops", "seconds", "versions", "seed", "format_version"),
    } <= set(found)
    assert set(found["tasks"][0]) >= {"name", "kind", "metric"}
    assert set(found["sharing"]) == {"name", "label", "structure", "shares", "settings"}
    assert set(found["scores"]) == {"test", "validation", "overall"}
    assert found["milliseconds"] > 0
    assert set(found["scores"]["test"][0]) >= {"metric", "value", "n_labels"}
    assert set(found["baselines"]) == {"single_task", "shared"}
    assert all(set(each) >= {"tasks", "matrix"} for each in found["affinity"].values())
    names = [task["name"] for task in found["tasks"]]
    for stage in found["tree"]["stages"]:
        assert sorted(name for group in stage for name in group) == sorted(names)


def test_a_task_without_test_labels_is_absent_not_zero(record: RunRecord) -> None:
    line = record.scores.test[0]
    assert (line.task, line.value, line.n_labels) == ("g0_t0", None, 0)
    assert "no labels" in line.note
    assert record.scores.validation[0].value is not None
    assert any("on the test rows" in warning for warning in record.warnings)


def test_a_task_of_one_class_is_absent_where_it_is(record: RunRecord) -> None:
    line = next(each for each in record.scores.validation if each.task == "g1_t0")
    assert line.value is None
    assert line.n_labels > 0
    assert line.note


def test_every_phase_has_its_curve(record: RunRecord) -> None:
    phases = {point.phase for point in record.curves}
    assert {"growing", "single_task", "shared"} <= phases


def test_relations_that_were_learned_with_the_weights_are_in_the_record() -> None:
    options = replace(quick(), sharing=Relationship(interval=1))
    run = fitted(small_table(("regression",), rows=150), options)
    (affinity,) = run.record.affinity.values()
    assert not affinity.used  # no tree grew from it
    matrix = np.array(affinity.matrix, dtype=float)
    assert_allclose(matrix, matrix.T)
    assert_allclose(matrix.diagonal(), 1, atol=1e-5)
    assert np.abs(matrix - np.eye(len(matrix))).max() > 1e-3
    assert "How alike the tasks are" in run.report()


@pytest.mark.parametrize(
    ("sharing", "parts"),
    [
        (CrossStitch(), "stitch units, stage"),
        (Factorised("tt", rank=2, pretrain_epochs=1), "factors, layer"),
    ],
)
def test_relations_of_networks_that_read_each_other_are_in_the_record(
    sharing: Sharing, parts: str
) -> None:
    run = fitted(small_table(("regression",), rows=150), replace(quick(), sharing=sharing))
    assert list(run.record.affinity) == [f"{parts} {i}" for i in (1, 2)]
    for affinity in run.record.affinity.values():
        matrix = np.array(affinity.matrix, dtype=float)
        assert_allclose(matrix, matrix.T)
        assert np.ptp(matrix) > 0
    page = run.report()
    assert f"{parts} 2" in page
    assert "the tree grew from this" not in page
    assert "if the tree follows the evidence" not in page
    assert page.count('<details class="measure" open') == 1
