import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy.special import expit

from ramify._core import InputError, ShapeError
from ramify.ensembles import as_probabilities, label_columns, select
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression, Task, TaskSet

Array = NDArray[np.float64]
TASKS = TaskSet(
    [
        Task("number", Regression(5.0, 2.0)),
        Task("yes", Binary()),
        Task("class", Multiclass(("a", "b", "c"))),
        Task("level", Ordinal(("low", "mid", "high"))),
        Task("rank", Ranking()),
    ]
)
N = 200
FOLD = np.arange(N) % 5
GROUP = np.arange(N) // 4


def labels() -> Array:
    rng = np.random.default_rng(0)
    targets = np.c_[
        rng.normal(5, 2, N),
        rng.random(N) < 0.3,
        rng.integers(0, 3, N),
        rng.integers(0, 3, N),
        rng.integers(0, 4, N),
    ]
    return label_columns(targets, rng.random((N, 5)) < 0.8, TASKS)


def member(seed: int, noise: float) -> Array:
    rng = np.random.default_rng(seed)
    full = np.where(np.isnan(labels()), 0.3, labels())
    return full + noise * rng.normal(size=full.shape)


def test_columns_say_what_the_labels_are() -> None:
    targets = np.array([[3.0, 1.0, 2.0, 1.0, 2.0], [4.0, 0.0, 0.0, 2.0, 0.0]])
    mask = np.ones((2, 5), dtype=bool)
    mask[1, 2] = False
    nan = np.nan
    expected = [[3, 1, 0, 0, 1, 1, 0, 2], [4, 0, nan, nan, nan, 1, 1, 0]]
    assert_array_equal(label_columns(targets, mask, TASKS), expected)


def test_columns_become_probabilities() -> None:
    given = np.array([[9.0, 1.4, -0.5, 0.5, 1.5, 0.2, 0.6, 7.0], [9, -1, -1, -1, -1, 2, 1, -7]])
    found = as_probabilities(given, TASKS)
    third = 1 / 3
    expected = [[9, 1, 0, third, 2 * third, 0.2, 0.2, 7], [9, 0, third, third, third, 1, 1, -7]]
    assert_allclose(found, expected, atol=2e-3)
    assert (found[:, 1:7] > 0).all()
    assert (found[:, 1:7] < 1).all()


def test_numbers_beyond_0_and_1_keep_their_order() -> None:
    values = np.sort(np.random.default_rng(0).normal(0.5, 1, 500))[:, None]
    found = as_probabilities(values, TaskSet([Task("yes", Binary())]))[:, 0]
    assert (np.diff(found) > 0).all()
    inner = (values[:, 0] > 1e-3) & (values[:, 0] < 1 - 1e-3)
    assert_allclose(found[inner], values[inner, 0])


def test_the_less_noisy_member_has_more_weight_and_both_help() -> None:
    found = select([member(1, 0.4), member(2, 0.8)], labels(), TASKS, fold=FOLD, group=GROUP)
    assert (found.weights[:, 0] > found.weights[:, 1]).all()
    assert_allclose(found.weights.sum(axis=1), 1)
    assert (found.losses[:, 0] < found.losses[:, 1]).all()
    assert found.loss.mean() < found.losses[:, 0].mean()
    combined = found.combine([member(1, 0.4), member(2, 0.8)])
    assert_allclose(combined[:, 2:5].sum(axis=1), 1)
    assert combined[:, 1].min() >= 0
    assert (np.diff(combined[:, 5:7], axis=1) <= 0).all()


def test_losses_are_parts_of_the_error_of_the_mean() -> None:
    y = labels()
    guess = member(1, 0.4)
    found = select([guess, np.full_like(y, np.nan)], y, TASKS, fold=FOLD)
    assert_allclose(found.losses[:4, 1], 1)  # a gap counts as the mean
    known = ~np.isnan(y[:, 0])
    own = ((guess - y)[known, 0] ** 2).mean() / y[known, 0].var()
    assert_allclose(found.losses[0, 0], own)
    error = ((guess - y)[known, 0] ** 2 / y[known, 0].var()).std() / known.sum() ** 0.5
    assert_allclose(found.standard_errors[0, 0], error)


def test_the_expected_loss_is_that_of_weights_chosen_on_other_folds() -> None:
    tasks = TaskSet([Task("y", Regression())])
    rng = np.random.default_rng(0)
    y = rng.normal(size=(N, 1))
    members = [rng.normal(size=(N, 1)) for _ in range(40)]  # of no use at all
    found = select(members, y, tasks, fold=FOLD)
    seen = ((found.combine(members) - y) ** 2).mean() / y.var()
    assert seen < 0.95
    assert found.loss[0] > 1.1


def test_rows_in_no_fold_choose_but_do_not_judge() -> None:
    y = labels()
    fold = np.where(np.arange(N) < 100, -1, 0)
    a, b = member(1, 0.3), member(2, 0.3)
    found = select([a, b], y, TASKS, fold=fold)
    assert np.isfinite(found.loss).all()
    a[100:] = 1e3  # worse on the rows that judge: weights of the other rows do not know
    assert select([a, b], y, TASKS, fold=fold).loss[0] > 100


