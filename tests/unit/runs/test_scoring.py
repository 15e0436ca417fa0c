"""Predictions belong to their rows, differences have a sign, and groups of rows count as wholes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose

from ramify.data import open_table
from ramify.networks import MLPSpec
from ramify.runs import Options, run_table
from ramify.runs._scoring import differences, scored
from ramify.sharing import HardSharing
from ramify.tasks import Binary, Regression, Task, TaskSet
from ramify.training import Predictions, Training

TASKS = TaskSet([Task("error", Regression()), Task("area", Binary())])


def predictions(noise: float, groups: np.ndarray | None = None, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(200)
    targets = np.stack([truth, truth > 0], axis=1).astype(float)
    told = truth + noise * np.random.default_rng(seed + 1).standard_normal(200)
    values = np.stack([told, 1 / (1 + np.exp(-told))], axis=1)
    return Predictions(values, targets, np.ones((200, 2), dtype=np.bool_), groups)


def test_less_error_and_more_area_are_both_positive_gains() -> None:
    good, bad = (scored(predictions(noise), TASKS) for noise in (0.5, 3.0))
    (error, area), mean = differences(good, bad)
    rmse = [
        np.sqrt(np.mean((p.values[:, 0] - p.targets[:, 0]) ** 2))
        for p in (predictions(0.5), predictions(3.0))
    ]
    assert error.value is not None
    assert error.low is not None
    assert area.value is not None
    assert mean.value is not None
    assert_allclose(error.value, rmse[1] - rmse[0])
    assert error.low > 0
    assert area.value > 0
    assert mean.value > 0
    (back, _), _ = differences(bad, good)
    assert back.value == pytest.approx(-error.value)


def test_intervals_of_differences_count_groups_as_wholes() -> None:
    """Twenty copies of ten rows tell what ten rows tell."""
    once, other = (
        replace(p, values=p.values[:10], targets=p.targets[:10], label_mask=p.label_mask[:10])
        for p in (predictions(0.5), predictions(1.0))
    )

    def copied(given: Predictions, groups: np.ndarray | None) -> Predictions:
        parts = (
            np.repeat(each, 20, axis=0) for each in (given.values, given.targets, given.label_mask)
        )
        values, targets, mask = parts
        return Predictions(values, targets, mask, groups)

    def width(first: Predictions, second: Predictions) -> float:
        (line, _), _ = differences(scored(first, TASKS), scored(second, TASKS))
        assert line.low is not None
        assert line.high is not None
        return line.high - line.low

    plain = width(once, other)
    members = np.repeat(np.arange(10), 20)
    assert_allclose(width(copied(once, members), copied(other, members)), plain, rtol=0.15)
    assert width(copied(once, None), copied(other, None)) < 0.4 * plain


def test_predictions_are_those_of_their_own_rows(tmp_path: Path) -> None:
    """Against the network itself, row by row; more rows than a batch, and none like another."""
    x = np.random.default_rng(0).standard_normal((3000, 2))
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + x[:, 1]})
    options = Options(
        ["y"],
        sharing=HardSharing(),
        backbone=MLPSpec((4,)),
        training=Training(epochs=1),
        baselines=(),
    )
    run = run_table(open_table(frame.head(300)), options)
    frame.write_csv(tmp_path / "t.csv")
    found = run.predict(tmp_path / "t.csv")["y"].to_numpy()
    with torch.inference_mode():
        alone = [float(run.model(torch.from_numpy(row[None]))) for row in x[::97]]
    assert_allclose(found[::97], alone, rtol=1e-5)
    assert len(np.unique(found)) == len(found)
