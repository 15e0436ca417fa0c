from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from tests.references.kernels import laplace, mean_eigenvalue, own_rows, predicted

from ramify._core import InputError
from ramify.kernels import MOST_ROWS, fit_kernel, needed_memory
from ramify.linear import MeanRegularized

Array = NDArray[np.float64]
FOLD = np.arange(60) % 5
CLOSE = 1e-2  # runs of conjugate gradients end at 0.1 % of the labels' size


def table(n: int = 60, *, gaps: bool = False) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(n, 3)), rng.integers(0, 2, size=(n, 2))]
    Y = np.sin(X[:, :3]) + X[:, 3:4] + 0.1 * rng.normal(size=(n, 3))
    if gaps:
        Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


def tasks_of_rows(n: int = 60) -> NDArray[np.intp]:
    return np.random.default_rng(3).integers(0, 3, n)


@pytest.mark.parametrize("gaps", [False, True])
def test_out_of_fold_and_the_answer_are_scikit_learns_at_the_chosen_settings(gaps: bool) -> None:
    X, Y = table(gaps=gaps)
    found = fit_kernel(X, Y, scaling="none", fold=FOLD)
    kernel = laplace(X, X, found.gamma / found.model.unit)
    strengths = found.strengths * mean_eigenvalue(kernel)
    for c, y in enumerate(Y.T):
        known = np.flatnonzero(~np.isnan(y))
        for f in range(5):
            held, learned = np.flatnonzero(f == FOLD), known[FOLD[known] != f]
            expected = predicted(kernel, y, learned, held, strengths[c])
            assert_allclose(found.oof[held, c], expected, atol=CLOSE)
        every = predicted(kernel, y, known, np.arange(60), strengths[c])
        assert_allclose(found.model.predict(X)[:, c], every, atol=CLOSE)


@pytest.mark.parametrize("gaps", [False, True])
def test_the_chosen_settings_have_the_least_error_out_of_fold(gaps: bool) -> None:
    X, Y = table(gaps=gaps)
    found = fit_kernel(X, Y, fold=FOLD)
    gammas, _, strengths = found.grid
    own = found.errors[:, 0].min(axis=1).mean(axis=1)  # of each gamma
    assert found.gamma == gammas[np.nanargmin(own)]
    at = found.errors[list(gammas).index(found.gamma), 0]
    assert_array_equal(found.strengths, strengths[at.argmin(axis=0)])
    spread = np.nanvar(Y, axis=0)
    error = np.nanmean((found.oof - Y) ** 2, axis=0) / spread
    assert_allclose(error, at.min(axis=0), rtol=1e-3)
    assert_allclose(found.loss, error.mean(), rtol=1e-3)


def test_columns_of_one_task_have_one_strength_and_count_as_one() -> None:
    X, Y = table()
    noise = np.random.default_rng(1).normal(size=60)
    together = fit_kernel(
        X, np.c_[Y[:, 0], noise, Y[:, 1]], fold=FOLD, column_task=np.array([0, 0, 1])
    )
    assert together.strengths[0] == together.strengths[1]
    assert together.errors.shape[-1] == 2


def test_blocks_of_columns_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y = table(gaps=True)
    whole = fit_kernel(X, Y, fold=FOLD, column_task=np.array([1, 0, 1]))
    monkeypatch.setattr("ramify.kernels._folds_as_columns.STATE_BYTES", 1)
    parts = fit_kernel(X, Y, fold=FOLD, column_task=np.array([1, 0, 1]))
    assert_allclose(parts.oof, whole.oof, atol=1e-4)
    assert_allclose(parts.model.coef, whole.model.coef, atol=1e-4)


def test_a_copied_column_gets_equal_predictions() -> None:
    X, Y = table(gaps=True)
    found = fit_kernel(X, np.c_[Y, Y[:, 0]], fold=FOLD)
    assert_allclose(found.oof[:, 3], found.oof[:, 0], atol=1e-9)


@pytest.mark.parametrize("gaps", [False, True])
def test_offsets_of_a_thousand_million_change_nothing(gaps: bool) -> None:
    X, Y = (np.round(part * 2**16) / 2**16 for part in table(gaps=gaps))
    near, far = fit_kernel(X, Y, fold=FOLD), fit_kernel(X + 1e9, Y + 1e9, fold=FOLD)
    assert_allclose(far.oof - 1e9, near.oof, atol=1e-4)
    assert_allclose(far.model.predict(X + 1e9) - 1e9, near.model.predict(X), atol=1e-4)


def test_units_of_labels_change_nothing() -> None:
    X, Y = table(gaps=True)
    scaled = fit_kernel(X, Y * [1e-9, 1.0, 1e9], fold=FOLD)
    assert_allclose(scaled.oof / [1e-9, 1.0, 1e9], fit_kernel(X, Y, fold=FOLD).oof, atol=1e-4)


