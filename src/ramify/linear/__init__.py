"""Linear multi-task models in scikit-learn form; no torch."""

from ramify.linear._mean_regularized import (
    MeanRegularized,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedCV,
)

__all__ = [
    "MeanRegularized",
    "MeanRegularizedCV",
    "MeanRegularizedClassifier",
    "MeanRegularizedClassifierCV",
]
