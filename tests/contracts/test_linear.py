"""Every linear method keeps to scikit-learn's conventions and to the laws of several tasks."""

import inspect
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import joblib
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from ramify import linear
from ramify.linear import METHODS, BlockSparse, BlockSparseCV, MeanRegularized, MeanRegularizedCV
from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier

from ._linear_cases import (
    CHOOSING_CLASSIFIERS,
    CHOOSING_REGRESSORS,
    CLASSIFIERS,
    EVERY,
    MANY_MINIMA,
    REGRESSORS,
    SETTINGS,
)

Array = NDArray[Any]

every_estimator = pytest.mark.parametrize("model", EVERY.values(), ids=EVERY)
every_regressor = pytest.mark.parametrize("model", REGRESSORS.values(), ids=REGRESSORS)
every_classifier = pytest.mark.parametrize("model", CLASSIFIERS.values(), ids=CLASSIFIERS)
every_choosing = pytest.mark.parametrize(
    "model",
    [*CHOOSING_REGRESSORS.values(), *CHOOSING_CLASSIFIERS.values()],
    ids=lambda model: type(model).__name__,
)
every_convex = pytest.mark.parametrize(
    "model",
    [REGRESSORS[name] for name in METHODS if name not in MANY_MINIMA],
    ids=[name for name in METHODS if name not in MANY_MINIMA],
)


def table(n_tasks: int = 4, n_rows: int = 40, gaps: bool = True) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 5)) + rng.normal(size=5)
    coef = rng.normal(size=(n_tasks, 2)) @ rng.normal(size=(2, 5))
    Y = X @ coef.T + 1 + 0.3 * rng.normal(size=(n_rows, n_tasks))
    if gaps:
        Y[rng.random(Y.shape) < 0.2] = np.nan
    return X, Y


def as_labels(Y: Array) -> Array:
    return np.where(np.isnan(Y), np.nan, np.nanmedian(Y, axis=0) < Y)


def stacked(X: Array, Y: Array) -> tuple[Array, Array, Array]:
    rows, tasks = np.nonzero(~np.isnan(Y))
    order = np.random.default_rng(1).permutation(len(rows))
    return X[rows[order]], Y[rows[order], tasks[order]], tasks[order]


def labels_for(model: MultiTaskModel, Y: Array) -> Array:
    return as_labels(Y) if is_classifier(model) else Y


def test_every_exported_estimator_is_in_the_table_of_methods() -> None:
    found = [getattr(linear, name) for name in linear.__all__]
    models = {each for each in found if isinstance(each, type) and hasattr(each, "fit")}
    exported = {each for each in models if not inspect.isabstract(each)}
    listed = [
        each for method in METHODS.values() for each in vars(method).values() if each != method.name
    ]
    assert all(name == method.name for name, method in METHODS.items())
    assert exported == set(listed)
    assert len(listed) == len(set(listed)) == 4 * len(METHODS)
    assert set(SETTINGS) == set(METHODS)


def test_every_name_of_the_room_resolves() -> None:
    assert all(hasattr(linear, name) for name in linear.__all__)
    assert len(set(linear.__all__)) == len(linear.__all__)


def test_the_room_is_imported_without_torch() -> None:
    code = "import sys, ramify.linear; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@every_estimator
