"""Fit, save, load and predict: one model, whatever way it goes."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from narwhals.typing import IntoFrame
from polars.testing import assert_frame_equal
from safetensors.torch import load_file, save_file
from tests.unit.runs._runs import fitted, quick, small_table, without_digest

import ramify
from ramify import InputError, Run
from ramify._core import sha256_of
from ramify.data import open_table
from ramify.networks import DataFacts
from ramify.runs import Options
from ramify.runs._predicting import write_predictions
from ramify.tasks import Ordinal
from ramify.training import Training

MIXED = ("binary", "multiclass", "regression")


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return small_table(MIXED)


@pytest.fixture(scope="module")
def run(frame: pl.DataFrame) -> Run:
    return fitted(frame, quick(epochs=4, baselines=("single_task", "shared", "random_tree")))


def test_a_saved_run_is_the_same_when_loaded(run: Run, frame: pl.DataFrame, tmp_path: Path) -> None:
    run.save(tmp_path)
    again = ramify.load(tmp_path)
    assert_frame_equal(again.predict(frame), run.predict(frame))
    assert again.record == run.record
    assert again.tree == run.tree


def test_a_model_from_before_double_precision_loads(
    run: Run, frame: pl.DataFrame, tmp_path: Path
) -> None:
    run.save(tmp_path)
    weights, card = tmp_path / "model.safetensors", tmp_path / "model.json"
    tensors = load_file(weights)
    assert tensors["encoder.location"].dtype == torch.float64
    save_file(
        {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}, weights
    )
    without_digest(tmp_path)
    old = json.loads(card.read_text()) | {"weights_sha256": sha256_of(weights)}
    del old["inputs"]["features"]["version"]
    card.write_text(json.dumps(old))
    before, after = run.predict(frame), ramify.load(tmp_path).predict(frame)
    assert_frame_equal(before, after, abs_tol=1e-5)


def test_predictions_follow_the_rows(run: Run, frame: pl.DataFrame) -> None:
    assert_frame_equal(run.predict(frame.reverse()), run.predict(frame).reverse())


def test_predictions_do_not_need_the_targets(run: Run, frame: pl.DataFrame) -> None:
    assert_frame_equal(run.predict(frame.select("^x.*$")), run.predict(frame))


@pytest.mark.parametrize("convert", [pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_dataframes_of_other_libraries_predict_the_same(
    run: Run, frame: pl.DataFrame, convert: object
) -> None:
    assert callable(convert)
    assert_frame_equal(run.predict(convert(frame)), run.predict(frame))


def test_a_pandas_frame_fits_as_a_polars_frame(frame: pl.DataFrame) -> None:
    def fit(data: IntoFrame) -> Run:
        training = Training(epochs=1)
        return ramify.fit(data, "g*", training=training, hidden=(8, 8), baselines=())

    assert_frame_equal(fit(frame.to_pandas()).predict(frame), fit(frame).predict(frame))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predictions_stream_to_a_file(
    run: Run, frame: pl.DataFrame, tmp_path: Path, ending: str
) -> None:
    long = pl.concat([frame] * 100)  # more than one batch of the reader
    path = tmp_path / f"p.{ending}"
    run.predict_to(long, path)
    found = pl.read_csv(path) if ending == "csv" else pl.read_parquet(path)
    assert_frame_equal(found, run.predict(long), check_dtypes=False, rel_tol=1e-5, abs_tol=1e-6)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_no_spreadsheet_takes_a_name_or_a_level_for_a_formula(tmp_path: Path) -> None:
    levels = Ordinal(("=low", "-mid", "high"))
    frame = pl.DataFrame({"x": range(60), "=y": ["=low", "-mid", "high"] * 20, "@z": [0, 1] * 30})
    run = fitted(frame, replace(quick(targets=("=y", "@z")), kinds={"=y": levels}))
    model, table = run.model, open_table(frame)
    write_predictions(model, table, tmp_path / "p.csv")
    write_predictions(model, table, tmp_path / "p.parquet")
    names = ["=y==low", "=y=-mid", "=y=high", "=y", "@z"]
    assert pl.read_parquet(tmp_path / "p.parquet").columns == names
    written = pl.read_csv(tmp_path / "p.csv", infer_schema=False)
    assert written.columns == [f"'{name}" for name in names]
    assert set(written["'=y"]) <= {"'=low", "'-mid", "high"}


def test_there_is_a_column_per_task_and_per_class(run: Run, frame: pl.DataFrame) -> None:
    found = run.predict(frame)
    classes = [f"g{g}_t1={label}" for g in (0, 1) for label in ("high", "low", "middle")]
    assert set(found.columns) == {"g0_t0", "g0_t2", "g1_t0", "g1_t2", *classes}


def test_probabilities_of_the_classes_sum_to_one(run: Run, frame: pl.DataFrame) -> None:
    found = run.predict(frame)
    for group in (0, 1):
        total = found.select(pl.sum_horizontal(f"^g{group}_t1=.*$")).to_series()
        np.testing.assert_allclose(total.to_numpy(), 1, rtol=1e-5)
        assert found[f"g{group}_t0"].is_between(0, 1).all()


def test_regression_is_predicted_in_its_own_unit(run: Run, frame: pl.DataFrame) -> None:
    moved = frame.with_columns(pl.col("^g._t2$") * 1000 + 5000)
    far = fitted(moved, quick(epochs=4)).predict(frame)["g0_t2"]
    near = fitted(frame, quick(epochs=4)).predict(frame)["g0_t2"]
    np.testing.assert_allclose(far.to_numpy(), near.to_numpy() * 1000 + 5000, rtol=1e-3)
    assert run.predict(frame)["g0_t2"].is_between(-15, 35).all()  # the target is 10 ± 5


def test_the_global_random_numbers_are_left_alone(frame: pl.DataFrame) -> None:
    before = torch.get_rng_state(), random.getstate()
    fitted(frame, quick(epochs=1))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


def test_the_same_seed_gives_the_same_run(frame: pl.DataFrame) -> None:
    one, other = fitted(frame), fitted(frame)
    assert_frame_equal(one.predict(frame), other.predict(frame))
    assert one.record.curves == other.record.curves


def test_results_are_not_overwritten_unasked(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path)
    with pytest.raises(InputError, match=r"already holds 'model\.safetensors'.* set `overwrite`"):
        run.save(tmp_path)
    run.save(tmp_path, overwrite=True)


def test_one_task_works(frame: pl.DataFrame) -> None:
    run = fitted(frame, quick(targets=("g0_t0",), baselines=("single_task", "shared")))
    assert run.predict(frame).columns == ["g0_t0"]
    assert run.tree.widths == (1, 1)
    assert run.record.baselines == {}
    assert "g0_t0" in run.report()


def test_an_unknown_category_is_handled(frame: pl.DataFrame) -> None:
    colours = pl.Series("colour", ["red", "green", "blue"] * (len(frame) // 3))
    run = fitted(frame.with_columns(colours))
    strange = frame.with_columns(colour=pl.lit("purple"))
    assert run.predict(strange).null_count().sum_horizontal().item() == 0


def test_two_columns_of_one_name_are_refused(frame: pl.DataFrame) -> None:
    both = frame.select("^x.*$", pl.col("g0_t1").alias("a"), pl.col("g0_t0").alias("a=low"))
    with pytest.raises(InputError, match="columns of one name: 'a=low'"):
        fitted(both, quick(targets=("a", "a=low")))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("targets", None),
        ("targets", [2]),
        ("targets", 2),
        ("ignore", None),
        ("baselines", None),
        ("kinds", 5),
        ("hidden", 8),
        ("hidden", "8,8"),
        ("hidden", (8, "8")),
        ("hidden", (0,)),
        ("dropout", "much"),
        ("max_parameters", "few"),
        ("seed", None),
        ("seed", -1),
        ("batch_size", 1.5),
    ],
)
def test_an_argument_of_another_type_is_one_line(
    name: str, value: object, frame: pl.DataFrame
) -> None:
    given: dict[str, Any] = {"data": frame, "targets": "g*", name: value}
    with pytest.raises(InputError, match=rf"`{name}` must .*Got ") as caught:
        ramify.fit(**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("n_rows", "training", "given", "rows"),
    [
        (99_999, Training(), None, 128),
        (100_000, Training(), None, 512),
        (500_000, Training(), None, 1024),
        (500_000, Training(epochs=3), None, 128),
        (500_000, Training(), 64, 64),
    ],
)
def test_many_rows_are_learned_from_in_larger_batches(
    n_rows: int, training: Training, given: int | None, rows: int
) -> None:
    options = Options(("y",), training=training, batch_size=given)
    assert options.completed(DataFacts(n_rows, of_bits=False)).batch_size == rows
