"""Linear models as a way of sharing: chosen on validation rows, saved and predicted like networks."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose
from polars.testing import assert_frame_equal
from sklearn.linear_model import Ridge
from tests.unit.runs._runs import fitted, quick, without_digest

import ramify
from ramify import InputError, Run
from ramify._core import ModelFileError
from ramify.data import ColumnSplit, planted_table
from ramify.runs import LINEAR_METHODS, LinearSharing
from ramify.runs.methods import LinearModel

KINDS = ("binary", "regression", "multiclass")


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return planted_table(2, 3, rows=240, features=5, seed=3, kinds=KINDS)[0]


def linear(
    frame: pl.DataFrame,
    method: str,
    *,
    targets: tuple[str, ...] = ("g*",),
    ignore: tuple[str, ...] = (),
) -> Run:
    options = quick(sharing=LinearSharing(method, n_alphas=6), targets=targets)
    return fitted(frame, replace(options, ignore=ignore))


@pytest.mark.parametrize("method", LINEAR_METHODS)
def test_every_method_learns_every_kind_with_partial_labels(
    frame: pl.DataFrame, method: str, tmp_path: Path
) -> None:
    run = linear(frame, method)
    assert run.record.sharing.name == f"linear:{method}"
    assert all(score.value is not None for score in run.record.scores.test)
    assert run.record.parameters == 10 * (run.model.encoder.shape[0] + 1)
    run.save(tmp_path)
    assert_frame_equal(ramify.load(tmp_path).predict(frame), run.predict(frame))


def test_the_record_has_settings_of_networks_only_where_some_were_trained(
    frame: pl.DataFrame,
) -> None:
    sharing = LinearSharing("mean-regularized", n_alphas=2)
    alone = fitted(frame, quick(sharing=sharing)).record.settings
    assert set(alone) == {"soft_labels_from", "split", "ignore", "kinds", "baselines"}
    compared = fitted(frame, quick(sharing=sharing, baselines=("shared",))).record.settings
    assert compared["backbone"] == "mlp"


def test_the_outputs_are_those_of_the_estimator(frame: pl.DataFrame) -> None:
    """One task: a mean-regularised model is a ridge regression of the inputs as encoded."""
    sides = pl.Series("side", ["train"] * 160 + ["validation"] * 40 + ["test"] * 40)
    sharing = LinearSharing("mean-regularized", n_alphas=6)
    options = replace(
        quick(sharing=sharing, targets=("g0_t1",)),
        split=ColumnSplit("side"),
        ignore=("g0_t[02]", "g1_*"),
    )
    run = fitted(frame.with_columns(sides), options)
    # Without other tasks, only the penalty on their mean is left: its default strength.
    strength = run.record.sharing.settings["mean_alpha (numbers)"]
    assert strength == 0.1
    raw = torch.from_numpy(frame.select("^x.*$").to_numpy())
    x = run.model.encoder(raw).numpy()[:160]
    y = frame["g0_t1"].cast(pl.Float64).to_numpy()[:160]
    known = ~np.isnan(y)
    y = (y[known] - y[known].mean()) / y[known].std()
    reference = Ridge(alpha=2 * strength * known.sum()).fit(x[known], y)
    network = run.model.network
    assert isinstance(network, LinearModel)
    weight = network.heads.weight.detach().numpy()[0]
    assert_allclose(weight, reference.coef_, rtol=1e-3, atol=1e-5)


def of_version_2(folder: Path, **backbone: object) -> None:
    """Write a run's description as version 2 did: a linear model was a network of no layers."""
    card = json.loads(without_digest(folder).read_text())
    shape = [card["network"]["settings"]["n_inputs"]]
    card["backbone"] = {"kind": "linear", "settings": {"shape": shape}} | backbone
    card |= {"format_version": 2, "network": {"kind": "branched", "settings": {}}}
    (folder / "model.json").write_text(json.dumps(card))


