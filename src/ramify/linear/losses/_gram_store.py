"""Gram matrices of growing sets of features, of which nothing is computed twice."""

import numpy as np
import scipy.sparse as sp

from ramify.linear.inputs import Floats, Integers, Rows

_MOST_STORED = 1500


class GramStore:
    """The weighted Gram matrix of centred rows, as far as it was asked for.

    Args:
        X: The rows.
        weights: One per row.
        centre: What is taken off every row.
    """

    def __init__(self, X: Rows, weights: Floats, centre: Floats) -> None:
        self._X = X
        self._roots = np.sqrt(weights)
        self._centre = centre
        self._gram: Floats = np.zeros((0, 0))
        self._forget()

    def gram(self, features: Integers) -> Floats:
        """The matrix ``(feature, feature)`` of some features."""
        fresh = features[self._place[features] < 0]
        if self._n_stored + len(fresh) > _MOST_STORED:
            self._forget()
            fresh = features
        if len(fresh):
            self._add(fresh)
        places = self._place[features]
        gram: Floats = self._gram[np.ix_(places, places)]
        return gram

    def _add(self, fresh: Integers) -> None:
        columns = self._X[:, fresh]
        dense = columns.toarray() if sp.issparse(columns) else columns
        # In place: for many features fresh memory costs as much as the product.
        rooted: Floats = np.asarray(dense, dtype=np.float64).T
        rooted -= self._centre[fresh, None]
        rooted *= self._roots
        own = rooted @ rooted.T
        if self._rooted:
            cross = np.concatenate([each @ rooted.T for each in self._rooted])
            own = np.block([[self._gram, cross], [cross.T, own]])
        self._gram = own
        self._rooted.append(rooted)
        self._place[fresh] = np.arange(self._n_stored, self._n_stored + len(fresh))
        self._n_stored += len(fresh)

    def _forget(self) -> None:
        self._place = np.full(self._X.shape[1], -1)
        self._n_stored = 0
        self._gram = self._gram[:0, :0]
        self._rooted: list[Floats] = []
