"""Groups by trial: planted ones are found, none are claimed where there are none."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ramify import InputError, group_tasks
from ramify.records import GroupingRecord
from ramify.report import render_grouping
from ramify.trials import TaskGroups, TrialOptions

QUICK = {"hidden": (4,), "seeds": 2, "steps": 40}
SIGNS = np.array([1, 1, 1, -1, -1])


def conflicting(n_rows: int = 1500, seed: int = 0) -> pl.DataFrame:
    """Five tasks on four inputs; three need other features of them than the other two."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 4))
    first, second = np.abs(x[:, 0] + x[:, 1]), np.abs(x[:, 2] - x[:, 3])
    signal = np.where(SIGNS > 0, first[:, None], second[:, None])
    y = signal + 0.3 * rng.normal(size=(n_rows, 5))
    y[rng.random(y.shape) < 0.3] = np.nan
    columns = {f"x{i}": x[:, i] for i in range(4)} | {f"t{i}": y[:, i] for i in range(5)}
    return pl.DataFrame(columns).fill_nan(None)


@pytest.fixture(scope="module")
def every() -> TaskGroups:
    return group_tasks(conflicting(), "t*", hidden=(4,), seeds=1, steps=500)


def test_planted_groups_are_found(every: TaskGroups) -> None:
    record = every.record
    assert record.search == "every subset"
    assert len(record.networks) == 31
    two = next(each for each in record.partitions if len(each.groups) == 2)
    assert two.groups == [["t0", "t1", "t2"], ["t3", "t4"]]
    assert two.low is not None
    assert two.low > 0
    assert record.chosen >= 2
    assert record.wider is not None
    assert abs(record.wider.parameters / record.best.parameters - 1) < 0.25
    pairs = np.array(record.pairs, dtype=float)
    assert pairs[:3, :3].sum() > pairs[:3, 3:].mean() * 6


def test_the_tree_has_the_recommended_groups(every: TaskGroups) -> None:
    assert [list(group) for group in every.tree.stages[0]] == every.groups
    assert every.tree.n_stages == 1


def test_a_record_comes_back_and_its_page_is_the_same(every: TaskGroups, tmp_path: Path) -> None:
    every.record.save(tmp_path / "g.json")
    back = GroupingRecord.load(tmp_path / "g.json")
    assert back == every.record
    assert render_grouping(back) == render_grouping(every.record)


@pytest.mark.parametrize("search", ["pairs", "path"])
def test_other_searches_propose_and_train_groups(search: str) -> None:
    steps: set[str] = set()
    frame = conflicting(400)
    found = group_tasks(
        frame,
        "t*",
        search=search,  # type: ignore[arg-type]
        watch=lambda what, _done, _most: steps.add(what),
        **QUICK,  # type: ignore[arg-type]
    )
    record = found.record
    assert len(steps) >= 2
    trained = {tuple(each.tasks) for each in record.networks}
    assert all(tuple(group) in trained for p in record.partitions for group in p.groups)
    assert (("t0", "t1") in trained) >= (search == "pairs")
    assert {1, 5} <= {len(p.groups) for p in record.partitions}


def test_where_tasks_are_copies_one_network_is_as_good() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    signal = x @ [1.0, -1, 0.5]
    y = {f"t{i}": signal + rng.normal(size=300) for i in range(3)}
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(3)} | y)
    found = group_tasks(frame, "t*", hidden=(8,), seeds=1, steps=200)
    assert found.record.advice == "one network"
    assert found.groups == [["t0", "t1", "t2"]]


def test_what_does_not_fit_is_refused() -> None:
    frame = conflicting(60).with_columns(pl.col("t0").abs().fill_null(0))
    with pytest.raises(InputError, match="at least two tasks"):
        group_tasks(frame, "t0")
    with pytest.raises(InputError, match="at most 8"):
        TrialOptions("every subset").search_of(9)
    with pytest.raises(InputError, match="rankings"):
        group_tasks(frame, "t*", kinds={"t0": "ranking"})
    for wrong in ({"hidden": ()}, {"hidden": (0,)}, {"seeds": 0}, {"steps": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            TrialOptions(**wrong)
    assert [TrialOptions().search_of(n) for n in (8, 9, 61)] == ["every subset", "pairs", "path"]
