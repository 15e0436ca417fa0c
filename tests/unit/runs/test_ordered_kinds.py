"""Ordinal and ranking tasks from a table to a report and back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ramify
from ramify import HardSharing, Ordinal, Run
from ramify._core import InputError, StoppedError
from ramify.data import GroupSplit, open_table, read_targets
from ramify.networks import MLPSpec
from ramify.runs import LinearSharing, Options, run_table
from ramify.training import EpochEnded, Training

LEVELS = ("none", "low", "high", "top")


def planted(n: int = 600, n_groups: int = 80, seed: int = 0) -> pl.DataFrame:
    """Levels of one hidden direction, and relevance of another beside a large step per group."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6))
    level = np.digitize(2 * x[:, 0] - x[:, 1] + rng.logistic(size=n), [-2, 0, 2])
    group = rng.integers(n_groups, size=n)
    utility = x[:, 2] + x[:, 3] + 5 * rng.standard_normal(n_groups)[group]
    columns = {f"x{i}": x[:, i] for i in range(6)}
    labels = np.array(LEVELS)[level].astype(object)
    labels[rng.random(n) < 0.2] = None
    return pl.DataFrame(
        {
            **columns,
            "level": pl.Series(labels.tolist(), dtype=pl.String),
            "relevance": np.where(rng.random(n) < 0.2, np.nan, np.round(utility - utility.min())),
            "query": group,
        }
    ).with_columns(pl.col("relevance").fill_nan(None))


def options(epochs: int = 8) -> Options:
    return Options(
        targets=["level", "relevance"],
        kinds={"level": Ordinal(LEVELS), "relevance": "ranking"},
        group_column="query",
        split=GroupSplit("query"),
        sharing=HardSharing(),
        backbone=MLPSpec((32,), dropout=0.0, input_dropout=0.0),
        training=Training(epochs=epochs, learning_rate=0.01, weight_decay=0.01),
        batch_size=64,
        baselines=(),
        checkpoint_seconds=0.0,
    )


@pytest.fixture(scope="module")
def run() -> Run:
    return run_table(open_table(planted()), options())


def test_what_was_planted_is_found(run: Run) -> None:
    scores = {score.task: score for score in run.record.scores.test}
    assert scores["level"].metric == "kappa"
    assert scores["relevance"].metric == "ndcg"
    assert (scores["level"].value or 0) > 0.5
    # Between groups the labels say nothing of the features: only pairs within them can be learned.
    assert run.record.scores.overall["mean Kendall τ"] > 0.7
    assert run.record.scores.overall["mean distance in levels"] < 0.7


def test_intervals_are_over_groups(run: Run) -> None:
    for score in run.record.scores.test:
        assert score.low is not None
        assert score.value is not None
        assert score.high is not None
        assert score.low < score.value <= score.high


def test_no_group_lies_on_two_sides_of_the_split(run: Run) -> None:
    assert "whole groups" in run.record.data.split
    assert run.record.data.left_out == {"query": "groups the rows"}


def test_predictions_are_a_share_per_level_the_level_and_a_score(run: Run) -> None:
    found = run.predict(planted().drop("level", "relevance", "query"))
    shares = [f"level={name}" for name in LEVELS]
    assert found.columns == [*shares, "level", "relevance"]
    np.testing.assert_allclose(found.select(shares).sum_horizontal(), 1, atol=1e-5)
    means = found.select(shares).to_numpy() @ np.arange(4)
    places = found["level"].replace_strict(LEVELS, range(4), return_dtype=pl.Int64).to_numpy()
    assert (np.abs(means - places) <= 0.5 + 1e-5).all()
    assert found["relevance"].dtype == pl.Float32


def test_a_saved_model_predicts_the_same(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "saved")
    again = ramify.load(tmp_path / "saved")
    assert [task.kind.name for task in again.model.tasks] == ["ordinal", "ranking"]
    assert again.predict(planted()).equals(run.predict(planted()))
    assert [task.classes for task in again.record.tasks] == [list(LEVELS), []]
    again.predict_to(planted(), tmp_path / "p.csv")
    assert pl.read_csv(tmp_path / "p.csv")["level"].equals(again.predict(planted())["level"])


def test_only_the_score_of_a_level_reads_features(run: Run) -> None:
    weight = run.model.network.get_submodule("heads").get_parameter("weight")
    assert (weight[1:3] == 0).all()
    assert (weight[[0, 3]] != 0).any()


def test_a_resumed_run_equals_a_straight_one(run: Run, tmp_path: Path) -> None:
    def stopping() -> Callable[[EpochEnded], None]:
        def watch(event: EpochEnded) -> None:
            if event.epoch == 3:
                raise StoppedError("enough", 15)

        return watch

    with pytest.raises(StoppedError):
        run_table(open_table(planted()), options(), output=tmp_path / "run", watch=stopping())
    again = run_table(open_table(planted()), options(), output=tmp_path / "run", resume=True)
    assert again.predict(planted()).equals(run.predict(planted()))


def test_linear_models_rank_by_relevance_and_refuse_levels() -> None:
    table = open_table(planted())
    linear = LinearSharing("mean-regularized")
    with pytest.raises(InputError, match="Target 'level' is ordinal"):
        run_table(table, _with(linear, ["level", "relevance"]))
    run = run_table(table, _with(linear, ["relevance"]))
    assert run.record.scores.test[0].metric == "ndcg"


def _with(sharing: LinearSharing, targets: list[str]) -> Options:
    kinds = {n: k for n, k in options().kinds.items() if n in targets}
    return Options(
        targets=targets,
        kinds=kinds,
        group_column="query",
        ignore=["level"] if "level" not in targets else [],
        sharing=sharing,
        baselines=(),
    )


def test_targets_are_read_as_levels() -> None:
    run_tasks = run_table(open_table(planted(200)), options(1)).model.tasks
    targets, mask = read_targets(open_table(planted(200)), run_tasks)
    assert set(targets[mask[:, 0], 0].tolist()) <= {0.0, 1.0, 2.0, 3.0}
