from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from ramify._core import InputError, ShapeError
from ramify.kernels import KernelClassifier, KernelRegressor, fit_kernel

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = np.where(RNG.random((90, 2)) < 0.2, np.nan, np.sin(X[:, :2]))
THREE = np.select([X[:, 0] < -0.5, X[:, 0] < 0.5], ["low", "mid"], "up")


@pytest.mark.parametrize("model", [KernelRegressor(), KernelClassifier()], ids=repr)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_keeps_to_the_conventions_of_scikit_learn(model: BaseEstimator) -> None:
    check_estimator(model)


def test_a_regressor_is_the_machine_on_columns() -> None:
    model = KernelRegressor(kernel="rbf", random_state=3).fit(X, Y)
    plain = fit_kernel(X, Y, kernel="rbf", seed=3)
    assert_array_equal(model.predict(X), plain.model.predict(X))
    assert_array_equal(model.oof_, plain.oof)
    assert_array_equal(clone(model).fit(X, Y, fold=model.fold_).oof_, model.oof_)
    assert model.score(X, Y) > 0.9
    assert cross_val_score(model, X, X[:, 0], cv=3).mean() > 0.9


def test_names_of_tasks_are_those_of_the_columns() -> None:
    model = KernelRegressor().fit(X, pd.DataFrame(Y, columns=["here", "there"]))
    assert model.tasks_.tolist() == ["here", "there"]


def test_rows_of_one_task_each_by_any_names() -> None:
    task = np.where(X[:, 2] > 0, "a", "b")
    y = np.where(task == "a", 1, -1) * X[:, 0]
    model = KernelRegressor().fit(X, y, task=task)
    assert model.share_ < 1
    assert model.score(X, y, task=task) > 0.9
    assert_allclose(model.predict(X[:5], task=task[:5]), model.predict(X, task=task)[:5])
    with pytest.raises(InputError, match=r"must hold tasks that were in `fit`: .*Got 'c'"):
        model.predict(X[:1], task=["c"])
    with pytest.raises(InputError, match="must name the task"):
        model.predict(X)
    with pytest.raises(InputError, match="one label per row"):
        model.fit(X, y, task="a")
    with pytest.raises(ShapeError, match="one column when `task`"):
        model.fit(X, Y, task=task)


def test_several_classes_have_a_column_each() -> None:
    model = KernelClassifier().fit(X, THREE)
    classes: Any = model.classes_
    chances: Any = model.predict_proba(X)
    assert_allclose(chances.sum(axis=1), 1)
    assert chances.min() >= 0
    assert_array_equal(model.predict(X), classes[chances.argmax(axis=1)])
    assert (model.predict(X) == THREE).mean() > 0.9
    assert len(set(model.strengths_)) == 1


def test_levels_are_cumulative() -> None:
    levels = np.select([THREE == "low", THREE == "mid"], [1, 2], 7)
    model = KernelClassifier(ordered=True).fit(X, levels)
    assert model.model_.n_columns == 2
    chances: Any = model.predict_proba(X)
    assert_allclose(chances.sum(axis=1), 1)
    assert chances.min() >= 0
    assert (model.predict(X) == levels).mean() > 0.9


def test_tasks_of_other_classes_side_by_side() -> None:
    two = np.full(90, None, dtype=object)
    two[X[:, 1] > 0], two[X[:, 1] < -0.5] = "yes", "no"
    both = pd.DataFrame({"three": THREE, "two": two})
    model = KernelClassifier().fit(X, both)
    chances: Any = model.predict_proba(X)
    assert [table.shape for table in chances] == [(90, 3), (90, 2)]
    assert model.predict(X).shape == (90, 2)
    assert model.score(X, both) > 0.9


def test_two_classes_in_every_task_give_a_column_each() -> None:
    bits = np.where(np.isnan(Y), np.nan, Y > 0)
    model = KernelClassifier().fit(X, bits)
    chances: Any = model.predict_proba(X)
    assert chances.shape == (90, 2)
    assert (model.predict(X) == (chances > 0.5)).all()


def test_a_task_of_one_class_is_of_this_class() -> None:
    model = KernelClassifier().fit(X, np.c_[np.full(90, 4), np.arange(90) % 2])
    assert_array_equal(model.predict(X)[:, 0], 4)


def test_a_task_without_a_label_is_refused() -> None:
    with pytest.raises(InputError, match="must have a label in every"):
        KernelClassifier().fit(X, np.c_[np.full(90, np.nan), np.arange(90) % 2])
    with pytest.raises(InputError, match="must have a label in every"):
        KernelRegressor().fit(X, np.full((90, 1), np.nan))
    with pytest.raises(InputError, match="must hold numbers"):
        KernelRegressor().fit(X, THREE)


def test_nothing_is_warned_of() -> None:
    assert ConvergenceWarning  # warnings are errors here, and fitting gives none
    KernelRegressor(scaling="standard").fit(X, Y)
