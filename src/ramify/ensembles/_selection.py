"""Which members an ensemble has, with what weights, and what it may expect of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Integer
from numpy.typing import NDArray

from ramify._core import InputError, ShapeError, counted
from ramify.ensembles._calibration import Calibration, calibrate
from ramify.ensembles._columns import as_probabilities
from ramify.tasks import Multiclass, Ordinal, Ranking, Regression, TaskSet

Floats = NDArray[np.float64]
ROUNDS = 25


def greedy_weights(
    products: Float[np.ndarray, "problem member member"], rounds: int = ROUNDS
) -> Float[np.ndarray, "problem member"]:
    r"""Choose members one by one, each again as often as it helps, for many problems at once.

    The squared error of a mixture is :math:`w^T R w`, where *R* holds the products of the members'
    residuals; so the rows are looked at only once, and a round costs a few operations per member.
    Starting from nothing, each round adds the member with which the plain mean of all that were
    added has the least error; the weights of the best round are the answer.

    Args:
        products: *R* of each problem.
        rounds: How many.

    Returns:
        0 or more, the sum of each problem is 1.

    References:
        Caruana, Niculescu-Mizil, Crew, Ksikes. *Ensemble Selection from Libraries of Models*, ICML
        2004, sections 2 and 2.1.

    Example:
        >>> import numpy as np
        >>> opposed = np.array([[[1.0, -0.5], [-0.5, 1.0]]])
        >>> greedy_weights(opposed).tolist()
        [[0.5, 0.5]]
    """
    n_problems, n_members = products.shape[:2]
    every = np.arange(n_problems)
    own = np.einsum("pmm->pm", products)
    counts = np.zeros((n_problems, n_members))
    image = np.zeros_like(counts)  # products @ counts
    total = np.zeros(n_problems)  # counts @ products @ counts
    best = np.full(n_problems, np.inf)
    weights = np.zeros_like(counts)
    for n in range(1, rounds + 1):
        errors = (total[:, None] + 2 * image + own) / n**2
        chosen = errors.argmin(axis=1)
        total += 2 * image[every, chosen] + own[every, chosen]
        counts[every, chosen] += 1
        image += products[every, :, chosen]
        error = errors[every, chosen]
        better = error < best * (1 - 1e-12)
        best = np.where(better, error, best)
        weights[better] = counts[better] / n
    return weights


Integers = NDArray[np.intp]
TRUSTED: Final = 400  # informative labels at which a task's own weights count as much as the shared


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members with weights for each task, and how their mixture is calibrated.

    Attributes:
        tasks: The tasks.
        weights: ``(task, member)``, each task's sum is 1.
        shared: The weights that all tasks would share ``(member,)``.
        own_part: How far each task's own weights count beside the shared ones, 0 to 1.
        scales: By what each member's columns are multiplied before they are mixed ``(member, column)``:
            1, but for rankings, where members may speak in units of their own.
        calibration: Of each task.
        losses: Out-of-fold error of each member as a part of that of the labels' mean ``(task,
            member)``; NaN where a task's labels do not vary.
        standard_errors: Of these losses, over rows.
        loss: The same of the ensemble ``(task,)``, each fold by weights that were chosen without it.
    """

    tasks: TaskSet
    weights: Floats
    shared: Floats
    own_part: Floats
    scales: Floats
    calibration: Calibration
    losses: Floats
    standard_errors: Floats
    loss: Floats

    def combine(
        self, members: Sequence[Float[np.ndarray, "row column"]]
    ) -> Float[np.ndarray, "row column"]:
        """The ensemble's prediction from those of its members, in the same order.

        Args:
            members: Of each member; those without weight may be empty.
        """
        columns = np.array(self.tasks.task_of_column)
        mixed: Floats | None = None
        for m, (own, values) in enumerate(zip(self.weights.T, members, strict=True)):
            if own.any():
                part = as_probabilities(values, self.tasks) * (own[columns] * self.scales[m])
                mixed = part if mixed is None else mixed + part
        if mixed is None:
            raise InputError("an ensemble must have a member with a weight")
        return self.calibration.apply(mixed, self.tasks)


