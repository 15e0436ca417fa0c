"""Scores where a row has several units: what moves a score is the row, with all of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ramify.metrics import SCORES, ndcg, task_scores
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
def test_the_influence_of_a_row_is_that_of_all_its_units(name: str) -> None:
    kind = KINDS[name]
    values, targets, mask, rows = problem(kind)
    tasks = TaskSet([Task("a", kind, unit=TOKEN)])
    found = task_scores(values, targets, mask, tasks, rows=rows, n_rows=N_ROWS)
    kept = mask[:, 0]
    own, given = targets[kept, 0], values[kept]
    given = given if name in {"multiclass", "ordinal"} else given[:, 0]
    if kind.metric == NDCG:
        expected = ndcg(given, own, rows[kept])
    else:
        expected = SCORES[kind.metric](given, own)
    assert found.values[0] == pytest.approx(expected.value)
    by_row = np.bincount(rows[kept], expected.influence, minlength=N_ROWS)
    np.testing.assert_allclose(found.influence[:, 0], by_row, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", KINDS)
def test_where_every_row_is_one_unit_nothing_changes(name: str) -> None:
    kind = KINDS[name]
    values, targets, mask, _ = problem(kind)
    tasks = TaskSet([Task("a", kind, unit=ROW)])
    plain = task_scores(values, targets, mask, tasks)
    found = task_scores(values, targets, mask, tasks, rows=np.arange(40))
    np.testing.assert_allclose(found.values, plain.values)
    np.testing.assert_allclose(found.influence, plain.influence)


def test_rows_are_put_in_order_within_their_groups_beside_positions() -> None:
    values, targets, mask, _ = problem(Ranking())
    tasks = TaskSet([Task("a", Ranking(), unit=ROW)])
    groups = np.arange(40) // 8
    plain = task_scores(values, targets, mask, tasks, groups)
    found = task_scores(values, targets, mask, tasks, groups, rows=np.arange(40))
    np.testing.assert_allclose(found.values, plain.values)
