"""Small tables whose right answer is known, of kinds that are easily read wrong without a word."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.runs._runs import fitted

import ramify
from ramify import InputError
from ramify.data import ColumnSplit, open_table
from ramify.networks import MLPSpec
from ramify.runs import Options, Run
from ramify.runs._inputs import TableInputs
from ramify.runs._prepared import Prepared, prepare
from ramify.sharing import HardSharing
from ramify.training import Training

SIDES = ["train"] * 8 + ["validation"] + ["test"]


def options(targets: list[str], epochs: int = 1, **more: object) -> Options:
    return Options(
        targets=targets,
        sharing=HardSharing(),
        backbone=MLPSpec((16,), dropout=0.0, input_dropout=0.0),
        training=Training(epochs=epochs, learning_rate=0.01),
        baselines=(),
        **more,  # type: ignore[arg-type]
    )


def inputs(prepared: Prepared) -> TableInputs:
    assert isinstance(prepared.inputs, TableInputs)
    return prepared.inputs


def encoded(prepared: Prepared) -> np.ndarray:
    found: np.ndarray = inputs(prepared).encoded.numpy()
    return found


def centred(prepared: Prepared) -> np.ndarray:
    kind = prepared.tasks[0].kind
    found: np.ndarray = (prepared.targets.numpy()[:, 0] - kind.location) / kind.scale
    return found


# One offset for all numbers.


def moved(offset: float, unit: float) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    gaps = np.where(rng.random(40) < 0.2, np.nan, x[:, 0])
    return pl.DataFrame(
        {
            "a": offset + unit * x[:, 0],
            "gaps": pl.Series(offset + unit * gaps).fill_nan(None),
            "two": offset + unit * (x[:, 1] > 0),
            "y": offset + unit * x[:, 2],
        }
    )


@given(st.floats(-1e9, 1e9), st.floats(-100, 100).map(lambda power: 10.0**power), st.booleans())
def test_offset_and_unit_of_a_column_change_nothing(
    offset: float, unit: float, as_text: bool
) -> None:
    frame = moved(offset * unit, unit)
    if as_text:  # as a file has it
        frame = frame.select(pl.all().map_elements(repr, pl.String))
    found, plain = (prepare(open_table(f), options(["y"])) for f in (frame, moved(0.0, 1.0)))
    assert_allclose(encoded(found), encoded(plain), atol=1e-6)
    assert_allclose(centred(found), centred(plain), atol=1e-6)
    assert inputs(found).encoder.names == inputs(plain).encoder.names


def late(offset: float, unit: float, rows: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    seconds, x = rng.integers(0, 60, rows), rng.random(rows)
    return pl.DataFrame(
        {
            "seconds": offset + unit * seconds,
            "x": x,
            "late": (seconds >= 30).astype(int),
            "arrival": offset + unit * 10 * x,
            "split": [SIDES[i % 10] for i in range(rows)],
        }
    )


def learned(frame: pl.DataFrame, folder: Path) -> tuple[Run, pl.DataFrame]:
    frame.write_csv(folder / "table.csv")
    wanted = options(["late", "arrival"], epochs=30, split=ColumnSplit("split"), batch_size=32)
    run = ramify.runs.run_table(open_table(folder / "table.csv"), wanted)
    run.save(folder / "run")
    return run, ramify.load(folder / "run").predict(folder / "table.csv")


def scores(run: Run) -> list[float]:
    return [np.nan if score.value is None else score.value for score in run.record.scores.test]


@pytest.mark.parametrize(("offset", "unit"), [(1.7e9, 1.0), (-4e12, 1e3), (3e-7, 1e-9)])
def test_scores_do_not_depend_on_offset_and_unit(
    offset: float, unit: float, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    plain, expected = learned(late(0.0, 1.0), tmp_path / "plain")
    found, predicted = learned(late(offset, unit), tmp_path)
    auc, rmse = scores(found)
    assert auc > 0.95
    assert_allclose(rmse / unit, scores(plain)[1], rtol=1e-4)
    assert predicted["arrival"].n_unique() > 0.9 * len(predicted)
    assert_allclose((predicted["arrival"] - offset) / unit, expected["arrival"], atol=1e-3)
    assert_allclose(predicted["late"], expected["late"], atol=1e-3)


def test_moments_are_told_apart_to_the_millisecond(tmp_path: Path) -> None:
    start = dt.datetime(2026, 5, 1)
    rng = np.random.default_rng(0)
    ms = rng.integers(0, 1000, 600)
    frame = pl.DataFrame(
        {
            "when": [start + dt.timedelta(milliseconds=int(m)) for m in ms],
            "late": (ms >= 500).astype(int),
        }
    )
    frame.write_csv(tmp_path / "table.csv")
    run = fitted(tmp_path / "table.csv", options(["late"], epochs=30))  # type: ignore[arg-type]
    assert scores(run)[0] > 0.95


def test_what_float64_cannot_hold_is_named() -> None:
    n = 50
    frame = pl.DataFrame({"id": [2**62 + i for i in range(n)], "x": range(n), "y": [0, 1] * 25})
    warnings = prepare(open_table(frame), options(["y"])).warnings
    assert any("'id' has whole numbers beyond 2^53" in each for each in warnings)


# Categories and statistics are those of the training rows.


def with_test_rows(colour: str, number: float, yes: str = "yes") -> pl.DataFrame:
    rng = np.random.default_rng(0)
    n = 60
    side = pl.Series([SIDES[i % 10] for i in range(n)])
    held_out = side == "test"
    return pl.DataFrame(
        {
            "colour": pl.Series(rng.choice(["red", "blue", "green"], n)),
            "number": pl.Series(rng.standard_normal(n)),
            "same": pl.Series([3.0] * n),
            "y": pl.Series(rng.integers(0, 2, n)),
            "split": side,
        }
    ).with_columns(
        colour=pl.when(held_out).then(pl.lit(colour)).otherwise("colour"),
        number=pl.when(held_out).then(pl.lit(number)).otherwise("number"),
        same=pl.when(held_out).then(pl.lit(number)).otherwise("same"),
    )


def test_features_of_test_rows_change_no_trained_weight() -> None:
    wanted = options(["y"], split=ColumnSplit("split"))
    first, second = (
        fitted(with_test_rows(colour, number), wanted).model.state_dict()
        for colour, number in (("red", 3.0), ("violet", 1e12))
    )
    assert first.keys() == second.keys()
    assert all(bool((first[name] == second[name]).all()) for name in first)


def test_a_category_that_was_never_trained_is_none_of_those_known() -> None:
    prepared = prepare(
        open_table(with_test_rows("violet", 0.0)), options(["y"], split=ColumnSplit("split"))
    )
    names = inputs(prepared).encoder.names
    assert not any("violet" in name or "other" in name for name in names)
    colours = [i for i, name in enumerate(names) if name.startswith("colour")]
    assert_array_equal(encoded(prepared)[prepared.split.test][:, colours], 0)


def test_a_cell_of_a_test_row_that_does_not_fit_is_named() -> None:
    frame = with_test_rows("red", 0.0).with_columns(
        number=pl.when(split="test").then(pl.lit("high")).otherwise(pl.col("number").cast(str))
    )
    with pytest.raises(
        InputError, match=r"'number' must hold numbers\. Data row 10 has 'high'.*`ig"
    ):
        prepare(open_table(frame), options(["y"], split=ColumnSplit("split")))


# Dates.


def dated(as_text: bool) -> pl.DataFrame:
    days = pl.Series([dt.datetime(2024, 1, 1) + dt.timedelta(hours=7 * i) for i in range(40)])
    text = days.dt.strftime("%Y-%m-%d %H:%M:%S")
    return pl.DataFrame({"when": text if as_text else days, "y": [0, 1] * 20})


@pytest.mark.parametrize("learned_from_text", [True, False])
def test_dates_predict_alike_from_text_and_from_their_own_type(learned_from_text: bool) -> None:
    run = fitted(dated(learned_from_text), options(["y"]))
    own, text = (run.predict(dated(as_text).drop("y"))["y"] for as_text in (False, True))
    assert_array_equal(own, text)
    assert own.n_unique() > 1


@pytest.mark.parametrize("form", ["ns", "us"])
def test_whole_numbers_are_no_dates(form: str) -> None:
    run = fitted(dated(as_text=False), options(["y"]))
    numbers = dated(as_text=False).select(pl.col("when").dt.epoch(form))  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match=r"'when' must hold dates .* Got whole numbers; turn it int"
    ):
        run.predict(numbers)


def test_dates_are_no_numbers() -> None:
    frame = dated(as_text=False).with_columns(pl.col("when").dt.epoch("s"))
    run = fitted(frame, options(["y"]))
    with pytest.raises(InputError, match=r"'when' must hold numbers, as in training\. Got dates"):
        run.predict(dated(as_text=False))
