"""What else one could have done with the tables of `suite.py`: one model per task, or pooled.

A rival takes training and validation rows as it likes, and gives a prediction for each test row: the
probability of a binary task, the class of a multiclass task, the value of a regression task. Where
each row belongs to one task, there is one model for all rows, with the task as an input.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import (
    ensemble,
    impute,
    linear_model,
    model_selection,
    neural_network,
    pipeline,
    preprocessing,
)
from sklearn.base import is_classifier
from suite_data import Rows

Array = NDArray[np.float64]
Estimator = Any  # scikit-learn has no types
Fit = Callable[[Estimator, Array, Array, Array, Array], Estimator]


def predictions(method: str, rows: Rows, kind: str) -> Array:
    """Predictions of all test rows, a column per target."""
    make = RIVALS[method]
    x = rows.x
    if rows.task.max() >= 0:
        x = np.concatenate([x, np.eye(rows.task.max() + 1, dtype=np.float32)[rows.task]], axis=1)
    train, held = rows.side["train"], rows.side["validation"]
    columns = []
    for y in rows.y.T:
        parts = [side[~np.isnan(y[side])] for side in (train, held)]
        known = np.concatenate(parts)
        if len(np.unique(y[known])) < 2:
            columns.append(np.full(len(rows.side["test"]), y[known].mean() if len(known) else 0.5))
            continue
        model = make(kind, x[parts[0]], y[parts[0]], x[parts[1]], y[parts[1]])
        test = x[rows.side["test"]]
        columns.append(model.predict_proba(test)[:, 1] if kind == "binary" else model.predict(test))
    return np.stack(columns, axis=1).astype(float)


def _forest(kind: str, x: Array, y: Array, x_held: Array, y_held: Array) -> Estimator:
    name = "RandomForestRegressor" if kind == "regression" else "RandomForestClassifier"
    return getattr(ensemble, name)(200, random_state=0).fit(*_together(x, y, x_held, y_held))


def _hist(kind: str, x: Array, y: Array, x_held: Array, y_held: Array) -> Estimator:
    number = kind == "regression"
    name = "HistGradientBoostingRegressor" if number else "HistGradientBoostingClassifier"
    return getattr(ensemble, name)(random_state=0).fit(*_together(x, y, x_held, y_held))


def _linear(kind: str, x: Array, y: Array, x_held: Array, y_held: Array) -> Estimator:
    """Ridge by leave-one-out; logistic regression by the validation rows; refitted on both."""
    strengths = np.logspace(-3, 5, 17) if kind == "regression" else np.logspace(-5, 1, 7)

    def model(strength: float | None) -> Estimator:
        if kind == "regression":
            last = linear_model.RidgeCV(strengths)
        else:
            last = linear_model.LogisticRegression(C=strength, max_iter=300)
        scaled = preprocessing.StandardScaler()
        return pipeline.make_pipeline(impute.SimpleImputer(add_indicator=True), scaled, last)

    together = _together(x, y, x_held, y_held)
    if kind == "regression":
        return model(None).fit(*together)
    scores = [0.0]
    if len(np.unique(y)) == len(np.unique(together[1])) and len(y_held):
        classes = np.unique(y)
        place = np.searchsorted(classes, y_held)
        fitted = (model(c).fit(x, y) for c in strengths)
        scores = [
            np.log(f.predict_proba(x_held)[np.arange(len(y_held)), place] + 1e-9).mean()
            for f in fitted
        ]
    best = strengths[int(np.argmax(scores))] if len(scores) > 1 else 1e-2
    return model(best).fit(*together)


def _mlp(kind: str, x: Array, y: Array, x_held: Array, y_held: Array) -> Estimator:
    name = "MLPRegressor" if kind == "regression" else "MLPClassifier"
    x, y = _together(x, y, x_held, y_held)
    enough = len(y) >= 40 and (
        kind == "regression" or np.unique(y, return_counts=True)[1].min() > 9
    )
    network = getattr(neural_network, name)(
        hidden_layer_sizes=(256, 256), early_stopping=enough, random_state=0
    )
    if kind == "regression":
        from sklearn.compose import TransformedTargetRegressor  # noqa: PLC0415

        network = TransformedTargetRegressor(network, transformer=preprocessing.StandardScaler())
    made = impute.SimpleImputer(add_indicator=True), preprocessing.StandardScaler(), network
    return pipeline.make_pipeline(*made).fit(x, y)


def _lightgbm(kind: str, x: Array, y: Array, x_held: Array, y_held: Array) -> Estimator:
    import lightgbm  # noqa: PLC0415

    settings = {"n_estimators": 1000, "learning_rate": 0.05, "verbose": -1, "n_jobs": 1}
    name = "LGBMRegressor" if kind == "regression" else "LGBMClassifier"
    stop = lightgbm.early_stopping(50, verbose=False)
    return _stopped(
        getattr(lightgbm, name)(**settings), (x, y, x_held, y_held), {"callbacks": [stop]}
    )


def _xgboost(kind: str, x: Array, y: Array, x_held: Array, y_held: Array) -> Estimator:
    import xgboost  # noqa: PLC0415

    settings = {
        "n_estimators": 1000,
        "learning_rate": 0.05,
        "early_stopping_rounds": 50,
        "n_jobs": 1,
    }
    name = "XGBRegressor" if kind == "regression" else "XGBClassifier"
    return _stopped(getattr(xgboost, name)(**settings), (x, y, x_held, y_held), {"verbose": False})


def _catboost(kind: str, x: Array, y: Array, x_held: Array, y_held: Array) -> Estimator:
    import catboost  # noqa: PLC0415

    settings = {"iterations": 500, "early_stopping_rounds": 30, "thread_count": 1}
    name = "CatBoostRegressor" if kind == "regression" else "CatBoostClassifier"
    model = getattr(catboost, name)(**settings, allow_writing_files=False, verbose=False)
    return _stopped(model, (x, y, x_held, y_held), {})


def _stopped(
    model: Estimator, data: tuple[Array, Array, Array, Array], words: dict[str, Any]
) -> Estimator:
    """Fit with early stopping; where a side lacks a class, the rows are divided anew, class by class.

    A class of a single row cannot be on both sides: then all rows train, and stop the training too.
    """
    x, y, x_held, y_held = data
    if set(np.unique(y)) != set(np.unique(y_held)) and len(np.unique(y)) < 30:
        x, y = _together(x, y, x_held, y_held)
        x_held, y_held = x, y
        classes, counts = np.unique(y, return_counts=True)
        by_class = is_classifier(model)
        if not by_class or counts.min() > 1:
            n_held = max(len(classes), len(y) // 5) if by_class else 0.2
            strata = y if by_class else None
            x, x_held, y, y_held = model_selection.train_test_split(
                x, y, test_size=n_held, random_state=0, stratify=strata
            )
    return model.fit(x, y, eval_set=[(x_held, y_held)], **words)


def _together(x: Array, y: Array, x_held: Array, y_held: Array) -> tuple[Array, Array]:
    return np.concatenate([x, x_held]), np.concatenate([y, y_held])


warnings.filterwarnings("ignore")
RIVALS: dict[str, Callable[[str, Array, Array, Array, Array], Estimator]] = {
    "forest": _forest,
    "hist-boosting": _hist,
    "linear": _linear,
    "mlp": _mlp,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
}