@pytest.mark.parametrize("n", [40, 60])
def test_a_linear_kernel_is_the_ridge_of_the_linear_room(n: int) -> None:
    X, Y = (part[:n] for part in table(gaps=n == 40))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    found = fit_kernel(X, Y, kernel="linear", scaling="none", strengths=(0.1,), fold=FOLD[:n])
    unit = (X**2).sum() / n / 5  # the mean eigenvalue of the centred kernel
    for c, y in enumerate(Y.T):
        known = ~np.isnan(y)
        # There the squared error is halved; the penalty of f is that of its coefficients × features.
        alpha = 0.1 * unit * 5 / 2
        ridge = MeanRegularized(alpha, mean_alpha=alpha, normalisation="sum", tol=1e-10)
        expected = ridge.fit(X[known], y[known]).predict(X)
        assert_allclose(found.model.predict(X)[:, c], expected, atol=CLOSE)


def test_a_linear_model_holds_no_rows() -> None:
    X, Y = table(gaps=True)
    model = fit_kernel(X, Y, kernel="linear", fold=FOLD).model
    assert_array_equal(model.rows, np.eye(5))


def test_pooled_rows_are_rows_without_tasks() -> None:
    X, Y = table()
    pooled = fit_kernel(X, Y[:, :1], task=tasks_of_rows(), shares=(1.0,), offset=0.0, fold=FOLD)
    plain = fit_kernel(X, Y[:, :1], fold=FOLD, strengths=pooled.grid[2])
    assert_allclose(pooled.oof, plain.oof, atol=CLOSE)
    assert_allclose(pooled.model.predict(X, tasks_of_rows()), plain.model.predict(X), atol=CLOSE)


def test_one_task_with_rows_of_its_own_is_no_task() -> None:
    X, Y = table()
    one = fit_kernel(X, Y[:, :1], task=np.zeros(60, dtype=int), fold=FOLD)
    plain = fit_kernel(X, Y[:, :1], fold=FOLD, strengths=one.grid[2])
    assert_allclose(one.oof, plain.oof, atol=CLOSE)


def test_tasks_without_any_share_learn_alone() -> None:
    X, Y = table()
    task = tasks_of_rows()
    apart = fit_kernel(
        X,
        Y[:, :1],
        task=task,
        shares=(0.0,),
        offset=100.0,
        fold=FOLD,
        scaling="none",
        gammas=(1.0,),
    )
    kernel = laplace(X, X, 1 / apart.model.unit)
    strength = float(apart.strengths[0]) * mean_eigenvalue(own_rows(kernel, task, task, 0.0, 100.0))
    for t in range(3):
        own = np.flatnonzero(task == t)
        alone = predicted(kernel, Y[:, 0], own, own, strength)
        assert_allclose(apart.model.predict(X[own], task[own])[:, 0], alone, atol=5 * CLOSE)


@pytest.mark.parametrize("kernel", ["laplace", "linear"])
def test_shared_and_own_parts_are_those_of_the_matrix(kernel: str) -> None:
    X, Y = table()
    task = np.where(tasks_of_rows() == 1, 4, tasks_of_rows())  # some numbers have no row
    found = fit_kernel(
        X,
        Y[:, :1],
        kernel=kernel,
        scaling="none",
        task=task,
        fold=FOLD,
        shares=(0.4,),
        gammas=(1.0,),
        strengths=(0.1,),
    )
    centred = X - X.mean(axis=0)
    base = laplace(X, X, 1 / found.model.unit) if kernel == "laplace" else centred @ centred.T / 5
    matrix = own_rows(base, task, task, 0.4, 0.3)
    strength = 0.1 * mean_eigenvalue(matrix)
    every = np.arange(60)
    expected = predicted(matrix, Y[:, 0], every, every, strength)
    assert_allclose(found.model.predict(X, task)[:, 0], expected, atol=CLOSE)
    for f in range(5):
        held, learned = np.flatnonzero(f == FOLD), np.flatnonzero(f != FOLD)
        expected = predicted(matrix, Y[:, 0], learned, held, strength)
        assert_allclose(found.oof[held, 0], expected, atol=CLOSE)


def test_a_task_that_is_a_copy_gets_equal_predictions() -> None:
    X, Y = table(30)
    task, fold = np.repeat([0, 1], 30), np.tile(FOLD[:30], 2)
    found = fit_kernel(np.r_[X, X], np.r_[Y, Y][:, :1], task=task, fold=fold)
    assert_allclose(found.oof[:30], found.oof[30:], atol=1e-6)


def test_an_unknown_task_gets_what_is_shared() -> None:
    X, Y = table()
    model = fit_kernel(X, Y[:, :1], task=tasks_of_rows() * 2, fold=FOLD).model
    assert np.isfinite(model.predict(X, np.ones(60, dtype=int))).all()


