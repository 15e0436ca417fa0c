"""What the tasks' gradients have in common in size alone: parts of a network that tasks move."""

import warnings

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from ramify._core import InputError, check_count
from ramify.affinity._factors import Factors, unit_rows


def nonnegative_factors(
    gradients: Float[np.ndarray, "task parameter"], n_factors: int, *, seed: int = 0
) -> Factors:
    r"""Factorise the sizes of the tasks' gradients into parts that only add up.

    With M the gradients' rows divided by their lengths, :math:`|M| \approx W H` with nothing below
    0, by at most 2000 rounds of coordinate descent: with many more factors than the tasks have in
    common, they may not be final. A loading says how much of a part of the network a task moves, never
    which way: **tasks that pull in opposite directions look alike**, and no two tasks look opposed.
    So take it on purpose only; `factors_of_gram` keeps the signs.

    Args:
        gradients: A row per task; 0 for a task that had none.
        n_factors: Number of parts, 1 or more.
        seed: Of the solver's order.

    Raises:
        InputError: If ``n_factors`` is below 1, or a gradient is NaN or infinite.

    References:
        Lee, Seung. *Learning the parts of objects by non-negative matrix factorization*, 1999.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[1.0, 2.0, 0.0], [-1.0, -2.0, 0.0], [0.0, 0.0, 3.0]])
        >>> nonnegative_factors(rows, 2).loadings.round(3)
        array([[1., 0.],
               [1., 0.],
               [0., 1.]])
    """
    check_count("n_factors", n_factors)
    if not np.isfinite(gradients).all():
        raise InputError("`gradients` must be finite; one was NaN or infinite. Clip or skip it")
    known = np.abs(gradients).sum(axis=1) > 0
    if not known.any():
        return Factors(np.full((len(known), 0), np.nan), np.zeros(0), known)
    sizes = unit_rows(np.abs(gradients[known]).astype(np.float64))
    n_factors = min(n_factors, *sizes.shape)
    solver = NMF(n_factors, init="nndsvda", max_iter=2000, random_state=seed)
    with warnings.catch_warnings():
        # Its test is relative to the start, so that a start near the end never passes it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        parts = solver.fit_transform(sizes) * np.linalg.norm(solver.components_, axis=1)
    squares = (parts**2).sum(axis=0)
    order = np.argsort(-squares, kind="stable")
    loadings = np.full((len(known), n_factors), np.nan)
    loadings[known] = unit_rows(parts[:, order])
    return Factors(loadings, squares[order] / max(squares.sum(), np.finfo(float).tiny), known)
