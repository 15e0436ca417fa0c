"""Forests and linear models on levels and relevance."""

import numpy as np
import polars as pl
import pytest

from ramify.data import GroupSplit, open_table
from ramify.runs import Job, Options, RandomForest, RidgeLogistic, fit_and_score, prepare
from ramify.runs.methods._per_task import PerTask
from ramify.tasks import Ordinal

METHODS: dict[str, PerTask] = {
    each.name: each for each in (RandomForest(n_trees=20), RidgeLogistic())
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_levels_are_learned_as_classes_and_relevance_as_a_number(method: PerTask) -> None:
    rng = np.random.default_rng(0)
    x, group = rng.standard_normal((500, 3)), np.arange(500) % 60
    frame = pl.DataFrame(
        {
            **{f"x{i}": x[:, i] for i in range(3)},
            "level": np.array(["low", "mid", "high"])[np.digitize(x[:, 0], [-0.5, 0.5])],
            "relevance": np.round(np.clip(x[:, 1] + 3, 0, 6)),
            "query": group,
        }
    )
    options = Options(
        ["level", "relevance"],
        kinds={"level": Ordinal(("low", "mid", "high")), "relevance": "ranking"},
        group_column="query",
        split=GroupSplit("query"),
        sharing=method,
        baselines=(),
    )
    job = Job(prepare(open_table(frame), options), options)
    found = {score.task: score for score in fit_and_score(job)[1].test}
    assert (found["level"].metric, found["relevance"].metric) == ("kappa", "ndcg")
    assert (found["level"].value or 0) > 0.8
    assert (found["relevance"].value or 0) > 0.95
