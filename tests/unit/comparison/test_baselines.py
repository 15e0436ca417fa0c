"""Forests and linear models: partial labels, absent classes, and their own choices."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from ramify.comparison._baselines import BASELINE_NAMES, Forest, baselines
from ramify.comparison._contender import Attempt, Contender, Work
from ramify.comparison._per_task import PerTaskContender, TaskRows, _tasks
from ramify.data import open_table, parse_split
from ramify.runs import Options, prepare

from ._small import small_table

CONTENDERS = {contender.name: contender for contender in baselines(8, balance=False)}
every_baseline = pytest.mark.parametrize("contender", CONTENDERS.values(), ids=CONTENDERS)


def attempted(contender: Contender, frame: pl.DataFrame, targets: str = "g*") -> Attempt:
    split = parse_split("column:side" if "side" in frame.columns else "random")
    options = Options((targets,), split=split)
    work = Work(
        contender,
        open_table(frame),
        options,
        trial=0,
        job={},
        n_tasks=0,
        folder=Path("unused"),
        result=Path("unused"),
        threads=1,
    )
    return contender.attempt(work)


def task_rows(frame: pl.DataFrame, name: str) -> TaskRows:
    return next(iter(_tasks(prepare(open_table(frame), Options((name,))))))[1]


def scores(attempt: Attempt) -> dict[str, float | None]:
    return {score.task: score.value for score in attempt.scores.test}


def test_every_baseline_has_a_case() -> None:
    assert set(CONTENDERS) == set(BASELINE_NAMES)


@every_baseline
def test_a_task_is_learned_from_its_own_labels_alone(contender: Contender) -> None:
    frame = small_table(("binary", "regression", "multiclass"))
    both = attempted(contender, frame)
    # The other tasks' labels only decide which rows there are; here each row keeps one.
    shuffled = frame.with_columns(pl.col("g1_t1").shuffle(seed=1))
    other = attempted(contender, shuffled)
    untouched = [name for name in scores(both) if name != "g1_t1"]
    assert [scores(both)[n] for n in untouched] == [scores(other)[n] for n in untouched]


@every_baseline
def test_learns_all_kinds_better_than_chance(contender: Contender) -> None:
    frame = small_table(("binary", "regression", "multiclass"), rows=600)
    found = scores(attempted(contender, frame))
    assert (found["g0_t0"] or 0) > 0.75
    assert (found["g0_t1"] or 9) < 0.9 * float(np.std(frame["g0_t1"].drop_nulls().to_numpy()))
    assert (found["g0_t2"] or 0) > 0.5


@every_baseline
def test_a_task_of_one_class_or_without_training_labels_costs_no_other(
    contender: Contender,
) -> None:
    sides = ["train", "train", "validation", "test"] * 40
    frame = small_table().with_columns(side=pl.Series(sides))
    is_train = np.array(sides) == "train"
    coin = np.random.default_rng(0).integers(0, 2, len(frame)).astype(float)
    one_class, no_label = np.where(is_train, 0.0, coin), np.where(is_train, np.nan, coin)
    worse = frame.with_columns(
        g2_one=pl.Series(one_class), g3_none=pl.Series(no_label).fill_nan(None)
    )
    plain, found = scores(attempted(contender, frame)), scores(attempted(contender, worse))
    assert plain.items() <= found.items()
    assert found["g2_one"] == found["g3_none"] == 0.5


@every_baseline
def test_a_class_that_training_never_saw_is_no_error(contender: Contender) -> None:
    frame = small_table(("multiclass",))
    prepared = prepare(open_table(frame), Options(("g*",)))
    rare = frame["g0_t0"].to_list()
    rare[int(prepared.split.test[0])] = "never seen"
    found = scores(attempted(contender, frame.with_columns(g0_t0=pl.Series(rare))))
    assert found["g0_t0"] is not None


@every_baseline
def test_the_same_seed_gives_the_same_scores(contender: Contender) -> None:
    frame = small_table()
    assert scores(attempted(contender, frame)) == scores(attempted(contender, frame))


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
    found = attempted(CONTENDERS["ridge-logistic"], frame, "g0_t0")
    assert found.chosen == {f"tasks with penalty {best:g}": 1}
    assert_allclose(scores(found)["g0_t0"] or 0.0, error("test", best), rtol=1e-4)


@every_baseline
@pytest.mark.parametrize("name", ["g0_t0", "g0_t1"])
def test_a_search_lets_it_choose_among_as_many_settings_as_a_network(
    contender: Contender, name: str
) -> None:
    assert isinstance(contender, PerTaskContender)
    rows = task_rows(small_table(("binary", "regression")), name)
    words = [[word for word, _ in contender.family.candidates(rows, n)] for n in range(13)]
    assert all(len(set(found)) >= 1 + n for n, found in enumerate(words))
    assert all(more[: len(few)] == few for few, more in pairwise(words))


def test_a_forest_on_few_inputs_has_fewer_settings_to_choose_from() -> None:
    rows = task_rows(small_table().select("x00", "g0_t0").drop_nulls(), "g0_t0")
    found = Forest(8, balance=False).candidates(rows, 100)
    assert 3 <= len(found) <= 20
    assert all(model.max_features == 1 for _, model in found)