def test_scikit_learns_checks_pass(model: MultiTaskModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(model, on_skip=None)


@every_estimator
def test_a_form_says_what_it_is(model: MultiTaskModel) -> None:
    assert is_classifier(model) != is_regressor(model)
    assert is_classifier(model) == ("Classifier" in type(model).__name__)


@every_regressor
def test_both_forms_of_data_give_the_same_model(model: MultiTaskModel) -> None:
    X, Y = table()
    wide = clone(model).fit(X, Y)
    inputs, y, task = stacked(X, Y)
    long = clone(model).fit(inputs, y, task=task)
    assert_allclose(long.coef_, wide.coef_, atol=2e-3)
    assert_allclose(long.intercept_, wide.intercept_, atol=5e-3)
    assert_allclose(long.predict(inputs, task=task), wide.predict(inputs, task=task), atol=2e-2)


@every_classifier
def test_both_forms_of_labels_give_the_same_model(model: MultiTaskModel) -> None:
    X, Y = table(n_rows=60)
    wide = clone(model).fit(X, as_labels(Y))
    inputs, y, task = stacked(X, as_labels(Y))
    long = clone(model).fit(inputs, y, task=task)
    assert_allclose(long.coef_, wide.coef_, atol=5e-3)
    chances = long.predict_proba(inputs, task=task)
    assert chances.shape == (len(y), 2)
    assert_allclose(chances[:, 1], wide.predict_proba(X)[_rows(X, inputs), task], atol=5e-3)


def _rows(X: Array, inputs: Array) -> Array:
    return np.array([int(np.flatnonzero((row == X).all(axis=1))[0]) for row in inputs])


@every_convex
def test_another_order_of_tasks_gives_the_same_model(model: MultiTaskModel) -> None:
    X, Y = table()
    order = np.array([2, 0, 3, 1])
    first, second = clone(model).fit(X, Y), clone(model).fit(X, Y[:, order])
    assert_allclose(second.coef_, first.coef_[order], atol=2e-3)


@every_convex
def test_copies_of_a_task_get_the_same_coefficients(model: MultiTaskModel) -> None:
    X, Y = table(n_tasks=1, gaps=False)
    coef = clone(model).fit(X, np.repeat(Y, 3, axis=1)).coef_
    assert_allclose(coef, np.tile(coef[:1], (3, 1)), atol=1e-3)


@every_regressor
def test_a_single_column_may_come_in_three_forms(model: MultiTaskModel) -> None:
    X, Y = table(n_tasks=1, gaps=False)
    flat = clone(model).fit(X, Y[:, 0])
    column = clone(model).fit(X, Y)
    long = clone(model).fit(X, Y[:, 0], task=["only"] * len(X))
    assert flat.predict(X).shape == (len(X),)
    assert column.predict(X).shape == long.predict(X).shape == (len(X), 1)
    assert_allclose(flat.predict(X), column.predict(X)[:, 0], atol=1e-6)
    assert_allclose(flat.predict(X), long.predict(X, task=["only"] * len(X)), atol=1e-6)


@every_regressor
def test_sparse_rows_give_what_dense_ones_do(model: MultiTaskModel) -> None:
    X, Y = table()
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    dense, thin = clone(model).fit(X, Y), clone(model).fit(sp.csr_matrix(X), Y)
    assert_allclose(thin.coef_, dense.coef_, atol=1e-3)
    assert_allclose(thin.predict(sp.csc_array(X)), dense.predict(X), atol=1e-2)
    inputs, y, task = stacked(X, Y)
    long = clone(model).fit(sp.coo_array(inputs), y, task=task)
    assert_allclose(long.coef_, dense.coef_, atol=2e-3)


@every_estimator
def test_a_fitted_model_survives_a_pickle(model: MultiTaskModel) -> None:
    X, Y = table()
    fitted = clone(model).fit(X, labels_for(model, Y))
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict(X), fitted.predict(X))


@every_estimator
def test_a_fit_says_what_it_learned(model: MultiTaskModel) -> None:
    X, Y = table()
    fitted = clone(model).fit(X, labels_for(model, Y))
    assert fitted.coef_.shape == (4, 5)
    assert fitted.intercept_.shape == fitted.tasks_.shape == (4,)
    assert fitted.n_iter_ >= 1
    assert 0 <= fitted.optimality_ <= fitted.tol
    if hasattr(fitted, "task_affinity_"):
        assert fitted.task_affinity_.shape == (4, 4)
        assert_allclose(fitted.task_affinity_, fitted.task_affinity_.T, atol=1e-12)
    if hasattr(fitted, "groups_"):
        assert fitted.groups_.shape == (4,)


@every_estimator
def test_fitting_again_repeats_to_the_last_bit(model: MultiTaskModel) -> None:
    X, Y = table()
    first, second = (clone(model).fit(X, labels_for(model, Y)) for _ in range(2))
    assert_array_equal(first.coef_, second.coef_)


@every_regressor
def test_a_weight_of_two_is_a_row_twice(model: MultiTaskModel) -> None:
    X, Y = table()
    inputs, y, task = stacked(X, Y)
    weights = 1.0 + (np.arange(len(y)) % 3 == 0)
    twice = np.repeat(np.arange(len(y)), weights.astype(int))
    weighted = clone(model).fit(inputs, y, task=task, sample_weight=weights)
    repeated = clone(model).fit(inputs[twice], y[twice], task=task[twice])
    assert_allclose(weighted.coef_, repeated.coef_, atol=2e-3)


