"""Kernel regression by scikit-learn and by plain formulas in float64."""

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_ridge import KernelRidge
from sklearn.preprocessing import KernelCenterer

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


def laplace(a: Array, b: Array, gamma: float) -> Array:
    found: Array = np.exp(-gamma * np.abs(a[:, None] - b).sum(axis=-1))
    return found


def tanimoto(a: Array, b: Array) -> Array:
    found = np.empty((len(a), len(b)))
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            either = ((one + other) > 0).sum()
            found[i, j] = (one * other).sum() / either if either else 1.0
    return found


def own_rows(kernel: Array, a: Rows, b: Rows, share: float, offset: float) -> Array:
    same = a[:, None] == b
    found: Array = np.where(same, 1.0, share) * kernel + offset * same
    return found


def predicted(kernel: Array, y: Array, learned: Rows, wanted: Rows, strength: float) -> Array:
    """Of one column, with an intercept that is not penalised: kernel and labels are centred."""
    centre = KernelCenterer().fit(kernel[np.ix_(learned, learned)])
    mean = y[learned].mean()
    model = KernelRidge(alpha=strength, kernel="precomputed")
    model.fit(centre.transform(kernel[np.ix_(learned, learned)].copy()), y[learned] - mean)
    found: Array = model.predict(centre.transform(kernel[np.ix_(wanted, learned)].copy())) + mean
    return found


def mean_eigenvalue(kernel: Array) -> float:
    return float((np.trace(kernel) - kernel.mean() * len(kernel)) / len(kernel))
