"""Scores where a row has several units: rows are drawn, with all of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ramify.metrics import SCORES, _scores, ndcg, task_scores
from ramify.tasks import (
    NDCG,
    ROW,
    TOKEN,
    Binary,
    Kind,
    Multiclass,
    Ordinal,
    Ranking,
    Regression,
    Task,
    TaskSet,
)

KINDS: dict[str, Kind] = {
    "binary": Binary(),
    "multiclass": Multiclass(("x", "y", "z")),
    "ordinal": Ordinal(("low", "mid", "high")),
    "ranking": Ranking(),
    "regression": Regression(),
}
N_ROWS = 7
Array = NDArray[np.float64]


def problem(kind: Kind, seed: int = 0) -> tuple[Array, Array, NDArray[np.bool_], NDArray[np.int64]]:
    """Predictions, targets, mask and rows of some units of seven rows, of which one has none."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, N_ROWS - 1, size=40)
    targets = rng.integers(0, max(2, len(kind.labels)), size=(40, 1)).astype(np.float64)
    values = rng.random((40, kind.n_outputs))
    return values, targets, rng.random((40, 1)) < 0.8, rows


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("most", [1, 10**6])
def test_a_row_that_is_drawn_twice_counts_twice_with_all_its_units(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_scores, "_MOST_WEIGHTS", most)
    kind = KINDS[name]
    values, targets, mask, rows = problem(kind)
    draws = np.random.default_rng(1).multinomial(N_ROWS, np.full(N_ROWS, 1 / N_ROWS), size=9)
    tasks = TaskSet([Task("a", kind, unit=TOKEN)])
    found = task_scores(values, targets, mask, tasks, draws.astype(float), rows=rows)
    kept = mask[:, 0]
    weights = draws[:, rows[kept]].astype(np.float64)
    own, given = targets[kept, 0], values[kept]
    given = given if name in {"multiclass", "ordinal"} else given[:, 0]
    if kind.metric == NDCG:
        expected = ndcg(given, own, weights, rows[kept])
    else:
        expected = SCORES[kind.metric](given, own, weights)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", KINDS)
def test_where_every_row_is_one_unit_nothing_changes(name: str) -> None:
    kind = KINDS[name]
    values, targets, mask, _ = problem(kind)
    tasks = TaskSet([Task("a", kind, unit=ROW)])
    draws = np.random.default_rng(1).multinomial(40, np.full(40, 1 / 40), size=5).astype(float)
    plain = task_scores(values, targets, mask, tasks, draws)
    found = task_scores(values, targets, mask, tasks, draws, rows=np.arange(40))
    np.testing.assert_allclose(found, plain, rtol=1e-12)


def test_rows_are_put_in_order_within_their_groups_beside_positions() -> None:
    values, targets, mask, _ = problem(Ranking())
    tasks = TaskSet([Task("a", Ranking(), unit=ROW)])
    groups = np.arange(40) // 8
    plain = task_scores(values, targets, mask, tasks, None, groups)
    found = task_scores(values, targets, mask, tasks, np.ones((1, 40)), groups, rows=np.arange(40))
    np.testing.assert_allclose(found, plain)
