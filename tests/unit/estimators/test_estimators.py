"""Estimators keep scikit-learn's conventions, and beyond them learn from labels that are partly missing."""

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import ramify
from ramify import InputError, MultiTaskClassifier, MultiTaskEstimator, MultiTaskRegressor
from ramify.sharing import HardSharing

QUICK: dict[str, Any] = {"hidden": (8,), "epochs": 2, "random_state": 0}


@pytest.fixture(scope="module", name="X")
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(90, 4))


@pytest.fixture(scope="module", name="Y")
def labels(X: np.ndarray) -> np.ndarray:
    found = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(float)
    found[np.random.default_rng(1).random(found.shape) < 0.2] = np.nan
    return found


# `benchmarks/check_estimators.py` checks networks and the ensemble, which take longer.
@pytest.mark.parametrize("kind", [MultiTaskRegressor, MultiTaskClassifier])
def test_every_check_of_scikit_learn_passes(kind: type) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the checks do on purpose
        results = check_estimator(kind("ridge-logistic", random_state=0), on_skip=None)
    assert {each["status"] for each in results} <= {"passed", "skipped"}


def test_labels_that_are_missing_decide_nothing(X: np.ndarray, Y: np.ndarray) -> None:
    model = MultiTaskClassifier("hard", **QUICK).fit(X, Y)
    as_objects = Y.astype(object)
    as_objects[np.isnan(Y)] = None
    again = MultiTaskClassifier("hard", **QUICK).fit(X, as_objects)
    for one, other in zip(model.predict_proba(X), again.predict_proba(X), strict=True):
        assert_array_equal(one, other)
    assert model.score(X, Y) == pytest.approx(
        np.mean([np.mean(model.predict(X)[k, t] == Y[k, t]) for t, k in enumerate(~np.isnan(Y).T)])
    )
    with pytest.raises(InputError, match="target 'y1' must have labels"):
        model.fit(X, np.column_stack([Y[:, 0], np.full(len(X), np.nan)]))


def test_shapes_and_classes_are_those_of_scikit_learn(X: np.ndarray, Y: np.ndarray) -> None:
    several = MultiTaskClassifier("hard", **QUICK).fit(X, Y)
    assert several.predict(X).shape == (90, 2)
    assert [p.shape for p in several.predict_proba(X)] == [(90, 2), (90, 2)]
    assert [list(c) for c in several.classes_] == [[0, 1], [0, 1]]
    words = np.where(X[:, 0] > 0.5, "high", np.where(X[:, 0] > -0.5, "middle", "low"))
    one = MultiTaskClassifier("hard", **QUICK).fit(X, words)
    assert list(one.classes_) == ["high", "low", "middle"]
    assert set(one.predict(X)) <= {"high", "low", "middle"}
    assert_allclose(np.sum(one.predict_proba(X), axis=1), 1)
    assert MultiTaskRegressor("hard", **QUICK).fit(X, X[:, 0]).predict(X).shape == (90,)


def test_numbers_and_classes_stand_side_by_side(X: np.ndarray) -> None:
    frame = pd.DataFrame({"sex": np.where(X[:, 0] > 0, "f", "m"), "age": X[:, 1] * 10 + 40})
    model = MultiTaskEstimator("hard", **QUICK).fit(X, frame)
    assert model.target_names_ == ["sex", "age"]
    assert list(model.classes_[0]) == ["f", "m"]
    assert model.classes_[1] is None
    found = model.predict(X)
    assert set(found[:, 0]) <= {"f", "m"}
    assert found[:, 1].astype(float).std() > 0
    assert model.tree_.tasks == ("sex", "age")
    assert np.isfinite(model.score(X, frame))
    stated = MultiTaskEstimator("hard", kinds={"age": "number"}, **QUICK).fit(X, frame)
    assert_array_equal(stated.predict(X), found)
    with pytest.raises(InputError, match="`kinds` must name targets"):
        MultiTaskEstimator(kinds={"size": "number"}).fit(X, frame)


