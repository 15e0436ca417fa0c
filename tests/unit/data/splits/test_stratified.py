"""A split that one can trust: labels alike on all sides, copies and groups whole, numbers of its own."""

import time

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from ramify.data import (
    ColumnSplit,
    GroupSplit,
    RandomSplit,
    Split,
    SplitRule,
    infer_labels,
    open_table,
    read_targets,
    split_rows,
)
from ramify.data.splits._stratified import Strata, divide
from ramify.tasks import Binary, Multiclass, Ranking, Regression, Task, TaskSet

SIDES = ("train", "validation", "test")


def divided(
    frame: pl.DataFrame, targets: list[str], rule: SplitRule | None = None, seed: int = 0
) -> Split:
    table = open_table(frame)
    labels = infer_labels(table, targets)
    values, mask = read_targets(table, labels.tasks)
    return split_rows(
        rule or RandomSplit(),
        table,
        mask,
        seed,
        tasks=labels.tasks,
        targets=values,
        equal_in=table.columns,
    )


def rows_of(split: Split) -> list[np.ndarray]:
    return [np.asarray(getattr(split, side)) for side in SIDES]


@pytest.mark.parametrize("seed", range(5))
def test_no_split_is_a_permutation_that_a_user_would_draw(seed: int) -> None:
    # A table sorted by its label, in the order of the user's own generator of the same seed.
    n = 200
    order = np.random.default_rng(seed).permutation(n)
    y = np.zeros(n, dtype=int)
    y[order[40:]] = 1
    split = divided(pl.DataFrame({"x": range(n), "y": y}), ["y"], seed=seed)
    for rows in rows_of(split):
        assert 0 < y[rows].mean() < 1
        assert abs(y[rows].mean() - 0.8) < 0.06
    assert not np.array_equal(np.sort(order[:20]), split.validation)


@pytest.mark.parametrize("n_positives", [3, 4, 5, 10, 30])
def test_positives_are_on_every_side_when_there_are_three(n_positives: int) -> None:
    for seed in range(10):
        y = np.random.default_rng(seed).permutation(np.arange(300) < n_positives).astype(int)
        split = divided(pl.DataFrame({"x": range(300), "y": y}), ["y"], seed=seed)
        found = [int(y[rows].sum()) for rows in rows_of(split)]
        assert min(found) >= 1
        assert sum(found) == n_positives
        assert max(found) == found[0]


