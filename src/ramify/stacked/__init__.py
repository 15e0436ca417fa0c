"""Networks of one shape on different folds of the rows, trained side by side in one run."""

from ramify.stacked._networks import StackedMLP
from ramify.stacked._training import FoldFit, FoldTraining, fit_folds

__all__ = ["FoldFit", "FoldTraining", "StackedMLP", "fit_folds"]