def test_few_labels_lean_on_the_weights_of_all_tasks() -> None:
    tasks = TaskSet([Task("many", Regression()), Task("few", Regression())])
    rng = np.random.default_rng(0)
    y = rng.normal(size=(2000, 2))
    y[20:, 1] = np.nan
    full = np.where(np.isnan(y), 0, y)
    good, bad = full + 0.1 * rng.normal(size=y.shape), full + rng.normal(size=y.shape)
    swapped = [np.c_[good[:, 0], bad[:, 1]], np.c_[bad[:, 0], good[:, 1]]]
    found = select(swapped, y, tasks, fold=np.arange(2000) % 5)
    assert_allclose(found.own_part, [2000 / 2400, 20 / 420])
    own, shared = found.own_part[1], found.shared
    assert_allclose(found.weights[1, 1], own * 1.0 + (1 - own) * shared[1], atol=0.05)


def test_rankings_are_judged_within_groups_and_members_speak_in_their_own_units() -> None:
    tasks = TaskSet([Task("rank", Ranking())])
    rng = np.random.default_rng(0)
    relevance = rng.integers(0, 4, (N, 1)).astype(float)
    of_group = rng.normal(size=50)[GROUP][:, None]
    a = 1000 * (relevance + 0.3 * rng.normal(size=(N, 1))) + 1e5 * of_group
    b = 0.01 * (relevance + 0.3 * rng.normal(size=(N, 1)))
    found = select([a, b, -b], relevance, tasks, fold=FOLD, group=GROUP)
    assert found.losses[0, :2].max() < 0.15
    assert_allclose(found.losses[0, 2], 1)  # the wrong way round is worth nothing
    assert abs(found.weights[0, 0] - found.weights[0, 1]) < 0.3


def test_calibration_keeps_the_order_and_mends_confidence() -> None:
    tasks = TaskSet([Task("yes", Binary()), Task("class", Multiclass(("a", "b", "c")))])
    rng = np.random.default_rng(0)
    score = rng.normal(size=4000)
    yes = rng.random(4000) < expit(score)
    chances = rng.dirichlet([1, 1, 1], 4000)
    drawn = (chances.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    y = label_columns(np.c_[yes, drawn], np.ones((4000, 2), bool), tasks)
    too_sure = chances**3 / (chances**3).sum(axis=1, keepdims=True)
    guess = np.c_[expit(3 * score + 1), too_sure]
    found = select([guess], y, tasks, fold=np.arange(4000) % 5)
    assert_allclose(found.calibration.slope, 1 / 3, atol=0.1)
    combined = found.combine([guess])
    assert_allclose(combined[:, 0], expit(score), atol=0.08)
    assert_array_equal(np.argsort(combined[:, 0]), np.argsort(guess[:, 0]))
    assert_array_equal(combined[:, 1:].argmax(axis=1), guess[:, 1:].argmax(axis=1))
    assert np.abs(combined[:, 1:] - chances).max() < 0.15


def test_hostile_labels() -> None:
    tasks = TaskSet([Task(name, Binary()) for name in ("one class", "none", "one label", "fair")])
    y = np.full((20, 4), np.nan)
    y[:, 0], y[3, 2], y[:, 3] = 1.0, 1.0, np.arange(20) % 2
    guess = np.full((20, 4), 0.7)
    found = select([guess, np.where(np.isnan(y), 0.5, y)], y, tasks, fold=np.arange(20) % 5)
    assert np.isfinite(found.weights).all()
    assert np.isnan(found.loss[:3]).all()
    assert found.loss[3] < 0.1
    assert np.isfinite(found.combine([guess, guess])).all()


def test_offsets_of_a_thousand_million_change_nothing() -> None:
    tasks = TaskSet([Task("y", Regression())])
    y = np.round(np.random.default_rng(0).normal(size=(N, 1)) * 2**16) / 2**16
    guesses = [y[::-1] / 4, y / 2]
    near = select(guesses, y, tasks, fold=FOLD)
    far = select([each + 1e9 for each in guesses], y + 1e9, tasks, fold=FOLD)
    assert_allclose(far.losses, near.losses, rtol=1e-4)
    assert_allclose(far.weights, near.weights, atol=1e-9)


def test_members_without_weight_need_not_predict() -> None:
    y = labels()
    found = select([np.where(np.isnan(y), 0, y), member(1, 5.0)], y, TASKS, fold=FOLD)
    assert not found.weights[:, 1].any()
    assert found.combine([member(3, 0.1), np.empty((0, 8))]).shape == (N, 8)


def test_what_does_not_fit_is_refused() -> None:
    y = labels()
    with pytest.raises(InputError, match="`members` must hold"):
        select([], y, TASKS, fold=FOLD)
    with pytest.raises(ShapeError, match="of member 1"):
        select([y, y[:3]], y, TASKS, fold=FOLD)
    with pytest.raises(ShapeError, match="`labels` must have 8 columns"):
        select([y], y[:, :3], TASKS, fold=FOLD)