def test_a_file_of_version_2_is_read(frame: pl.DataFrame, tmp_path: Path) -> None:
    run = linear(frame, "trace-norm")
    run.save(tmp_path)
    of_version_2(tmp_path)
    assert_frame_equal(ramify.load(tmp_path).predict(frame), run.predict(frame))


@pytest.mark.parametrize("shape", ["x", [1e999], [{}], [3, 4], 5, None])
def test_a_damaged_one_is_refused_in_a_line(
    frame: pl.DataFrame, tmp_path: Path, shape: object
) -> None:
    linear(frame, "trace-norm").save(tmp_path)
    of_version_2(tmp_path, settings={"shape": shape})
    with pytest.raises(ModelFileError, match=r"damaged or was changed|do not fit each other"):
        ramify.load(tmp_path)


def test_learned_relations_are_in_the_record() -> None:
    frame, _ = planted_table(2, 3, rows=600, features=8, seed=0, kinds=("regression",))
    run = linear(frame, "clustered")
    (affinity,) = run.record.affinity.values()
    assert affinity.used
    matrix = np.array(affinity.matrix, dtype=float)
    assert_allclose(matrix, matrix.T)
    assert {tuple(group) for group in run.tree.stages[0]} == {
        ("g0_t0", "g0_t1", "g0_t2"),
        ("g1_t0", "g1_t1", "g1_t2"),
    }
    assert "linear:clustered" in run.report()


def test_nothing_is_chosen_by_the_test_rows(frame: pl.DataFrame) -> None:
    sides = pl.Series("side", ["train"] * 160 + ["validation"] * 40 + ["test"] * 40)
    table = frame.with_columns(sides)
    flipped = table.with_columns(
        pl.when(pl.col("side") == "test")
        .then(1 - pl.col("g0_t0"))
        .otherwise("g0_t0")
        .alias("g0_t0")
    )
    options = replace(
        quick(sharing=LinearSharing("trace-norm", n_alphas=6)), split=ColumnSplit("side")
    )
    one, other = fitted(table, options), fitted(flipped, options)
    assert_frame_equal(one.predict(frame), other.predict(frame))
    assert one.record.sharing == other.record.sharing
    assert one.record.scores.test[0].value != other.record.scores.test[0].value


def test_a_task_of_one_class_in_training_is_predicted_to_be_of_it(frame: pl.DataFrame) -> None:
    part = np.array(["train", "validation", "test"])[np.arange(frame.height) % 3]
    rare = pl.when(pl.col("part") == "train").then(0).otherwise(pl.col("g0_t1"))
    options = replace(quick(sharing=LinearSharing("trace-norm")), split=ColumnSplit("part"))
    run = fitted(frame.with_columns(part=part).with_columns(g0_t1=rare), options)
    assert (run.predict(frame)["g0_t1"] < 1e-9).all()
    assert run.predict(frame)["g0_t0"].n_unique() > frame.height / 2


def test_tasks_without_training_labels_are_named(frame: pl.DataFrame) -> None:
    part = np.array(["train", "validation", "test"])[np.arange(frame.height) % 3]
    table = frame.with_columns(part=part)
    unlabelled = pl.when(pl.col("part") != "train").then(pl.col("g0_t1"))
    options = replace(quick(sharing=LinearSharing("block-sparse")), split=ColumnSplit("part"))
    with pytest.raises(InputError, match="are missing for 'g0_t1'; leave"):
        fitted(table.with_columns(g0_t1=unlabelled), options)


@pytest.mark.parametrize(
    ("method", "message"),
    [("magic", "must be one of"), ("graph", "use ramify.linear.GraphRegularized")],
)
def test_an_unknown_method_is_refused(method: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LinearSharing(method)


def test_the_number_of_strengths_is_checked() -> None:
    with pytest.raises(InputError, match="`n_alphas` must be a whole number of at least 1"):
        LinearSharing("dirty", n_alphas=0)