def test_a_target_of_one_class_is_predicted_as_that(X: np.ndarray) -> None:
    Y = np.column_stack([X[:, 0] > 0, np.ones(90)])
    model = MultiTaskClassifier("hard", **QUICK).fit(X, Y)
    assert set(model.predict(X)[:, 1]) == {1}
    assert model.predict_proba(X)[1].shape == (90, 1)
    alone = MultiTaskClassifier("hard", **QUICK).fit(X, np.ones(90))
    assert set(alone.predict(X)) == {1}


def test_sparse_features_are_those_of_the_dense_array(X: np.ndarray, Y: np.ndarray) -> None:
    some = np.where(X > 0.5, X, 0)
    dense = MultiTaskClassifier("hard", **QUICK).fit(some, Y)
    sparse = MultiTaskClassifier("hard", **QUICK).fit(csr_array(some), Y)
    for one, other in zip(
        dense.predict_proba(some), sparse.predict_proba(csr_array(some)), strict=True
    ):
        assert_array_equal(one, other)


def test_a_dataframe_may_hold_words(X: np.ndarray) -> None:
    frame = pd.DataFrame({"x": X[:, 0], "place": np.where(X[:, 1] > 0, "north", "south")})
    y = np.where(frame["place"] == "north", 1.0, -1.0)
    model = MultiTaskRegressor("ridge-logistic").fit(frame, y)
    assert list(model.feature_names_in_) == ["x", "place"]
    assert model.score(frame, y) > 0.5
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"x": "z"}))


def test_a_way_of_sharing_is_a_word_or_an_object(X: np.ndarray, Y: np.ndarray) -> None:
    word = MultiTaskClassifier("hard", **QUICK).fit(X, Y).predict_proba(X)
    made = MultiTaskClassifier(HardSharing(), **QUICK).fit(X, Y).predict_proba(X)
    assert_array_equal(word[0], made[0])
    with pytest.raises(InputError, match=r"`sharing` must be one of .*; did you mean cross-stitch"):
        MultiTaskClassifier("cross-stich").fit(X, Y)


def test_it_takes_part_in_pipelines_and_searches(X: np.ndarray, Y: np.ndarray) -> None:
    frame = pd.DataFrame(X, columns=list("abcd")).assign(place=np.where(X[:, 0] > 0, "n", "s"))
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list("abcd")), ("words", OneHotEncoder(), ["place"])]
    )
    pipe = make_pipeline(columns, MultiTaskClassifier("hard", **QUICK))
    assert pipe.fit(frame, Y).predict(frame).shape == (90, 2)
    scaled = make_pipeline(StandardScaler().set_output(transform="pandas"), pipe[-1])
    assert list(scaled.fit(frame[list("abcd")], Y)[-1].feature_names_in_) == list("abcd")
    whole = X[:, 0] > 0
    search = GridSearchCV(
        MultiTaskClassifier(random_state=0), {"sharing": ["ridge-logistic", "random-forest"]}, cv=2
    ).fit(X, whole)
    assert search.best_score_ > 0.8
    scores = cross_val_score(MultiTaskRegressor("ridge-logistic"), X, X[:, :2] * 2, cv=3)
    assert (scores > 0.9).all()


def test_a_clone_and_a_copy_predict_alike(X: np.ndarray, Y: np.ndarray) -> None:
    model = MultiTaskClassifier("hard", **QUICK).fit(X, Y)
    again = clone(model).fit(X, Y)
    copied = pickle.loads(pickle.dumps(model))
    for other in (again, copied):
        assert_array_equal(model.predict_proba(X)[1], other.predict_proba(X)[1])


def test_the_usual_is_the_ensemble_and_networks_where_their_arguments_are_given() -> None:
    assert MultiTaskRegressor()._strategy(0).settings()["tree"] is False
    assert MultiTaskRegressor()._strategy(0).name == "auto"
    assert MultiTaskRegressor(hidden=(8,))._strategy(0).name == "fully-adaptive"
    assert ramify.MultiTaskRegressor is MultiTaskRegressor
