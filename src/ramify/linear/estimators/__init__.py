"""The estimators, in scikit-learn's form: a method a file, each with its four classes."""

from collections.abc import Mapping

from ramify.linear.estimators import (
    _block_sparse,
    _clustered,
    _dirty,
    _feature_learning,
    _graph_regularized,
    _latent_basis,
    _mean_regularized,
    _task_grouping,
    _task_relationship,
    _trace_norm,
)
from ramify.linear.estimators._base import Method

METHODS: Mapping[str, Method] = {
    each.METHOD.name: each.METHOD
    for each in (
        _block_sparse,
        _mean_regularized,
        _trace_norm,
        _dirty,
        _graph_regularized,
        _clustered,
        _feature_learning,
        _task_relationship,
        _task_grouping,
        _latent_basis,
    )
}
"""Every method by its name in kebab case, as the command line has it."""