def test_rows_in_no_fold_are_always_learned_from() -> None:
    X, Y = table(gaps=True)
    fold = np.where(np.arange(60) < 40, -1, 0)
    found = fit_kernel(X, Y, fold=fold, scaling="none", gammas=(1.0,), strengths=(0.1,))
    assert np.isnan(found.oof[:40]).all()
    kernel = laplace(X, X, 1 / found.model.unit)
    known = np.flatnonzero(~np.isnan(Y[:40, 0]))
    expected = predicted(kernel, Y[:, 0], known, np.arange(40, 60), 0.1 * mean_eigenvalue(kernel))
    assert_allclose(found.oof[40:, 0], expected, atol=CLOSE)


def test_rows_without_a_label_and_constant_labels() -> None:
    X, Y = table(gaps=True)
    Y[:10] = np.nan
    Y[10:, 1] = 1e-4
    Y[:, 2] = np.nan
    Y[20, 2] = 5.0  # one label only
    found = fit_kernel(X, Y, fold=FOLD)
    predicted_ = found.model.predict(X)
    assert_allclose(predicted_[:, 1], 1e-4, rtol=1e-12)
    assert_allclose(predicted_[:, 2], 5.0, rtol=1e-12)
    assert np.isfinite(found.loss)
    assert np.isnan(found.errors[:, :, :, 1:]).all()
    assert np.isfinite(found.oof[10:, :2]).all()


@pytest.mark.parametrize("n", [2, 3])
def test_a_handful_of_rows(n: int) -> None:
    X, Y = (part[:n] for part in table())
    for gaps in (False, True):
        if gaps:
            Y = Y.copy()
            Y[0, 0] = np.nan
        found = fit_kernel(X, Y)
        assert np.isfinite(found.model.predict(X)).all()


def test_duplicates_and_features_that_say_nothing() -> None:
    X, Y = table()
    X, Y = np.repeat(X[:20], 3, axis=0), np.repeat(Y[:20], 3, axis=0)
    assert np.isfinite(fit_kernel(X, Y, fold=FOLD).oof).all()
    nothing = fit_kernel(np.ones_like(X), Y, fold=FOLD)
    assert_allclose(nothing.model.predict(X[:1])[0], Y.mean(axis=0), atol=1e-6)


def test_a_long_table_is_solved_in_single_precision() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2100, 2))
    y = np.sin(2 * X[:, :1]) + 0.1 * rng.normal(size=(2100, 1))
    found = fit_kernel(X, y, kernel="rbf", gammas=(1.0,))
    assert found.model.coef.dtype == np.float32
    assert found.loss < 0.03


def test_what_does_not_fit_is_refused_in_a_line() -> None:
    X, Y = table()
    cases: dict[str, Callable[[], object]] = {
        "`y` must be": lambda: fit_kernel(X, Y[:50]),
        "`X` must hold finite": lambda: fit_kernel(np.where(X > 1, np.inf, X), Y),
        "`y` must hold finite": lambda: fit_kernel(X, np.where(Y > 1, np.inf, Y)),
        "none in 1 column": lambda: fit_kernel(X, np.c_[Y, np.full(60, np.nan)]),
        "`fold` must have": lambda: fit_kernel(X, Y, fold=FOLD - 2),
        "`task` must have": lambda: fit_kernel(X, Y, task=FOLD[:9]),
        "`column_task` must": lambda: fit_kernel(X, Y, column_task=np.zeros(2, int)),
        "`scaling` must be one of": lambda: fit_kernel(X, Y, scaling="log"),
        "`kernel` must be one of": lambda: fit_kernel(X, Y, kernel="cubic"),
        "`gammas` must be": lambda: fit_kernel(X, Y, gammas=(0.0,)),
        "`strengths` must be": lambda: fit_kernel(X, Y, strengths=()),
        "`shares` must be": lambda: fit_kernel(X, Y, task=FOLD, shares=(1.5,)),
        "`offset` must be": lambda: fit_kernel(X, Y, offset=-1),
    }
    for words, fit in cases.items():
        with pytest.raises(InputError, match=words) as caught:
            fit()
        assert "\n" not in str(caught.value)


def test_memory_is_known_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y = np.zeros((MOST_ROWS + 1, 1)), np.zeros((MOST_ROWS + 1, 1))
    with pytest.raises(InputError, match=r"at most 12,000 rows .* Got 12,001; take fewer, `kernel"):
        fit_kernel(X, Y)
    monkeypatch.setattr("ramify.kernels._search.machine_memory", lambda: 2**30)
    with pytest.raises(InputError, match=r"takes up to 1\.8 GiB of memory, and this machine has 1"):
        fit_kernel(X[:MOST_ROWS], Y[:MOST_ROWS])
    assert needed_memory(2000) < needed_memory(12_000)


def test_more_rows_than_a_kernel_takes_are_no_matter_to_the_linear_one() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(MOST_ROWS + 1, 2))
    found = fit_kernel(X, X @ [[1.0], [2.0]], kernel="linear")
    assert found.loss < 1e-3
