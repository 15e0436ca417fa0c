"""One line per linear method; the tests check that none is missing."""

from collections.abc import Mapping

from ramify.linear import METHODS
from ramify.linear.estimators._base import MultiTaskModel

# Every method → settings that keep its tests short.
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "block-sparse": {},
    "mean-regularized": {},
    "clustered": {},
    "trace-norm": {},
    "feature-learning": {},
    "task-relationship": {},
    "task-grouping": {"n_init": 2, "random_state": 0},
    "latent-basis": {"n_init": 2, "random_state": 0},
    "dirty": {},
    "graph": {},
}

# Those whose objective has many minima: which one is found may hang on the order of tasks.
MANY_MINIMA = {"task-grouping", "latent-basis"}

SHORT_PATH: Mapping[str, object] = {"alphas": 2, "cv": 2, "tol": 1e-3}

REGRESSORS: dict[str, MultiTaskModel] = {
    name: method.regressor().set_params(**SETTINGS[name]) for name, method in METHODS.items()
}
CLASSIFIERS: dict[str, MultiTaskModel] = {
    name: method.classifier().set_params(**SETTINGS[name]) for name, method in METHODS.items()
}
CHOOSING_REGRESSORS: dict[str, MultiTaskModel] = {
    name: method.regressor_cv().set_params(**SETTINGS[name], **SHORT_PATH)
    for name, method in METHODS.items()
}
CHOOSING_CLASSIFIERS: dict[str, MultiTaskModel] = {
    name: method.classifier_cv().set_params(**SETTINGS[name], **SHORT_PATH)
    for name, method in METHODS.items()
}
EVERY: dict[str, MultiTaskModel] = {
    type(model).__name__: model
    for table in (REGRESSORS, CLASSIFIERS, CHOOSING_REGRESSORS, CHOOSING_CLASSIFIERS)
    for model in table.values()
}
