"""Multi-task kernel machines in closed form; no torch."""

from ramify.kernels._estimators import KernelClassifier, KernelRegressor
from ramify.kernels._inputs import SCALINGS, Inputs
from ramify.kernels._kernels import KERNELS
from ramify.kernels._model import KernelModel
from ramify.kernels._search import MOST_ROWS, KernelFit, fit_kernel, needed_memory

__all__ = [
    "KERNELS",
    "MOST_ROWS",
    "SCALINGS",
    "Inputs",
    "KernelClassifier",
    "KernelFit",
    "KernelModel",
    "KernelRegressor",
    "fit_kernel",
    "needed_memory",
]
