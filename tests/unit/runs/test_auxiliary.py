"""Tasks that only help: learned beside the targets, compared with, and no part of the answer."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ramify
from ramify import Auxiliary, InputError, Run
from ramify.report import verdict
from ramify.runs.methods import Auto, RandomForest
from ramify.sharing import (
    CrossStitch,
    FixedTree,
    FullyAdaptive,
    HardSharing,
    LowLevel,
    SelectiveSharing,
    Sharing,
)
from ramify.tasks import SharingTree
from ramify.training import Training
from ramify.weighting import Fixed

N = 160
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, 5))
INPUTS = pl.DataFrame({f"x{i}": X[:, i] for i in range(5)})
FRAME = INPUTS.with_columns(
    y=pl.Series((X[:, 0] + X[:, 1] > 0).astype(int)),
    z=pl.Series(X[:, 2] + 0.1 * RNG.normal(size=N)),
    helper=pl.Series(X[:, 0] + 0.1 * RNG.normal(size=N)),
)
FEW = Training(epochs=2)
HELPERS = ("helper", Auxiliary("big", 0.5, "x1 > 0.5"))


@pytest.fixture(scope="module")
def run() -> Run:
    return ramify.fit(FRAME, ["y", "z"], auxiliary=HELPERS, training=FEW, hidden=(8, 8))


def test_they_are_trained_and_told_of(run: Run) -> None:
    assert [(each.task, each.kind, each.weight) for each in run.record.auxiliary] == [
        ("helper", "regression", 1.0),
        ("big", "binary", 0.5),
    ]
    assert [task.name for task in run.record.tasks] == ["y", "z"]
    assert "no part of the model: helper, which shares" in verdict(run.record)
    assert run.record.settings["auxiliary"] == ["helper (weight 1)", "big = x1 > 0.5 (weight 0.5)"]


def test_predicting_needs_no_column_of_theirs(run: Run) -> None:
    found = run.predict(INPUTS)
    assert found.columns == ["y", "z"]
    assert_frame_equal(found, run.predict(FRAME))


def test_the_same_network_without_them_stands_beside_it(run: Run) -> None:
    without = run.record.baselines["no_auxiliary"]
    if without.stages == run.record.tree.stages:
        assert without.parameters == run.record.parameters
    assert "auxiliary tasks help" in verdict(run.record).split(".")[0]


TREE = SharingTree(("y", "z", "helper"), ((("y", "z", "helper"),), (("y", "helper"), ("z",))))
WAYS = (
    HardSharing(),
    CrossStitch(),
    SelectiveSharing(),
    FullyAdaptive(),
    LowLevel(attached=(("helper", 0),)),
    FixedTree(TREE),
)


@pytest.mark.parametrize("sharing", WAYS, ids=lambda s: s.name)
def test_every_way_of_sharing_learns_with_and_without_them(sharing: Sharing) -> None:
    training = Training(epochs=2, weighting=Fixed([1.0, 0.5, 2.0]))
    settings = {"sharing": sharing, "training": training, "hidden": (8, 8)}
    helped = ramify.fit(FRAME, "y", auxiliary="helper,z", **settings)  # type: ignore[arg-type]
    without = helped.record.baselines["no_auxiliary"]
    assert next(iter(helped.record.baselines)) == "no_auxiliary"
    assert {name for group in helped.record.tree.stages[0] for name in group} == {"y"}
    assert without.parameters <= helped.record.parameters


def test_labels_on_held_out_rows_are_not_needed() -> None:
    frame = FRAME.with_columns(
        side=pl.Series(["train"] * 120 + ["validation"] * 20 + ["test"] * 20),
        helper=pl.when(pl.int_range(N) < 120).then("helper"),
    )
    found = ramify.fit(
        frame,
        "y",
        auxiliary="helper",
        ignore="z",
        split="column:side",
        training=FEW,
        hidden=(8,),
        baselines=(),
    )
    assert not any("helper" in warning for warning in found.record.warnings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"auxiliary": "y"}, "`auxiliary` must not name a target. Got 'y' in both"),
        ({"auxiliary": "nothing"}, "`auxiliary` must name columns of the table"),
        ({"auxiliary": "helper", "sharing": Auto()}, "`auxiliary` is for networks"),
        ({"auxiliary": "helper", "sharing": RandomForest()}, "`auxiliary` is for networks"),
        ({"auxiliary": Auxiliary("x0", formula="x1 > 0")}, "must give its column a new name"),
        ({"auxiliary": Auxiliary("new", formula="x1 >")}, "`hint` must be an expression"),
        ({"baselines": "no_auxiliary"}, "only be compared with no_auxiliary where there are"),
        ({"auxiliary": [3]}, "`auxiliary` must be names"),
    ],
)
def test_what_does_not_fit_is_one_line(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        ramify.fit(FRAME, "y", **settings)  # type: ignore[arg-type]  # on purpose
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_weight_must_be_one() -> None:
    with pytest.raises(InputError, match="`auxiliary_weight` must be"):
        Auxiliary("a", -1.0)
