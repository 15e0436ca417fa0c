"""Forests and linear models on levels and relevance."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ramify.comparison._baselines import baselines
from ramify.comparison._contender import Contender, Work
from ramify.data import GroupSplit, open_table
from ramify.runs import Options
from ramify.tasks import Ordinal

CONTENDERS = {contender.name: contender for contender in baselines(20, balance=False)}


@pytest.mark.parametrize("contender", CONTENDERS.values(), ids=CONTENDERS)
def test_levels_are_learned_as_classes_and_relevance_as_a_number(contender: Contender) -> None:
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
    )
    unused = Path("unused")
    work = Work(
        contender,
        open_table(frame),
        options,
        trial=0,
        job={},
        n_tasks=0,
        folder=unused,
        result=unused,
        threads=1,
    )
    found = {score.task: score for score in contender.attempt(work).scores.test}
    assert (found["level"].metric, found["relevance"].metric) == ("kappa", "ndcg")
    assert (found["level"].value or 0) > 0.8
    assert (found["relevance"].value or 0) > 0.95