def select(
    members: Sequence[Float[np.ndarray, "row column"]],
    labels: Float[np.ndarray, "row column"],
    tasks: TaskSet,
    *,
    fold: Integer[np.ndarray, " row"],
    group: Integer[np.ndarray, " row"] | None = None,
) -> Ensemble:
    r"""Choose weights by the members' predictions out of fold.

    The error of a task is that of its columns, squared, as a part of the error of the labels' mean:
    the share of variance left for numbers, the Brier score's for yes or no, the ranked probability
    score's for levels. Rankings are judged by differences within a group only. Weights are those of
    `greedy_weights`, once for the mean over all tasks, and once for each task; a task with *n*
    informative labels has

    .. math:: w_t = a_t\,w^{own}_t + (1 - a_t)\,w^{shared}, \qquad a_t = n_t / (n_t + 400)

    Informative are all labels that are numbers or levels, and of classes four times those that are
    not the most frequent, at most all.

    Args:
        members: Predictions out of fold ``(row, column)`` of each; a NaN counts as the labels' mean.
        labels: What `label_columns` gives.
        tasks: The tasks.
        fold: Of each row, from 0: what the loss that is expected is estimated over. Rows of −1 choose
            weights, but are not part of that estimate.
        group: Number of each row's group, for rankings; by default all rows are one.

    Raises:
        InputError: If there is no member, or shapes differ.

    Example:
        >>> from ramify.tasks import Regression, Task
        >>> rng = np.random.default_rng(0)
        >>> labels = rng.normal(size=(100, 1))
        >>> noise = rng.normal(size=(2, 100, 1))
        >>> tasks = TaskSet([Task("y", Regression())])
        >>> fold = np.arange(100) % 5
        >>> found = select([labels + noise[0], labels + noise[1]], labels, tasks, fold=fold)
        >>> bool(abs(found.weights - 0.5).max() < 0.15), bool(found.loss[0] < found.losses.min())
        (True, True)
    """
    _check(members, labels, tasks, fold)
    parts = _Parts(members, labels, tasks, fold, group)
    whole = parts.products.sum(axis=0)
    shared, own, own_part = _weights(whole, parts)
    weights = _shrunk(shared, own, own_part)
    expected = _expected(parts, own_part)
    mixed = sum(
        each * weights.T[m][parts.task_of_column] for m, each in enumerate(parts.predictions())
    )
    return Ensemble(
        tasks=tasks,
        weights=weights,
        shared=shared,
        own_part=own_part,
        scales=parts.scales,
        calibration=calibrate(np.asarray(mixed), labels, tasks),
        losses=parts.losses,
        standard_errors=parts.standard_errors,
        loss=expected,
    )


def _check(members: Sequence[Floats], labels: Floats, tasks: TaskSet, fold: Integers) -> None:
    if not members:
        raise InputError("must hold a prediction at least", argument="members", got="none")
    width = len(tasks.task_of_column)
    if labels.ndim != 2 or labels.shape[1] != width or len(fold) != len(labels):
        raise ShapeError(
            f"must have {counted(width, 'column')} and a fold for each row",
            argument="labels",
            got=f"{labels.shape} and {len(fold):,} folds",
        )
    for m, each in enumerate(members):
        if each.shape != labels.shape:
            raise ShapeError(
                f"must have the shape of the labels, {labels.shape}",
                argument="members",
                got=f"{each.shape} of member {m}",
            )


class _Parts:
    """Residuals of the members, added up as products per fold and task.

    Attributes:
        products: ``(fold, task, member, member)``, each task's in parts of its labels' variance;
            the last fold is that of rows in none.
        base: The error of the labels' mean, ``(fold, task)``, in the same parts.
        losses: ``(task, member)``.
        standard_errors: ``(task, member)``.
        varies: Which tasks' labels vary.
        informative: How many informative labels each task has.
        scales: ``(member, column)``.
    """

    def __init__(
        self,
        members: Sequence[Floats],
        labels: Floats,
        tasks: TaskSet,
        fold: Integers,
        group: Integers | None,
    ) -> None:
        self.labels, self.tasks = labels, tasks
        self.task_of_column = np.array(tasks.task_of_column)
        self.mask = ~np.isnan(labels)
        self.means = _means(labels, self.mask)
        self.fold = np.where(fold < 0, fold.max(initial=-1) + 1, fold)
        self.group = np.zeros(len(labels), dtype=np.intp) if group is None else group
        self.members = [
            as_probabilities(np.where(np.isnan(each), self.means, each), tasks) for each in members
        ]
        self.scales = np.ones((len(members), labels.shape[1]))
        n_folds, n_tasks = int(self.fold.max(initial=0)) + 1, len(tasks)
        shape = (n_folds, n_tasks, len(members))
        self.products = np.zeros((*shape, len(members)))
        self.base = np.zeros(shape[:2])
        self.losses = np.full(shape[:0:-1][::-1], np.nan)
        self.standard_errors = np.full_like(self.losses, np.nan)
        self.informative = np.zeros(n_tasks)
        self.varies = np.zeros(n_tasks, dtype=bool)
        for t in range(n_tasks):
            self._add(t)

    def predictions(self) -> list[Floats]:
        """Of every member, scaled."""
        return [each * self.scales[m] for m, each in enumerate(self.members)]

    def _add(self, t: int) -> None:
        columns = np.flatnonzero(self.task_of_column == t)
        rows = np.flatnonzero(self.mask[:, columns[0]])
        kind, own = self.tasks[t].kind, self.labels[np.ix_(rows, columns)]
        values = np.stack([each[np.ix_(rows, columns)] for each in self.members])
        centred = own - self.means[columns]
        if isinstance(kind, Ranking):
            groups = self.group[rows]
            centred, values = _within(own, groups), _within(values, groups)
            slope = _slopes(values[..., 0], centred[:, 0])
            self.scales[:, columns[0]] = slope
            residual = values * slope[:, None, None] - centred
        else:
            residual = values - own
        total = float((centred**2).sum())
        self.informative[t] = _informative(own, kind)
        self.varies[t] = total > 0
        if not self.varies[t]:
            return
        folds = self.fold[rows]
        for f in np.unique(folds):
            part = residual[:, folds == f].reshape(len(residual), -1)
            self.products[f, t] = part @ part.T / total
            self.base[f, t] = float((centred[folds == f] ** 2).sum()) / total
        squares = (residual**2).sum(axis=2) / total  # (member, row)
        self.losses[t] = squares.sum(axis=1)
        self.standard_errors[t] = squares.std(axis=1) * len(rows) ** 0.5


