"""Forests and linear models: partial labels, absent classes, and their own choices."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from tests.unit.comparison._small import small_table

from ramify.data import open_table, parse_split
from ramify.records import Scores
from ramify.runs import (
    PER_TASK,
    Finished,
    Job,
    Options,
    RandomForest,
    RidgeLogistic,
    fit_and_score,
    prepare,
)
from ramify.runs.methods._per_task import PerTask, TaskRows

METHODS: dict[str, PerTask] = {
    each.name: each for each in (RandomForest(n_trees=8), RidgeLogistic())
}
METHODS_OF = [
    {each.name: each for each in (RandomForest(8, n_trials=n), RidgeLogistic(n))} for n in range(13)
]
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def fitted(method: PerTask, frame: pl.DataFrame, targets: str = "g*") -> tuple[Finished, Scores]:
    split = parse_split("column:side" if "side" in frame.columns else "random")
    options = Options((targets,), split=split, sharing=method, baselines=())
    return fit_and_score(Job(prepare(open_table(frame), options), options))


def task_rows(frame: pl.DataFrame, name: str) -> TaskRows:
    options = Options((name,))
    job = Job(prepare(open_table(frame), options), options)
    return TaskRows.of(job, 0, job.rows("train"), job.rows("validation"))


def scores(found: tuple[Finished, Scores]) -> dict[str, float | None]:
    return {score.task: score.value for score in found[1].test}


def test_every_method_per_task_has_a_case() -> None:
    assert {type(each) for each in METHODS.values()} == set(PER_TASK)


@every_method
def test_a_task_is_learned_from_its_own_labels_alone(method: PerTask) -> None:
    # The split is given: one at random looks at the labels of all tasks.
    frame = small_table(("binary", "regression", "multiclass"))
    sides = np.resize(["train", "train", "validation", "test"], len(frame))
    frame = frame.with_columns(side=pl.Series(sides))
    both = fitted(method, frame)
    # The other tasks' labels only decide which rows there are; here each row keeps one.
    shuffled = frame.with_columns(pl.col("g1_t1").shuffle(seed=1))
    other = fitted(method, shuffled)
    untouched = [name for name in scores(both) if name != "g1_t1"]
    assert [scores(both)[n] for n in untouched] == [scores(other)[n] for n in untouched]


@every_method
def test_learns_all_kinds_better_than_chance(method: PerTask) -> None:
    frame = small_table(("binary", "regression", "multiclass"), rows=600)
    found = scores(fitted(method, frame))
    assert (found["g0_t0"] or 0) > 0.75
    assert (found["g0_t1"] or 9) < 0.9 * float(np.std(frame["g0_t1"].drop_nulls().to_numpy()))
    assert (found["g0_t2"] or 0) > 0.5


@every_method
def test_a_task_of_one_class_or_without_training_labels_costs_no_other(
    method: PerTask,
) -> None:
    sides = ["train", "train", "validation", "test"] * 40
    frame = small_table().with_columns(side=pl.Series(sides))
    is_train = np.array(sides) == "train"
    coin = np.random.default_rng(0).integers(0, 2, len(frame)).astype(float)
    one_class, no_label = np.where(is_train, 0.0, coin), np.where(is_train, np.nan, coin)
    worse = frame.with_columns(
        g2_one=pl.Series(one_class), g3_none=pl.Series(no_label).fill_nan(None)
    )
    plain, found = scores(fitted(method, frame)), scores(fitted(method, worse))
    assert plain.items() <= found.items()
    assert (found["g2_one"], found["g3_none"]) == (None, 0.5)  # the former does not vary


@every_method
def test_a_class_that_training_never_saw_is_no_error(method: PerTask) -> None:
    frame = small_table(("multiclass",))
    prepared = prepare(open_table(frame), Options(("g*",)))
    rare = frame["g0_t0"].to_list()
    rare[int(prepared.split.test[0])] = "never seen"
    found = scores(fitted(method, frame.with_columns(g0_t0=pl.Series(rare))))
    assert found["g0_t0"] is not None


@every_method
def test_the_same_seed_gives_the_same_scores(method: PerTask) -> None:
    frame = small_table()
    assert scores(fitted(method, frame)) == scores(fitted(method, frame))


def test_ridge_is_ridge_with_the_penalty_that_validation_rows_choose() -> None:
    frame = small_table(("regression",))
    prepared = prepare(open_table(frame), Options(("g0_t0",)))
    every, targets, mask = np.arange(160), prepared.targets, prepared.label_mask
    (batch,) = prepared.inputs.batches(every, targets, mask, batch_size=1, seed=0, training=False)
    inputs = batch.inputs.numpy()
    labels, known = targets.numpy()[:, 0], mask.numpy()[:, 0]
    sides = {s: getattr(prepared.split, s) for s in ("train", "validation", "test")}
    rows = {side: found[known[found]] for side, found in sides.items()}

    def error(side: str, alpha: float) -> float:
        model = Ridge(alpha=alpha).fit(inputs[rows["train"]], labels[rows["train"]])
        residual = model.predict(inputs[rows[side]]) - labels[rows[side]]
        return float(np.sqrt(np.mean(residual**2)))

    best = min((0.1, 1.0, 10.0, 100.0, 1000.0), key=lambda alpha: error("validation", alpha))
    found = fitted(METHODS["ridge-logistic"], frame, "g0_t0")
    assert found[0].chosen == {f"tasks with penalty {best:g}": 1}
    assert_allclose(scores(found)["g0_t0"] or 0.0, error("test", best), rtol=1e-4)


@every_method
@pytest.mark.parametrize("name", ["g0_t0", "g0_t1"])
def test_a_search_lets_it_choose_among_as_many_settings_as_a_network(
    method: PerTask, name: str
) -> None:
    rows = task_rows(small_table(("binary", "regression")), name)
    words = [[word for word, _ in METHODS_OF[n][method.name].candidates(rows)] for n in range(13)]
    assert all(len(set(found)) >= 1 + n for n, found in enumerate(words))
    assert all(more[: len(few)] == few for few, more in pairwise(words))


def test_a_forest_on_few_inputs_has_fewer_settings_to_choose_from() -> None:
    rows = task_rows(small_table().select("x00", "g0_t0").drop_nulls(), "g0_t0")
    found = RandomForest(8, n_trials=100).candidates(rows)
    assert 3 <= len(found) <= 20
    assert all(model.max_features == 1 for _, model in found)
