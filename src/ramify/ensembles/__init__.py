"""Members' predictions out of fold → folds, weights, calibration, and what to expect; no torch."""

from ramify.ensembles._calibration import Calibration, calibrate
from ramify.ensembles._columns import as_probabilities, label_columns
from ramify.ensembles._folds import folds_of
from ramify.ensembles._selection import Ensemble, greedy_weights, select

__all__ = [
    "Calibration",
    "Ensemble",
    "as_probabilities",
    "calibrate",
    "folds_of",
    "greedy_weights",
    "label_columns",
    "select",
]