def many(
    n: int, n_tasks: int, rate: float, missing: float
) -> tuple[TaskSet, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    tasks = TaskSet([Task(f"t{i}", Binary()) for i in range(n_tasks)])
    y = (rng.random((n, n_tasks)) < rate).astype(float)
    mask = rng.random((n, n_tasks)) >= missing
    mask[~mask.any(axis=1), 0] = True
    return tasks, y, mask


@pytest.mark.parametrize(
    ("n", "n_tasks", "rate", "missing"), [(800, 12, 0.05, 0.2), (600, 80, 0.03, 0.7)]
)
def test_labels_of_many_tasks_are_alike_on_all_sides(
    n: int, n_tasks: int, rate: float, missing: float
) -> None:
    tasks, y, mask = many(n, n_tasks, rate, missing)
    sizes = (n - 2 * (n // 10), n // 10, n // 10)
    rng = np.random.default_rng(1)
    side = divide(Strata.of(tasks, y, mask), np.arange(n), sizes, rng)
    assert_array_equal(np.bincount(side), sizes)
    positives = (y == 1) & mask
    wanted = positives.sum(axis=0) / 10
    drawn = rng.permutation(n)[: sizes[2]]
    ours, chance = (abs(positives[rows].sum(axis=0) - wanted).max() for rows in (side == 2, drawn))
    assert ours <= 1.5
    assert chance > 2
    enough = positives.sum(axis=0) >= 3
    assert all((positives[side == s].sum(axis=0) > 0)[enough].all() for s in range(3))


def test_numbers_are_spread_evenly_too() -> None:
    tasks = TaskSet(
        [Task("a", Regression()), Task("b", Multiclass(("u", "v", "w"))), Task("r", Ranking())]
    )
    rng = np.random.default_rng(0)
    y = np.stack([rng.standard_normal(1000), rng.integers(0, 3, 1000), rng.random(1000)], axis=1)
    mask = np.ones(y.shape, dtype=np.bool_)
    side = divide(Strata.of(tasks, y, mask), np.arange(1000), (800, 100, 100), rng)
    fifths = np.searchsorted(np.quantile(y[:, 0], [0.2, 0.4, 0.6, 0.8]), y[side == 2, 0])
    assert max(abs(np.bincount(fifths) - 20)) <= 2
    assert max(abs(np.bincount(y[side == 2, 1].astype(int)) - 33.3)) <= 3


def test_copies_of_a_row_lie_on_one_side_and_it_is_said() -> None:
    rng = np.random.default_rng(0)
    base = pl.DataFrame(
        {"x": rng.random(300), "c": rng.choice(["u", "v"], 300), "y": rng.integers(0, 2, 300)}
    )
    frame = pl.concat([base, base.head(60)]).with_columns(
        smiles=pl.Series([f"molecule {i}" for i in range(360)])
    )
    split = divided(frame, ["y"])
    side = np.empty(360, dtype=int)
    for number, rows in enumerate(rows_of(split)):
        side[rows] = number
    assert_array_equal(side[:60], side[300:])
    assert split.description == (
        "at random, stratified by labels; 60 rows are copies of others and on their side"
    )
    assert abs(split.sizes["test"] - 36) <= 2


def test_rows_that_are_often_equal_by_chance_are_no_copies() -> None:
    frame = pl.DataFrame({"x": [0, 1] * 500, "y": [0, 0, 1, 1] * 250})
    split = divided(frame, ["y"])
    assert split.sizes == {"train": 800, "validation": 100, "test": 100}
    assert split.description == "at random, stratified by labels"


@pytest.mark.parametrize("n_groups", [3, 4, 7, 40, 300])
def test_groups_stay_whole_with_labels_alike_where_that_is_possible(n_groups: int) -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, n_groups, 1200)
    group[:n_groups] = range(n_groups)
    y = (rng.random(1200) < 0.2).astype(int)
    split = divided(pl.DataFrame({"x": range(1200), "g": group, "y": y}), ["y"], GroupSplit("g"))
    sides = [set(group[rows]) for rows in rows_of(split)]
    assert sum(map(len, sides)) == n_groups
    assert all(sides)
    if n_groups >= 40:
        assert abs(split.sizes["test"] - 120) <= 1200 / n_groups
        assert abs(y[split.test].mean() - y.mean()) < 0.06


def test_a_rare_label_of_three_groups_is_on_every_side() -> None:
    group = np.repeat(np.arange(60), 10)
    y = np.isin(group, [5, 17, 44]).astype(int)
    split = divided(pl.DataFrame({"x": range(600), "g": group, "y": y}), ["y"], GroupSplit("g"))
    assert all(y[rows].sum() == 10 for rows in rows_of(split))


def test_a_split_that_is_given_is_left_as_it_is() -> None:
    side = ["train"] * 8 + ["validation", "test"]
    frame = pl.DataFrame({"x": range(100), "y": [0, 1] * 50, "s": side * 10})
    split = divided(frame, ["y"], ColumnSplit("s"))
    assert_array_equal(split.test, np.arange(9, 100, 10))


@pytest.mark.parametrize(("n", "n_tasks"), [(200_000, 12), (8_000, 617)])
def test_many_rows_and_many_tasks_are_divided_in_seconds(n: int, n_tasks: int) -> None:
    tasks, y, mask = many(n, n_tasks, 0.03, 0.5)
    started = time.process_time()
    divide(
        Strata.of(tasks, y, mask),
        np.arange(n),
        (n - n // 5, n // 10, n // 10),
        np.random.default_rng(0),
    )
    assert time.process_time() - started < 3
