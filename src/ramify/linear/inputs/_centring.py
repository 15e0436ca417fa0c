"""Weighted means per task, and designs that are seen from them."""

import copy

import numpy as np

from ramify.linear.inputs._arrays import Floats
from ramify.linear.inputs._design import Design


def centred(design: Design, weights: Floats) -> Design:
    """The design seen from the weighted mean of each task's rows."""
    plain = copy.copy(design)
    plain.centres = np.zeros_like(design.centres)
    sums, totals = plain.pullback(weights), plain.totals(weights)[:, None]
    plain.centres = _means(sums, totals)
    return plain


def means_of(design: Design, weights: Floats, entries: Floats) -> Floats:
    """The weighted mean ``(task,)`` of entries like margins."""
    return _means(design.totals(weights * entries), design.totals(weights))


def ratio(above: Floats, below: Floats) -> Floats:
    """The quotient, 0 where nothing is below."""
    zeros = np.zeros(np.broadcast_shapes(above.shape, below.shape))
    return np.divide(above, below, out=zeros, where=below > 0)


def _means(sums: Floats, totals: Floats) -> Floats:
    """A task without rows, as in a fold, is taken to be like the others."""
    means = ratio(sums, totals)
    empty = totals.reshape(-1) <= 0
    if empty.any() and not empty.all():
        means[empty] = means[~empty].mean(axis=0)
    return means