@every_regressor
def test_a_warm_start_ends_at_the_same_model(model: MultiTaskModel) -> None:
    X, Y = table()
    cold = clone(model).fit(X, Y)
    warm = clone(model).set_params(warm_start=True).fit(X, Y)
    warm.fit(X, Y)
    assert_allclose(warm.predict(X), cold.predict(X), atol=2e-2)
    assert warm.n_iter_ <= cold.n_iter_


@every_choosing
def test_settings_are_chosen_by_the_held_out_loss(model: MultiTaskModel) -> None:
    X, Y = table()
    fitted = clone(model).fit(X, labels_for(model, Y))
    n_folds = fitted.loss_path_.shape[-1]
    assert fitted.loss_path_.shape == (*fitted.alphas_.shape, n_folds)
    mean = fitted.loss_path_.mean(axis=-1)
    assert fitted.alpha_ == fitted.alphas_[np.unravel_index(mean.argmin(), mean.shape)]
    assert fitted.best_params_["alpha"] == fitted.alpha_
    plain = (
        type(model)
        ._plain(**{**_common(fitted, model), **fitted.best_params_})
        .fit(X, labels_for(model, Y))
    )
    assert_allclose(plain.coef_, fitted.coef_, atol=1e-8)


def _common(fitted: MultiTaskModel, model: MultiTaskModel) -> Mapping[str, object]:
    known = type(model)._plain().get_params()
    return {name: value for name, value in fitted.get_params().items() if name in known}


def test_tasks_may_have_any_labels() -> None:
    X, Y = table()
    inputs, y, task = stacked(X, Y)
    plain = MeanRegularized().fit(inputs, y, task=task)
    for names in (
        ["north", "south", "east", "west"],
        [("a", 1), ("a", 2), ("b", 1), 3],
        np.array([10, 20, 40, 30]),
        [True, "x", None.__class__, 2.5],
    ):
        own = [names[t] for t in task]
        model = MeanRegularized().fit(inputs, y, task=own)
        assert_allclose(model.predict(inputs, task=own), plain.predict(inputs, task=task))
        assert set(map(str, model.tasks_.tolist())) == {
            str(getattr(n, "item", lambda n=n: n)()) for n in names
        }
    assert list(MeanRegularized().fit(inputs, y, task=task).tasks_) == [0, 1, 2, 3]
    as_series = pd.Series(task).astype("category")
    assert_allclose(MeanRegularized().fit(inputs, y, task=as_series).coef_, plain.coef_)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_dataframes_bring_their_names(frame: Callable[..., Any]) -> None:
    X, Y = table()
    names = [f"x{j}" for j in range(5)]
    inputs = frame(dict(zip(names, X.T, strict=True)))
    labels = frame({f"task {t}": column for t, column in enumerate(Y.T)})
    model = BlockSparse().fit(inputs, labels)
    assert list(model.feature_names_in_) == names
    assert list(model.tasks_) == ["task 0", "task 1", "task 2", "task 3"]
    assert_allclose(model.coef_, BlockSparse().fit(X, Y).coef_, atol=1e-12)
    chosen = ["task 2"] * len(X)
    assert_allclose(model.predict(inputs, task=chosen), model.predict(inputs)[:, 2])


def test_pipelines_and_searches_take_both_forms() -> None:
    X, Y = table(gaps=False)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), BlockSparse()), {"blocksparse__alpha": [0.01, 1.0]}
    )
    assert search.fit(X, Y).best_params_ == {"blocksparse__alpha": 0.01}
    inputs, y, task = stacked(X, Y)
    with config_context(enable_metadata_routing=True):
        model = MeanRegularized().set_fit_request(task=True).set_score_request(task=True)
        routed = GridSearchCV(model, {"alpha": [0.01, 100.0]}).fit(inputs, y, task=task)
    assert routed.best_params_ == {"alpha": 0.01}


