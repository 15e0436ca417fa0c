"""The baselines that are no networks: random forests, and ridge or logistic regression."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from scipy.stats import qmc
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from ramify.comparison._contender import Contender, Job
from ramify.comparison._per_task import (
    Estimator,
    Family,
    PerTaskContender,
    TaskRows,
    learns_numbers,
)

FOREST, LINEAR = "random-forest", "ridge-logistic"
BASELINE_NAMES = (FOREST, LINEAR)

_MOST_INPUTS = 64
_LEAF, _LARGEST_LEAF = 3, 20
_DRAWS = 8
_RIDGE = (1.0, 10.0, 100.0, 1000.0, 0.1)
_LOGISTIC = (1.0, 0.1, 0.01, 0.001, 10.0, 100.0)
_PENALTIES = (0.002, 2000.0)
_STEPS = 1000


def baselines(n_trees: int, balance: bool, n_trials: int = 0) -> list[Contender]:
    """The baselines that always take part.

    Args:
        n_trees: Trees of each forest.
        balance: Whether rare classes weigh as much as the others, as in the networks.
        n_trials: So many settings at least are tried for each task beside the first.
    """
    return [
        PerTaskContender(FOREST, "forest", Forest(n_trees, balance), n_trials),
        PerTaskContender(LINEAR, "linear", Linear(balance), n_trials),
    ]


@dataclass(frozen=True)
class Forest(Family):
    """Random forests; a quarter of the trees are grown to choose between three settings or more.

    Tried are √p of the p inputs per split with leaves of 1 row and of 3, and a third of the inputs
    (64 at most) with leaves of 1; then up to all inputs (64 at most) with leaves of up to 20, both on
    a logarithmic scale.

    Attributes:
        n_trees: Trees of the chosen one.
        balance: Whether rare classes weigh as much as the others.

    References:
        Breiman. *Random Forests*, Machine Learning 2001.
    """

    n_trees: int
    balance: bool

    def candidates(self, rows: TaskRows, n_extra: int) -> Sequence[tuple[str, Estimator]]:
        """Unfitted forests of few trees."""
        width = rows.train.shape[1]
        few = max(1, isqrt(width))
        many = max(few, min(width // 3, _MOST_INPUTS))
        tried = {(few, 1): "√p inputs", (few, _LEAF): f"√p inputs, leaves of {_LEAF}"}
        tried.setdefault((many, 1), "a third of the inputs" if many < _MOST_INPUTS else "64 inputs")
        most, missing = min(width, _MOST_INPUTS), 1 + n_extra - len(tried)
        for across, along in _spread(2, _DRAWS * missing):  # some coincide
            if len(tried) > n_extra:
                break
            n_inputs, leaf = round(most**across), round(_LARGEST_LEAF**along)
            tried.setdefault((n_inputs, leaf), f"{n_inputs} inputs, leaves of {leaf}")
        return [(word, self._forest(rows, *each)) for each, word in tried.items()]

    def _forest(self, rows: TaskRows, n_inputs: int, leaf: int) -> Estimator:
        common = {
            "n_estimators": max(1, self.n_trees // 4),
            "max_features": n_inputs,
            "min_samples_leaf": leaf,
            "warm_start": True,
            "random_state": 0,
        }
        if learns_numbers(rows.task):
            return RandomForestRegressor(**common)
        weights = "balanced_subsample" if self.balance else None
        return RandomForestClassifier(**common, class_weight=weights)

    def finished(self, model: Estimator, rows: TaskRows) -> Estimator:
        """The forest with all its trees."""
        return model.set_params(n_estimators=self.n_trees).fit(rows.train, rows.labels)

    def size(self, model: Estimator) -> int:
        """Nodes of all trees."""
        return sum(int(tree.tree_.node_count) for tree in model.estimators_)

    def settings(self) -> Job:
        """All settings that decide the result."""
        return {"n_trees": self.n_trees, "balance": self.balance}


@dataclass(frozen=True)
class Linear(Family):
    """Ridge regression for numbers, logistic regression with an L2 penalty for classes.

    Attributes:
        balance: Whether rare classes weigh as much as the others.
    """

    balance: bool

    def candidates(self, rows: TaskRows, n_extra: int) -> Sequence[tuple[str, Estimator]]:
        """Unfitted models, one per strength of the penalty."""
        if learns_numbers(rows.task):
            strengths = [*_RIDGE, *_between(n_extra - len(_RIDGE) + 1)]
            return [(f"penalty {alpha:.3g}", Ridge(alpha=alpha)) for alpha in strengths]
        weights = "balanced" if self.balance else None
        inverses = [*_LOGISTIC, *(1 / each for each in _between(n_extra - len(_LOGISTIC) + 1))]
        return [
            (
                f"penalty {1 / inverse:.3g}",
                LogisticRegression(C=inverse, max_iter=_STEPS, class_weight=weights),
            )
            for inverse in inverses
        ]

    def finished(self, model: Estimator, rows: TaskRows) -> Estimator:
        """The model as it is."""
        return model

    def size(self, model: Estimator) -> int:
        """Coefficients and intercepts."""
        return int(model.coef_.size) + int(getattr(model.intercept_, "size", 1))

    def settings(self) -> Job:
        """All settings that decide the result."""
        return {"ridge": list(_RIDGE), "logistic": list(_LOGISTIC), "balance": self.balance}


def _between(number: int) -> list[float]:
    """Penalties between those that are always tried, on a logarithmic scale."""
    low, high = _PENALTIES
    return [low * (high / low) ** part for (part,) in _spread(1, number)]


def _spread(n_axes: int, number: int) -> list[tuple[float, ...]]:
    """Points spread over the unit cube, ``(point, axis)``; the first stay the same if more are asked for."""
    points = qmc.Halton(n_axes, scramble=False).random(max(0, number) + 1)
    return [tuple(map(float, point)) for point in points[1:]]  # without the corner
