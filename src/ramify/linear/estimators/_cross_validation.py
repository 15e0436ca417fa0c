"""Settings chosen by cross-validation, along a path of strengths with warm starts."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import ClassVar

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning

from ramify._core import InputError, check_count, check_number, counted
from ramify.linear.estimators._base import MultiTaskModel, SingleFit
from ramify.linear.inputs import Floats, Integers
from ramify.linear.losses import HeldOut, LabelledRows, Logistic, Objective, SmoothLoss
from ramify.linear.solvers import Solution

_DEFAULT_FOLDS = 5
Split = tuple[Integers, Integers]


@dataclass(eq=False, repr=False, kw_only=True)
class CrossValidated(MultiTaskModel):
    """A method whose settings are chosen by cross-validation over rows.

    It has the settings of the plain form; those named in ``_candidates`` may be a list of values to
    choose from.

    Args:
        alphas: How many strengths of an automatic path, or which.
        eps: The last strength of an automatic path as a part of the first.
        cv: Folds, a splitter or splits.
        n_jobs: Folds at a time, as joblib counts them.

    Attributes:
        alpha_: The chosen strength.
        best_params_: It and the chosen candidates.
        alphas_: ``(candidate, alpha)``.
        loss_path_: The held-out losses ``(candidate, alpha, fold)``.
    """

    alphas: int | Sequence[float] = 30
    eps: float = 1e-3
    cv: object = None
    n_jobs: int | None = None

    _plain: ClassVar[type[SingleFit]]
    _candidates: ClassVar[tuple[str, ...]] = ()

    alpha_: float = field(init=False)
    alphas_: Floats = field(init=False)
    best_params_: Mapping[str, object] = field(init=False)
    loss_path_: Floats = field(init=False)

    def _loss_of(self, rows: LabelledRows, objective: Objective) -> SmoothLoss:
        return self._plain()._loss_of(rows, objective)

    def _learn(self, rows: LabelledRows, objective: Objective, loss: SmoothLoss) -> Solution:
        models = [self._path(point, loss) for point in self._grid()]
        splits = folds_of(self.cv, rows, objective)
        scored = Parallel(n_jobs=self.n_jobs)(
            delayed(_score_paths)(models, rows, objective, split) for split in splits
        )
        self.loss_path_ = np.stack([losses for losses, _ in scored], axis=-1)
        self.alphas_ = np.array([[model.alpha for model in path] for path in models])
        mean = self.loss_path_.mean(axis=-1)
        chosen, at = np.unravel_index(int(mean.argmin()), mean.shape)
        best = models[int(chosen)][int(at)]
        self.alpha_ = best.alpha
        self.best_params_ = {name: getattr(best, name) for name in ("alpha", *self._candidates)}
        solution = best._solve(loss, None)
        unsolved = sum(count for _, count in scored) + (solution.optimality > self.tol)
        if unsolved:
            _warn(type(self).__name__, unsolved, self.tol)
        return solution

    def _grid(self) -> list[dict[str, object]]:
        """Every combination of the candidates."""
        values = [_as_list(getattr(self, name)) for name in self._candidates]
        for name, candidates in zip(self._candidates, values, strict=True):
            if not candidates:
                raise InputError(
                    "must be a value, or values to choose from", argument=name, got="none"
                )
        return [dict(zip(self._candidates, each, strict=True)) for each in product(*values)]

    def _path(self, point: Mapping[str, object], whole: SmoothLoss) -> list[SingleFit]:
        """The plain models along the path, the strongest penalty first."""
        model = self._model(point, 1.0)
        return [self._model(point, alpha) for alpha in self._alphas(model, whole)]

    def _alphas(self, model: SingleFit, whole: SmoothLoss) -> list[float]:
        if isinstance(self.alphas, int | np.integer):
            n_alphas = check_count("alphas", self.alphas)
            eps = check_number("eps", self.eps, open_end=True)
            if eps > 1:
                raise InputError(
                    "must be at most 1, the path goes down", argument="eps", got=repr(self.eps)
                )
            largest = model._largest_alpha(whole) or np.finfo(float).eps
            return [float(each) for each in np.geomspace(largest, largest * eps, n_alphas)]
        given = [check_number("alphas", each) for each in _as_list(self.alphas)]
        if not given:
            raise InputError("must be a number of values, or values", argument="alphas", got="none")
        return sorted(given, reverse=True)

    def _model(self, point: Mapping[str, object], alpha: float) -> SingleFit:
        known = self._plain().get_params()
        own = self.get_params(deep=False)
        settings = {name: value for name, value in own.items() if name in known}
        return self._plain(**{**settings, **point, "alpha": alpha})


def _score_paths(
    paths: Sequence[Sequence[SingleFit]], rows: LabelledRows, objective: Objective, split: Split
) -> tuple[Floats, int]:
    """Held-out losses ``(candidate, alpha)`` of one fold, and how many fits did not converge."""
    train, test = split
    loss = paths[0][0]._loss_of(rows.take(train), objective)
    held_out = HeldOut(objective, rows.take(test))
    losses = np.empty((len(paths), len(paths[0])))
    unsolved = 0
    for i, path in enumerate(paths):
        solution = None
        for j, model in enumerate(path):
            solution = model._solve(loss, solution)
            losses[i, j] = held_out.loss(solution.coef, loss.intercepts(solution.coef))
            unsolved += solution.optimality > model.tol
    return losses, unsolved


def _as_list(value: object) -> list[object]:
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return list(value)
    return [value]


def _warn(name: str, count: int, tol: float) -> None:
    warnings.warn(
        f"{name}: {count} of the fits stopped above `tol`={tol:g}. "
        "Raise `max_iter`, raise `tol`, or raise `eps` so that the path ends earlier",
        ConvergenceWarning,
        stacklevel=4,
    )


def folds_of(cv: object, rows: LabelledRows, objective: Objective) -> list[Split]:
    """Pairs of training and held-out positions in ``rows``.

    A number of folds deals the rows of each task (and class) out in turn, in the order in which
    they came. A splitter is given the strata as its ``y``. Splits are pairs of indices of the rows
    as they were given to ``fit``.

    Raises:
        InputError: If ``cv`` is none of these, or asks for more folds than there are rows.
    """
    n_rows = rows.X.shape[0]
    if cv is None or isinstance(cv, int | np.integer):
        return _dealt(_DEFAULT_FOLDS if cv is None else int(cv), _strata(rows, objective))
    if hasattr(cv, "split") and not isinstance(cv, str):
        strata = _strata(rows, objective)
        return list(cv.split(np.zeros((n_rows, 1)), strata))
    if isinstance(cv, Iterable) and not isinstance(cv, str):
        return _given(list(cv), rows)
    raise InputError("must be a number of folds, a splitter or splits", argument="cv", got=repr(cv))


def _given(splits: list[object], rows: LabelledRows) -> list[Split]:
    pairs = [split for split in splits if isinstance(split, Sequence) and len(split) == 2]
    if not pairs or len(pairs) < len(splits):
        raise InputError(
            "must be a number of folds, a splitter, or pairs of training and held-out rows",
            argument="cv",
            got=f"a list of {len(splits):,}, {len(pairs):,} of them pairs",
        )
    found = [(_positions(train, rows), _positions(test, rows)) for train, test in pairs]
    if not all(len(train) and len(test) for train, test in found):
        raise InputError(
            "must have a labelled row on both sides of every split",
            argument="cv",
            got="a split without",
            remedy="its rows count from 0, as given to `fit`",
        )
    return found


def _dealt(n_folds: int, strata: Integers) -> list[Split]:
    n_rows = len(strata)
    if not 2 <= n_folds <= n_rows:
        raise InputError(
            f"must be from 2 to the number of rows, {counted(n_rows, 'sample')}",
            argument="cv",
            got=str(n_folds),
        )
    order = np.argsort(strata, kind="stable")
    fold = np.empty(n_rows, dtype=np.intp)
    # Going on where the last stratum stopped keeps folds of equal size.
    fold[order] = np.arange(n_rows) % n_folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


def _strata(rows: LabelledRows, objective: Objective) -> Integers:
    is_class = isinstance(objective.losses[0], Logistic)
    if rows.counts is None:
        single = is_class and rows.n_tasks == 1
        return (
            (rows.y[:, 0] > 0).astype(np.intp) if single else np.zeros(len(rows.y), dtype=np.intp)
        )
    task = np.repeat(np.arange(rows.n_tasks), rows.counts)
    return 2 * task + (rows.y > 0) if is_class else task


def _positions(given: object, rows: LabelledRows) -> Integers:
    """Where the rows that were given at these indices are; those without a label are left out."""
    indices = np.asarray(given)
    if indices.dtype.kind == "b":
        indices = np.flatnonzero(indices)
    return np.flatnonzero(np.isin(rows.origin, indices))