def test_scores_count_labelled_cells_only() -> None:
    X, Y = table()
    model = MeanRegularized(0.01).fit(X, Y)
    each = [
        MeanRegularized(0.01).fit(X, Y).score(X, np.where(np.arange(4) == t, Y, np.nan))
        for t in range(4)
    ]
    assert_allclose(model.score(X, Y), np.mean(each))
    inputs, y, task = stacked(X, Y)
    errors = ((y - model.predict(inputs, task=task)) ** 2).sum()
    assert_allclose(model.score(inputs, y, task=task), 1 - errors / ((y - y.mean()) ** 2).sum())


def test_classes_may_differ_from_task_to_task() -> None:
    X, Y = table(n_tasks=2, gaps=False)
    labels = np.empty(Y.shape, dtype=object)
    labels[:, 0] = np.where(Y[:, 0] > 1, "yes", "no")
    labels[:, 1] = np.where(Y[:, 1] > 1, "up", "down")
    labels[3, 1] = None
    model: Any = linear.TraceNormClassifier(0.01).fit(X, labels)
    assert model.classes_.tolist() == [["no", "yes"], ["down", "up"]]
    assert set(model.predict(X)[:, 1]) == {"down", "up"}
    assert model.predict(X[:2], task=[1, 0])[1] in {"no", "yes"}
    assert model.score(X, labels) > 0.9


