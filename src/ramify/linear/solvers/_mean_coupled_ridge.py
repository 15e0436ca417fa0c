"""Tasks that are pulled towards their mean, in closed form."""

import numpy as np

from ramify.linear.inputs import Floats, inverse_or_zero
from ramify.linear.losses import GramLoss

_SPECK = 1e-14


def coupled_by_mean(loss: GramLoss, apart: float, together: float) -> Floats:
    r"""The least of a quadratic loss and a penalty on the mean and on the distances from it.

    .. math:: L(W) + \frac{a}{2} \sum_t \|w_t - \bar w\|^2 + \frac{e T}{2} \|\bar w\|^2

    A task with matrix :math:`G_t` and moments :math:`b_t` is at its best for
    :math:`w_t = (G_t + a)^{-1} (b_t + (a - e) \bar w)`. The mean over tasks leaves a system of
    the size of the features,

    .. math:: \Big[\sum_t (G_t + a)^{-1} (G_t + e)\Big] \bar w = \sum_t (G_t + a)^{-1} b_t .

    Where it is singular, as without any penalty, the result is rough and needs a solver.

    Args:
        loss: The loss, with a matrix per task.
        apart: *a*, on the distance of a task from the mean.
        together: *e*, on the mean.

    Returns:
        Coefficients ``(task, feature)``.
    """
    values, vectors = loss.spectra
    inverse = inverse_or_zero(values + apart)
    # Shares of eigenvalues, not a difference of matrices: a strong coupling loses no digits.
    shares = (values + together) * inverse
    side_by_side = vectors.swapaxes(0, 1).reshape(loss.n_features, -1)
    system = (side_by_side * shares.ravel()) @ side_by_side.T
    turned = np.matmul(loss.moments[:, None, :], vectors)[:, 0]
    alone = np.matmul(vectors, (turned * inverse)[:, :, None])[:, :, 0]
    mean = np.linalg.lstsq(system, alone.sum(axis=0), rcond=_SPECK)[0]
    pulled = np.matmul(mean, vectors) * inverse
    coef: Floats = alone + (apart - together) * np.matmul(vectors, pulled[:, :, None])[:, :, 0]
    return coef
