"""Estimators of scikit-learn's kind: arrays or dataframes in, one fitted model for all targets."""

from ramify.estimators._estimators import (
    MultiTaskClassifier,
    MultiTaskEstimator,
    MultiTaskRegressor,
)

__all__ = ["MultiTaskClassifier", "MultiTaskEstimator", "MultiTaskRegressor"]
