"""Any loss, computed from the rows, with the best intercept of every task."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from ramify.linear.inputs import Design, Floats, Integers, centred, means_of, ratio
from ramify.linear.losses._gram_loss import GramLoss, GramStore
from ramify.linear.losses._pointwise import LOSSES, Loss, Squared
from ramify.linear.losses._smooth import Curvature, SmoothLoss, largest_curvature

_MOST_CONDENSED = 1000
_FLATTEST = 1e-5
_FARTHEST = 40.0
_N_STEPS = 60
_PRECISION = 1e-12


class RowLoss(SmoothLoss):
    """The sum over rows, with a loss per task.

    Args:
        design: The rows, centred or not.
        targets: Like margins; 0 where a label is missing.
        weights: Like margins; 0 where a label is missing.
        losses: One per task.
        known: The intercepts for centred rows where the targets need none any more, ``(task,)``;
            None if they have to be found.
    """

    def __init__(
        self,
        design: Design,
        targets: Floats,
        weights: Floats,
        losses: Sequence[Loss],
        known: Floats | None,
    ) -> None:
        self.design = design
        self.targets = targets
        self.weights = weights
        self.n_tasks, self.n_features = design.n_tasks, design.n_features
        self._searched = known is None
        self._losses = losses
        self._by_loss = _entries_by_loss(losses, design)
        self._totals = design.totals(weights)
        self._offsets = np.zeros(self.n_tasks) if known is None else known

    def value(self, coef: Floats) -> float:
        return self.total(self._margins(coef))

    def value_and_gradient(self, coef: Floats) -> tuple[float, Floats]:
        margins = self._margins(coef)
        slopes = self.weights * self._each("slope", margins)
        return self.total(margins), self.design.pullback(slopes)

    def curvature(self, coef: Floats) -> Curvature:
        margins = self._margins(coef)
        weights = self.weights * self._each("curvature", margins)
        return _RowCurvature(self.design, weights, self._searched)

    def local_squares(self, coef: Floats) -> SmoothLoss:
        margins = self._margins(coef)
        bend = np.maximum(self._each("curvature", margins), _FLATTEST)
        working = margins - self._each("slope", margins) / bend
        weights = self.weights * bend
        return centred_squares(self.design, working, weights, self._searched).condensed()

    def intercepts(self, coef: Floats) -> Floats:
        self._margins(coef)
        offsets = self._offsets.copy()
        empty = self._totals <= 0
        if self._searched and empty.any() and not empty.all():
            offsets[empty] = offsets[~empty].mean()
        shift: Floats = (self.design.centres * coef).sum(axis=1)
        return offsets - shift

    def dual_value(self, coef: Floats, scale: float) -> float:
        slopes = scale * self._each("slope", self._margins(coef))
        return -float((self.weights * self._each("conjugate", slopes)).sum())

    def steepness(self, metric: Floats | None = None) -> float:
        curvature, n_tasks = self.curvature(np.zeros((self.n_tasks, self.n_features))), self.n_tasks
        single = self.design.single(self.weights)
        if single is not None and self.is_quadratic:
            curvature, n_tasks = _RowCurvature(single, self.weights[:, :1], False), 1
        return largest_curvature(curvature, n_tasks, self.n_features, metric)

    def restricted(self, features: Integers) -> SmoothLoss:
        if len(features) <= self._most_stored:
            return self._stored(features)
        known = None if self._searched else self._offsets
        design = self.design.restricted(features)
        narrow = RowLoss(design, self.targets, self.weights, self._losses, known)
        narrow._offsets = self._offsets
        return narrow.condensed(at_most=_MOST_CONDENSED)

    @cached_property
    def _most_stored(self) -> int:
        """Most features of which a common Gram matrix is cheaper than the rows; 0 if none is."""
        single = self.design.single(self.weights)
        return 0 if single is None or not self.is_quadratic else 2 * len(self.weights)

    @cached_property
    def _store(self) -> GramStore:
        return GramStore(self.design.X, self.weights[:, 0], self.design.centres[0])

    def _stored(self, features: Integers) -> SmoothLoss:
        value, gradient = self.at_zero
        gram, centres = self._store.gram(features), self.design.centres[:, features]
        return GramLoss(gram, -gradient[:, features], 2 * value, centres, self._offsets)

    def condensed(self, at_most: int | None = None) -> SmoothLoss:
        """The same loss from Gram matrices, if it is quadratic and they are cheaper.

        Args:
            at_most: Most features for which they are formed.
        """
        if not self.is_quadratic or (at_most is not None and self.n_features > at_most):
            return self
        grams = self.design.grams(self.weights)
        if grams is None:
            return self
        moments = self.design.pullback(self.weights * self.targets)
        squares = float((self.weights * self.targets**2).sum())
        return GramLoss(grams, moments, squares, self.design.centres, self._offsets)

    @property
    def is_quadratic(self) -> bool:
        return all(type(loss) is Squared for loss, _ in self._by_loss)

    def _margins(self, coef: Floats) -> Floats:
        """Margins with the best intercepts, which are kept for the next start."""
        margins = self.design.margins(coef)
        if self._searched:
            self._offsets = self._best_offsets(margins)
            margins += self.design.spread(self._offsets)
        return margins

    def _best_offsets(self, margins: Floats) -> Floats:
        def slopes(offsets: Floats) -> tuple[Floats, Floats]:
            moved = margins + self.design.spread(offsets)
            slope = self.design.totals(self.weights * self._each("slope", moved))
            bend = self.design.totals(self.weights * self._each("curvature", moved))
            return slope, bend

        # The middle and the reach of the labels say where an intercept can be.
        spans = np.maximum(np.abs(self.targets - margins), 1.0)
        reach = ratio(self.design.totals(self.weights * spans), self._totals, otherwise=1.0)
        return best_intercepts(slopes, self._offsets, np.zeros(self.n_tasks), reach)

    def total(self, margins: Floats) -> float:
        """The loss at margins."""
        return float((self.weights * self._each("value", margins)).sum())

    def _each(self, quantity: str, entries: Floats) -> Floats:
        """One quantity of the losses, each on the entries of its tasks."""
        if len(self._by_loss) == 1:
            of_all: Floats = getattr(self._by_loss[0][0], quantity)(entries, self.targets)
            return of_all
        result = np.empty_like(entries)
        for loss, where in self._by_loss:
            of_some = getattr(loss, quantity)(entries[..., where], self.targets[..., where])
            result[..., where] = of_some
        return result


def centred_squares(
    design: Design, targets: Floats, weights: Floats, fit_intercept: bool
) -> RowLoss:
    """The squared loss; if there are intercepts, rows and targets are seen from their means."""
    means = np.zeros(design.n_tasks)
    if fit_intercept:
        design = centred(design, weights)
        means = means_of(design, weights, targets)
    seen = np.where(weights > 0, targets - design.spread(means), 0.0)
    return RowLoss(design, seen, weights, [LOSSES["squared"]] * design.n_tasks, means)


class _RowCurvature(Curvature):
    """Weighted rows, seen from their weighted mean if the intercept moves with them."""

    def __init__(self, design: Design, weights: Floats, leaning: bool) -> None:
        self._design = design
        self._weights = weights
        self._leaning = leaning
        self._totals = design.totals(weights)

    def __call__(self, directions: Floats) -> Floats:
        moved = self._design.margins(directions)
        if self._leaning:
            moved -= self._design.spread(self._mean(moved))
        return self._design.pullback(self._weights * moved)

    def blocks(self) -> Floats:
        single = None if self._leaning else self._design.single(self._weights)
        if single is not None:
            common: Floats = single.blocks(self._weights[:, :1])[0]
            return common
        blocks = self._design.blocks(self._weights)
        if self._leaning:
            lean = self._design.pullback(self._weights)
            blocks -= lean[:, :, None] * (lean * self._inverse_totals())[:, None, :]
        return blocks

    def diagonals(self) -> Floats:
        diagonals = self._design.diagonals(self._weights)
        if self._leaning:
            diagonals -= self._design.pullback(self._weights) ** 2 * self._inverse_totals()
        return diagonals

    def roots(self) -> list[Floats] | None:
        lean = np.zeros_like(self._design.centres)
        if self._leaning:
            lean = self._design.pullback(self._weights) * self._inverse_totals()
        return self._design.roots(self._weights, lean)

    def _inverse_totals(self) -> Floats:
        return ratio(np.ones(1), self._totals)[:, None]

    def _mean(self, moved: Floats) -> Floats:
        mean: Floats = self._design.totals(self._weights * moved) * self._inverse_totals()[:, 0]
        return mean


def _entries_by_loss(losses: Sequence[Loss], design: Design) -> list[tuple[Loss, Integers]]:
    distinct = list({id(loss): loss for loss in losses}.values())
    if len(distinct) == 1:
        return [(distinct[0], np.arange(0))]
    tasks_of = [np.flatnonzero([each is loss for each in losses]) for loss in distinct]
    pairs = zip(distinct, tasks_of, strict=True)
    return [(loss, design.entries_of(tasks)) for loss, tasks in pairs]


Slopes = Callable[[Floats], tuple[Floats, Floats]]


def best_intercepts(slopes: Slopes, start: Floats, centre: Floats, reach: Floats) -> Floats:
    """Where the slope by each task's intercept is zero.

    The slope rises with the intercept, so a bracket closes in on the zero; a step of Newton that
    leaves it is replaced by its middle. A task without a minimum, which has labels of one class
    only, ends at the bracket.

    Args:
        slopes: Gives slope and curvature ``(task,)`` at intercepts ``(task,)``.
        start: Where to begin.
        centre: Middle of the first bracket.
        reach: Half its width, in units that grow from there to at most forty times.
    """
    low, high = centre - _FARTHEST * reach, centre + _FARTHEST * reach
    at = np.clip(start, low, high)
    for _ in range(_N_STEPS):
        slope, curvature = slopes(at)
        low = np.where(slope < 0, at, low)
        high = np.where(slope > 0, at, high)
        step = np.divide(slope, curvature, out=np.zeros_like(at), where=curvature > 0)
        proposed = at - step
        inside = (proposed >= low) & (proposed <= high) & ((curvature > 0) | (slope == 0))
        moved = np.where(inside, proposed, (low + high) / 2)
        done = np.abs(moved - at) <= _PRECISION * (1 + np.abs(at))
        at = moved
        if done.all():
            break
    return at