@pytest.mark.parametrize(
    "model",
    [*CLASSIFIERS.values(), *CHOOSING_CLASSIFIERS.values()],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("only", [0, 1])
def test_a_task_of_one_class_is_predicted_to_be_of_it(model: Classifier, only: int) -> None:
    X, Y = table()
    Y = as_labels(Y)
    Y[:, 1] = np.where(np.isnan(Y[:, 1]), np.nan, only)
    model = clone(model)
    if not isinstance(model, CrossValidated):
        model.set_params(alpha=0.01)
    for rows, labels, task in ((X, Y, None), stacked(X, Y)):
        with pytest.warns(UserWarning, match="one class only in '1'"):
            model.fit(rows, labels, task=task)
        assert_array_equal(model.predict(100 * X)[:, 1], only)
        assert_allclose(model.predict_proba(100 * X)[:, 1], only, atol=1e-12)
        assert_array_equal(model.classes_, [0, 1])
        assert np.isfinite(model.decision_function(X)).all()
        if not isinstance(model, CrossValidated):
            assert all(len(np.unique(each)) == 2 for each in model.predict(X).T[[0, 2, 3]])


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_task_of_one_class_leaves_the_others_as_they_were(fit_intercept: bool) -> None:
    X, Y = table()
    Y = as_labels(Y)
    alone = Y[:, [0, 2, 3]].copy()
    Y[:, 1] = np.where(np.isnan(Y[:, 1]), np.nan, 1)
    model = linear.BlockSparseClassifier(0.01, fit_intercept=fit_intercept, tol=1e-9)
    expected = clone(model).fit(X, alone)
    with pytest.warns(UserWarning, match="one class only"):
        model.fit(X, Y)
    assert_allclose(model.coef_[[0, 2, 3]], expected.coef_, atol=1e-5)
    assert_allclose(model.intercept_[[0, 2, 3]], expected.intercept_, atol=1e-5)


def test_the_class_of_a_task_of_one_class_keeps_its_name() -> None:
    X, Y = table(gaps=False)
    words = np.where(Y > 1, "yes", "no").astype(object)
    words[:, 0] = "yes"
    with pytest.warns(UserWarning, match="one class only in '0'"):
        model = linear.TraceNormClassifier(0.01).fit(X, words)
    assert model.classes_.tolist() == ["no", "yes"]
    words[:, 0] = "perhaps"
    with pytest.warns(UserWarning, match="one class only in '0'"):
        model.fit(X, words)
    assert model.classes_.tolist()[:2] == [["perhaps", "perhaps"], ["no", "yes"]]
    assert_array_equal(model.predict(X)[:, 0], "perhaps")


@pytest.mark.parametrize("kind", ["Float64", "boolean", "string"])
def test_labels_that_pandas_marks_as_missing_count_nowhere(kind: str) -> None:
    X, Y = table()
    labels = {"Float64": Y, "boolean": as_labels(Y), "string": as_labels(Y)}[kind]
    marked = pd.DataFrame(np.nan_to_num(labels)).astype("bool" if kind == "boolean" else "float")
    marked = marked.astype(str if kind == "string" else kind).astype(kind).mask(np.isnan(Y))
    assert marked.isna().to_numpy().any()
    model: Any = BlockSparse(0.1) if kind == "Float64" else linear.BlockSparseClassifier(0.01)
    plain = clone(model).fit(X, labels)
    assert_allclose(model.fit(X, marked).coef_, plain.coef_, atol=1e-12)
    assert_allclose(model.score(X, marked), plain.score(X, labels))


def test_a_heavier_task_is_fitted_better() -> None:
    X, Y = table(gaps=False)
    errors = []
    for weight in ({0: 1, 1: 1, 2: 1, 3: 1}, {0: 100, 1: 1, 2: 1, 3: 1}):
        model = MeanRegularized(5.0, task_weight=weight).fit(X, Y)
        errors.append(((model.predict(X) - Y)[:, 0] ** 2).mean())
    assert errors[1] < errors[0]
    listed = MeanRegularized(5.0, task_weight=[100, 1, 1, 1]).fit(X, Y)
    assert_allclose(listed.coef_, model.coef_)


def test_folds_hold_every_task_and_splits_may_be_given() -> None:
    X, Y = table()
    inputs, y, task = stacked(X, Y)
    own = [(train, test) for train, test in KFold(3).split(inputs)]
    given = MeanRegularizedCV(alphas=[1.0, 0.1], cv=own).fit(inputs, y, task=task)
    assert given.loss_path_.shape == (1, 2, 3)
    by_hand = MeanRegularized(0.1).fit(inputs[own[0][0]], y[own[0][0]], task=task[own[0][0]])
    test = own[0][1]
    halves = 0.5 * (by_hand.predict(inputs[test], task=task[test]) - y[test]) ** 2
    expected = sum(halves[task[test] == t].mean() for t in range(4))
    assert_allclose(given.loss_path_[0, 1, 0], expected, rtol=1e-5)
    split = MeanRegularizedCV(alphas=[1.0], cv=KFold(4)).fit(X, Y)
    assert split.loss_path_.shape == (1, 1, 4)


def test_jobs_side_by_side_choose_what_one_does() -> None:
    X, Y = table()
    alone = BlockSparseCV(alphas=5, cv=3).fit(X, Y)
    with joblib.parallel_config("threading"):
        together = BlockSparseCV(alphas=5, cv=3, n_jobs=2).fit(X, Y)
    assert_array_equal(alone.loss_path_, together.loss_path_)


def test_several_settings_are_chosen_together() -> None:
    X, Y = table()
    model = BlockSparseCV(q=[1, 2, np.inf], alphas=4, cv=3).fit(X, Y)
    assert model.loss_path_.shape == (3, 4, 3)
    assert set(model.best_params_) == {"alpha", "q"}


@pytest.mark.parametrize("name", METHODS)
def test_a_fit_that_did_not_converge_says_what_to_do(name: str) -> None:
    X, Y = table()
    model = clone(REGRESSORS[name]).set_params(max_iter=1, tol=1e-15)
    if "loss" in model.get_params():
        model.set_params(loss="huber")
    with pytest.warns(ConvergenceWarning, match="Raise `max_iter`"):
        model.fit(X, Y)


X, Y = table()
INPUTS, LABELS, TASK = stacked(X, Y)
CLASSES = as_labels(Y)
BAD: dict[str, tuple[str, Callable[[], object]]] = {
    "rows of y": ("inconsistent numbers of samples", lambda: BlockSparse().fit(X, Y[:5])),
    "NaN in X": ("Input X contains NaN", lambda: BlockSparse().fit(np.full((40, 5), np.nan), Y)),
    "infinite y": (
        "Input y contains infinity",
        lambda: BlockSparse().fit(X, np.full((40, 4), np.inf)),
    ),
    "no y": ("requires y to be passed", lambda: BlockSparse().fit(X, None)),
    "NaN in a flat y": ("Input y contains NaN", lambda: BlockSparse().fit(X, np.full(40, np.nan))),
    "a task without labels": (
        "`y` must have a label .* for '2'",
        lambda: BlockSparse().fit(X, np.where(np.arange(4) == 2, np.nan, Y)),
    ),
    "a task of weight 0": (
        "`y` must have a label .* for '1'",
        lambda: BlockSparse().fit(INPUTS, LABELS, task=TASK, sample_weight=(TASK != 1) * 1.0),
    ),
    "all weights 0": (
        "at least one non-zero",
        lambda: BlockSparse().fit(X, Y, sample_weight=np.zeros(40)),
    ),
    "negative weights": (
        "[Nn]egative",
        lambda: BlockSparse().fit(X, Y, sample_weight=-np.ones(40)),
    ),
    "text in y": ("`y` must hold numbers", lambda: BlockSparse().fit(X, np.full((40, 2), "a"))),
    "task for a table": (
        "`y` must have one column when `task`",
        lambda: BlockSparse().fit(X, Y, task=TASK[:40]),
    ),
    "too few tasks": (
        "`task` must have one label per row",
        lambda: BlockSparse().fit(INPUTS, LABELS, task=TASK[:5]),
    ),
    "task as one word": (
        "`task` must have one label per row",
        lambda: BlockSparse().fit(INPUTS, LABELS, task="abc"),
    ),
    "missing task": (
        "`task` must have a label for every row",
        lambda: BlockSparse().fit(
            X, Y[:, 0] * 0 + 1 if not np.isnan(Y[:, 0]).any() else np.ones(40), task=[None] * 40
        ),
    ),
    "unhashable task": (
        "can be hashed",
        lambda: BlockSparse().fit(X, np.ones(40), task=[[1]] * 40),
    ),
    "unknown task": (
        "`task` holds tasks that were not in `fit`: '9'",
        lambda: BlockSparse().fit(INPUTS, LABELS, task=TASK).predict(INPUTS[:1], task=[9]),
    ),
    "a task of another type": (
        "'1'. Known are '0', '1', '2', '3', as int and not str",
        lambda: BlockSparse().fit(INPUTS, LABELS, task=TASK).predict(INPUTS[:1], task=["1"]),
    ),
    "X beyond what can be squared": (
        "`X` must hold numbers of at most 1e\\+50 in size",
        lambda: BlockSparse().fit(X * 1e200, Y),
    ),
    "sparse X beyond what can be squared": (
        "`X` must hold numbers of at most 1e\\+50 in size",
        lambda: BlockSparse().fit(sp.csr_array(X * 1e200), Y),
    ),
    "y beyond what can be squared": (
        "`y` must hold numbers of at most 1e\\+50 in size",
        lambda: BlockSparse().fit(X, Y * 1e200),
    ),
    "one class": (
        "must have two classes. Got one class",
        lambda: linear.DirtyClassifier().fit(X, np.ones(40)),
    ),
    "one class in every column": (
        "two classes in a task at least. One class only in '0', '1'",
        lambda: linear.DirtyClassifier().fit(X, np.ones((40, 2)) * [0, 1]),
    ),
    "one class in every task": (
        "two classes in a task at least. One class only in '0', '1', '2', '3'",
        lambda: linear.DirtyClassifier().fit(INPUTS, TASK > 1, task=TASK),
    ),
    "three classes": (
        "Only binary classification",
        lambda: linear.DirtyClassifier().fit(X, np.arange(40) % 3),
    ),
    "negative alpha": ("`alpha` must be a finite number", lambda: BlockSparse(-1.0).fit(X, Y)),
    "alpha as text": ("`alpha` must be a finite number", lambda: BlockSparse("a").fit(X, Y)),
    "negative alphas": ("`alphas` must be", lambda: BlockSparseCV(alphas=[1.0, -1.0]).fit(X, Y)),
    "no alphas": ("`alphas` must be", lambda: BlockSparseCV(alphas=[]).fit(X, Y)),
    "no eps": ("`eps` must be", lambda: BlockSparseCV(eps=0.0).fit(X, Y)),
    "one fold": ("`cv` must be from 2", lambda: BlockSparseCV(cv=1).fit(X, Y)),
    "cv as text": ("`cv` must be", lambda: BlockSparseCV(cv=3.5).fit(X, Y)),
    "cv as a word": ("`cv` must be", lambda: BlockSparseCV(cv="ab").fit(X, Y)),
    "cv of numbers": (
        "`cv` must be .* 0 of them pairs",
        lambda: BlockSparseCV(cv=[1, 2]).fit(X, Y),
    ),
    "no splits": ("`cv` must be", lambda: BlockSparseCV(cv=[]).fit(X, Y)),
    "a split outside the rows": (
        "`cv` must have a labelled row on both sides",
        lambda: BlockSparseCV(alphas=2, cv=[([0, 1], [900])]).fit(X, Y),
    ),
    "a path that rises": ("`eps` must be at most 1", lambda: BlockSparseCV(eps=2.0).fit(X, Y)),
    "no candidates": ("`q` must be a value", lambda: BlockSparseCV(q=[]).fit(X, Y)),
    "a column name twice": (
        "`y` must have a name of its own for every column. Twice: 'a'",
        lambda: BlockSparse().fit(X, pd.DataFrame(Y[:, :3], columns=["a", "a", "b"])),
    ),
    "a missing task of pandas": (
        "`task` must have a label for every row",
        lambda: BlockSparse().fit(X, np.ones(40), task=pd.Series(["a", None] * 20, dtype="string")),
    ),
    "stacked rows scored without tasks": (
        "stacked rows need `task`",
        lambda: BlockSparse().fit(INPUTS, LABELS, task=TASK).score(INPUTS, LABELS),
    ),
    "q": ("`q` must be one of", lambda: BlockSparse(q=3).fit(X, Y)),
    "loss": ("`loss` must be one of", lambda: BlockSparse(loss="hinge").fit(X, Y)),
    "loss of the other form": (
        "`loss` must be one of",
        lambda: BlockSparse(loss="logistic").fit(X, Y),
    ),
    "negative counts": ("`y` must be 0 or more", lambda: BlockSparse(loss="poisson").fit(X, Y)),
    "normalisation": (
        "`normalisation` must be one of",
        lambda: BlockSparse(normalisation="max").fit(X, Y),
    ),
    "fit_intercept": ("`fit_intercept` must be", lambda: BlockSparse(fit_intercept="no").fit(X, Y)),  # type: ignore[arg-type]
    "max_iter": ("`max_iter` must be a whole number", lambda: BlockSparse(max_iter=0).fit(X, Y)),
    "tol": ("`tol` must be", lambda: BlockSparse(tol=-1e-3).fit(X, Y)),
    "task weights": (
        "`task_weight` must have one number per task",
        lambda: BlockSparse(task_weight=[1, 2]).fit(X, Y),
    ),
    "task weights by name": (
        "`task_weight` must have every task. It lacks '1'",
        lambda: BlockSparse(task_weight={0: 1}).fit(X, Y),
    ),
    "negative task weights": (
        "`task_weight` must hold finite",
        lambda: BlockSparse(task_weight=[1, 2, 3, -1]).fit(X, Y),
    ),
    "mean_alpha": ("`mean_alpha` must be", lambda: MeanRegularized(mean_alpha=-1).fit(X, Y)),
    "graph of another size": (
        "`graph` must be \\(task, task\\)",
        lambda: linear.GraphRegularized(graph=np.eye(3)).fit(X, Y),
    ),
    "graph not symmetric": (
        "`graph` must be finite, symmetric",
        lambda: linear.GraphRegularized(graph=np.triu(np.ones((4, 4)))).fit(X, Y),
    ),
    "graph of text": (
        "`graph` must be a matrix",
        lambda: linear.GraphRegularized(graph="ab").fit(X, Y),
    ),
    "entry_ratio": ("`entry_ratio` must be", lambda: linear.Dirty(entry_ratio=0.0).fit(X, Y)),
    "shape of y to score": (
        "`y` must have the shape",
        lambda: BlockSparse().fit(X, Y).score(X, Y[:, :2]),
    ),
}


@pytest.mark.parametrize(("message", "attempt"), BAD.values(), ids=BAD)
def test_bad_input_is_answered_by_naming_it(message: str, attempt: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        attempt()
    assert "\n" not in str(raised.value).split("NaN")[0]


def test_constant_features_do_no_harm() -> None:
    constant = np.c_[X, np.full(len(X), 7.0)]
    for model in REGRESSORS.values():
        fitted = clone(model).fit(constant, Y)
        assert np.isfinite(fitted.coef_).all()
        assert np.abs(fitted.coef_[:, -1]).max() < 1e-8


def test_more_features_than_rows_are_fitted() -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(10, 30))
    labels = wide[:, :2] @ rng.normal(size=(2, 3))
    for model in REGRESSORS.values():
        assert np.isfinite(clone(model).fit(wide, labels).predict(wide)).all()