def _means(labels: Floats, mask: NDArray[np.bool_]) -> Floats:
    count = np.maximum(mask.sum(axis=0), 1)
    first = np.where(mask, labels, np.inf).min(axis=0)
    first = np.where(np.isfinite(first), first, 0.0)
    return np.asarray(first + np.where(mask, labels - first, 0.0).sum(axis=0) / count)


def _within(values: Floats, group: Integers) -> Floats:
    """Differences from the mean of the row's group; rows are the last axis but one."""
    of_row = np.unique(group, return_inverse=True)[1].reshape(-1)
    count = np.bincount(of_row)
    rows_first = np.moveaxis(values, -2, 0)
    sums = np.zeros((len(count), *rows_first.shape[1:]))
    np.add.at(sums, of_row, rows_first)
    means = sums / count.reshape(-1, *[1] * (sums.ndim - 1))
    return np.moveaxis(rows_first - means[of_row], 0, -2)


def _slopes(values: Floats, wanted: Floats) -> Floats:
    """By what each member's differences are multiplied to be nearest to those of the labels."""
    spread = (values**2).sum(axis=1)
    along = np.maximum(values @ wanted, 0.0)
    found: Floats = np.divide(along, spread, out=np.zeros_like(along), where=spread > 0)
    return found


def _informative(own: Floats, kind: object) -> float:
    if isinstance(kind, Regression | Ranking | Ordinal):
        return float(len(own))
    ones = own.sum(axis=0)
    most = ones.max() if isinstance(kind, Multiclass) else max(ones[0], len(own) - ones[0])
    return float(min(len(own), 4 * (len(own) - most)))


def _weights(products: Floats, parts: _Parts) -> tuple[Floats, Floats, Floats]:
    """Shared weights, each task's own, and how far the latter count."""
    n_members = products.shape[-1]
    varies = parts.varies
    uniform = np.full(n_members, 1 / n_members)
    shared = greedy_weights(products[varies].mean(axis=0)[None])[0] if varies.any() else uniform
    own = np.tile(shared, (len(products), 1))
    if varies.any():
        own[varies] = greedy_weights(products[varies])
    return shared, own, np.where(varies, parts.informative / (parts.informative + TRUSTED), 0.0)


def _shrunk(shared: Floats, own: Floats, own_part: Floats) -> Floats:
    return own_part[:, None] * own + (1 - own_part[:, None]) * shared


def _expected(parts: _Parts, own_part: Floats) -> Floats:
    """The loss of each task, every fold judged by weights chosen on the others."""
    whole = parts.products.sum(axis=0)
    error, base = np.zeros(len(whole)), np.zeros(len(whole))
    for products, of_mean in zip(parts.products, parts.base, strict=True):
        shared, own, _ = _weights(whole - products, parts)
        weights = _shrunk(shared, own, own_part)
        error += np.einsum("tm,tmn,tn->t", weights, products, weights)
        base += of_mean
    found: Floats = np.divide(error, base, out=np.full_like(error, np.nan), where=parts.varies)
    return found
