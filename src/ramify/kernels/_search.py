"""Fitting columns by kernel regression, every setting chosen out of fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError, check_number, machine_memory
from ramify.kernels._conjugate_gradients import Columns, DenseGram, FactorGram, Gram, Matrix
from ramify.kernels._exact import MOST_ROWS as MOST_EXACT
from ramify.kernels._exact import ExactSolution, unit_eigenvalue
from ramify.kernels._folds_as_columns import (
    STATE_BYTES,
    Choose,
    Part,
    columns_at_once,
    part_of,
    solve_columns,
)
from ramify.kernels._inputs import SCALINGS, Floats, Inputs, Integers, Single
from ramify.kernels._kernels import Kernel, Linear, all_distances, kernel_of, unit_of
from ramify.kernels._model import KernelModel
from ramify.kernels._table import Table


class OwnRowsMatrix(Matrix):
    r"""The kernel :math:`(\rho + (1 - \rho)\,[t = t'])\,k(x, x') + o\,[t = t']` of rows sorted by task.

    It is mean-regularised multi-task learning: a function that all tasks share, one of each task, and
    a level of each task, penalised in the proportions :math:`1/\rho`, :math:`1/(1-\rho)` and
    :math:`1/o`. At :math:`\rho = 1` the rows are pooled, towards 0 each task learns alone. Several
    shares are columns side by side: all need the same products with *k*.

    Args:
        gram: *k*, of rows that are sorted by task.
        counts: How many rows each task has.
        shares: :math:`\rho` of each column of the problem.
        offset: *o*.

    References:
        Evgeniou and Pontil. *Regularized Multi-Task Learning*, KDD 2004, equation 22, where
        :math:`\mu` is :math:`\rho / (1 - \rho)` by the number of tasks. The level is ours: *k* need not
        hold a constant.
    """

    def __init__(self, gram: Gram, counts: Integers, shares: Columns, offset: float) -> None:
        self.gram, self.counts = gram, counts[counts > 0]
        self.shares, self.offset = shares.astype(gram.dtype), gram.dtype.type(offset)
        ends = np.cumsum(self.counts)
        self.starts = ends - self.counts
        self.blocks = [slice(*pair) for pair in zip(self.starts, ends, strict=True)]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the products."""
        return self.gram.dtype

    def times(self, columns: Columns, place: Integers) -> Columns:
        """The matrix times columns."""
        shares = self.shares[place]
        found = self.gram.times(columns, place) * shares
        own = (1 - shares) * columns
        for block in self.blocks:
            found[block] += self.gram.block_times(block, own[block])
        sums = np.add.reduceat(columns, self.starts, axis=0)
        found += self.offset * np.repeat(sums, self.counts, axis=0)
        return np.asarray(found)

    def part_times(self, rows: Integers, columns: Columns, place: Integers) -> Columns:
        """Some rows of the matrix times columns."""
        return np.asarray(self.times(columns, place)[rows])


MOST_ROWS: Final = 12_000
GAMMAS: Final = (0.1, 0.3, 1.0, 3.0)
SHARES: Final = (1.0, 0.8, 0.5, 0.2)
_EXACT_STRENGTHS: Final = tuple(np.logspace(-4, 4, 17).tolist())
_STRENGTHS: Final = tuple(np.logspace(-3, 2, 11).tolist())


@dataclass(frozen=True, eq=False)
class KernelFit:
    """What was fitted, and what was found out of fold on the way.

    Attributes:
        model: Fitted to all rows with the chosen settings.
        oof: Predictions ``(row, column)`` of each row by the folds that it is not in, in the unit of
            the labels; NaN for rows that are in no fold, or where nothing was left to learn from.
        fold: Of each row; −1 for those in none.
        gamma: The chosen width.
        share: The chosen share; 1 where rows have no tasks.
        strengths: The chosen strength of each column, in units of the mean eigenvalue of the kernel.
        errors: Squared error out of fold as a part of the labels' variance, of every setting that was
            tried ``(gamma, share, strength, task)``; NaN for those that were not, and for tasks whose
            labels do not vary.
        grid: The values of the first three axes.
        loss: The mean of the chosen ones over tasks, NaN if no task's labels vary.
    """

    model: KernelModel
    oof: Floats
    fold: Integers
    gamma: float
    share: float
    strengths: Floats
    errors: Floats
    grid: tuple[Floats, Floats, Floats]
    loss: float


def fit_kernel(
    X: Floats,
    y: Floats,
    *,
    kernel: str = "laplace",
    scaling: str = "quantile",
    fold: object = None,
    task: object = None,
    column_task: object = None,
    gammas: Sequence[float] | Floats = GAMMAS,
    strengths: Sequence[float] | Floats | None = None,
    shares: Sequence[float] | Floats = SHARES,
    offset: float = 0.3,
    seed: int = 0,
) -> KernelFit:
    r"""Fit columns of numbers by kernel regression; width, share and strengths are chosen out of fold.

    .. math:: \min_{b, f} \sum_{i \in \text{fold}^c} m_{ic} (y_{ic} - b_c - f_c(x_i))^2
              + s_c \|f_c\|^2

    for every column *c*, where *m* says which labels there are; a fold is a part of that mask. Each
    task has the strength of least squared error out of fold, all have the width, and the share, at
    which the mean over tasks of the share of variance left is least; widths are searched downhill
    from the middle. Up to 2,000 rows with every label, one decomposition per width serves all folds,
    strengths and columns exactly; else conjugate gradients do, which end at 0.1 % of the labels'
    size.

    Time is at most 4 widths × 100 products of the kernel matrix with (folds + 1) × columns, so
    :math:`800 n^2 (k + 1) C` operations, commonly a third of that; memory is :math:`8 n^2` bytes and
    256 MiB.

    Args:
        X: Features ``(row, feature)``, finite.
        y: Labels ``(row, column)``, NaN where there is none.
        kernel: "laplace", "rbf", "tanimoto" (all features of two values) or "linear".
        scaling: How features are scaled: "quantile", "standard", "clipped" or "none", see `Inputs`.
        fold: Number of each row's fold, −1 for rows that are always learned from; by default five
            folds of `ramify.ensembles.folds_of`.
        task: Place of the task that each row belongs to, if tasks have rows of their own.
        column_task: Place of the task that each column belongs to: its columns have one strength, and
            together count as one. By default each column is a task.
        gammas: Widths to choose from, as parts of the median distance, ascending.
        strengths: Strengths to choose from, in units of the mean eigenvalue, ascending.
        shares: Shares to choose from, see `OwnRowsMatrix`.
        offset: Kernel of the level of a task with rows of its own.
        seed: Of the folds.

    Raises:
        InputError: If arguments do not fit, there is not the memory, or there are too many rows.
    """
    made = kernel_of(kernel)
    table = Table.of(X, y, fold, task, column_task, seed)
    if scaling not in SCALINGS:
        raise InputError(
            f"must be one of {', '.join(SCALINGS)}", argument="scaling", got=repr(scaling)
        )
    check_size(len(table.X), made)
    grid = (
        _ascending("gammas", gammas if made.has_width else (1.0,)),
        _ascending("shares", shares if table.has_tasks else (1.0,)),
        None if strengths is None else _ascending("strengths", strengths),
    )
    inputs = Inputs.fitted(table.X, scaling)
    return _Search(table, made, inputs, grid, check_number("offset", offset)).run()


def check_size(n_rows: int, kernel: Kernel) -> None:
    """Refuse more rows than a kernel matrix is made of, before it is made.

    Raises:
        InputError: If there are too many, or there is not the memory.
    """
    if isinstance(kernel, Linear):
        return
    if n_rows > MOST_ROWS:
        raise InputError(
            f"must have at most {MOST_ROWS:,} rows with a label for a kernel",
            argument="X",
            got=f"{n_rows:,}",
            remedy="take fewer, `kernel='linear'`, or forests",
        )
    needed, there = needed_memory(n_rows), machine_memory()
    if there is not None and needed > there:
        raise InputError(
            f"a kernel of {n_rows:,} rows takes up to {needed / 2**30:.1f} GiB of memory, and this "
            f"machine has {there / 2**30:.1f}; take fewer rows"
        )


def needed_memory(n_rows: int) -> int:
    """Bytes that fitting a kernel takes at most, whatever the number of columns.

    Args:
        n_rows: Rows with a label.
    """
    exact = 56 * n_rows**2 if n_rows <= MOST_EXACT else 0
    return max(exact, 8 * n_rows**2 + 3 * STATE_BYTES)


def _ascending(name: str, values: Sequence[float] | Floats) -> Floats:
    """Numbers above 0 to choose from; shares at most 1."""
    most = 1.0 if name == "shares" else np.inf
    given = [check_number(name, each, open_end=name != "shares", most=most) for each in values]
    if not given:
        raise InputError("must be numbers to choose from", argument=name, got="none")
    return np.array(sorted(set(given)))


class _Search:
    """One kernel over its widths, shares and strengths."""

    def __init__(
        self,
        table: Table,
        kernel: Kernel,
        inputs: Inputs,
        grid: tuple[Floats, Floats, Floats | None],
        offset: float,
    ) -> None:
        self.table, self.kernel, self.inputs, self.offset = table, kernel, inputs, offset
        self.rows = inputs.encode(table.X)
        self.unit = unit_of(kernel, self.rows, inputs.n_numbers)
        self.is_exact = table.is_complete and not table.has_tasks and len(self.rows) <= MOST_EXACT
        self.gammas, self.shares, strengths = grid
        default = _EXACT_STRENGTHS if self.is_exact else _STRENGTHS
        self.strengths = np.array(default) if strengths is None else strengths
        self.distances = (
            all_distances(kernel, self.rows, inputs.n_numbers)
            if self.is_exact or not isinstance(kernel, Linear)
            else None
        )
        sizes = (len(self.gammas), len(self.shares), len(self.strengths), table.n_tasks)
        self.errors = np.full(sizes, np.nan)

    def run(self) -> KernelFit:
        """Search, and fit the best."""
        at, best = self._downhill()
        table = self.table
        at_share, part = best
        oof = np.full((table.n_given, len(table.scale)), np.nan)
        oof[table.place] = part.oof * table.scale + table.location
        return KernelFit(
            model=self._model(at, at_share, part),
            oof=oof,
            fold=table.all_folds,
            gamma=float(self.gammas[at]),
            share=float(self.shares[at_share]),
            strengths=self.strengths[part.chosen],
            errors=self.errors,
            grid=(self.gammas, self.shares, self.strengths),
            loss=self._loss(at, at_share),
        )

    def _downhill(self) -> tuple[int, tuple[int, Part]]:
        """From the middle to the width of which neither neighbour is better."""
        at, kept = len(self.gammas) // 2, self._tried(len(self.gammas) // 2)
        for step in (-1, 1):
            start = at
            while 0 <= at + step < len(self.gammas):
                found = self._tried(at + step)
                if not self._loss(at + step, found[0]) < self._loss(at, kept[0]):
                    break
                at, kept = at + step, found
            if at != start:
                break
        return at, kept

    def _tried(self, at: int) -> tuple[int, Part]:
        """The best share of one width, and what it gives; notes the errors of all."""
        parts = self._solved(float(self.gammas[at]))
        for i, part in enumerate(parts):
            self.errors[at, i] = self._by_task(part.errors)
        losses = [self._loss(at, i) for i in range(len(parts))]
        best = 0 if np.isnan(losses).all() else int(np.nanargmin(losses))
        return best, parts[best]

    def _solved(self, gamma: float) -> list[Part]:
        if self.distances is None:
            factor = self.rows / np.float32(max(self.rows.shape[1], 1) ** 0.5)
            return self._masked(FactorGram(factor.astype(self._dtype)))
        matrix = self.kernel.values(self.distances, gamma, self.unit)
        if self.is_exact:
            return [self._exactly(matrix)]
        return self._masked(DenseGram(matrix.astype(self._dtype, copy=False)))

    def _exactly(self, matrix: Single) -> Part:
        table = self.table
        solution = ExactSolution.of(matrix, table.y, self.strengths)
        oof = solution.out_of_fold(table.fold)
        errors, chosen, best = part_of(oof, (table.y, table.mask), self._choose(slice(None)))
        return Part(errors, chosen, best, *solution.coefficients(chosen))

    def _masked(self, gram: Gram) -> list[Part]:
        """A block of columns at a time."""
        table, n_shares = self.table, len(self.shares)
        strengths = np.outer(self.strengths, self._units(gram))
        n_patterns = len(np.unique(table.fold[table.fold >= 0])) + 1
        n = columns_at_once(len(self.rows), n_patterns, len(self.strengths), n_shares)
        blocks = []
        for columns in table.blocks(n):
            matrix: Matrix = gram
            if table.has_tasks:
                shares = np.tile(self.shares, n_patterns * len(columns))
                matrix = OwnRowsMatrix(gram, table.counts, shares, self.offset)
            labels = (table.y[:, columns], table.mask[:, columns], table.fold)
            blocks.append(solve_columns(matrix, labels, strengths, self._choose(columns)))
        order = np.argsort(np.concatenate(list(table.blocks(n))))
        return [_joined([block[i] for block in blocks], order) for i in range(n_shares)]

    def _units(self, gram: Gram) -> Floats:
        """The mean eigenvalue of the centred kernel of each share."""
        diagonal, every = gram.means
        table = self.table
        if not table.has_tasks:
            return np.array([unit_eigenvalue(diagonal - every, diagonal)])
        part, ends = table.counts / table.counts.sum(), np.cumsum(table.counts)
        blocks = [slice(end - n, end) for end, n in zip(ends, table.counts, strict=True) if n]
        ones = np.ones((len(self.rows), 1), gram.dtype)
        within = sum(float(gram.block_times(block, ones[block]).sum()) for block in blocks)
        own = diagonal - within / len(self.rows) ** 2
        level = self.offset * (1 - float(part @ part))
        found = self.shares * (diagonal - every) + (1 - self.shares) * own + level
        return np.array([unit_eigenvalue(each, diagonal) for each in found])

    def _choose(self, columns: Integers | slice) -> Choose:
        """All columns of a task get the strength of least error."""
        tasks = self.table.column_task[columns]

        def choose(errors: Floats) -> Integers:
            of_task = np.zeros((len(errors), self.table.n_tasks))
            np.add.at(of_task.T, tasks, errors.T)
            return np.asarray(of_task.argmin(axis=0)[tasks])

        return choose

    def _by_task(self, errors: Floats) -> Floats:
        """Errors ``(strength, task)`` as a part of the labels' variance."""
        found = np.zeros((len(errors), self.table.n_tasks))
        np.add.at(found.T, self.table.column_task, errors.T)
        base = self.table.bases
        return np.divide(found, base, out=np.full_like(found, np.nan), where=base > 0)

    def _loss(self, at: int, at_share: int) -> float:
        """The mean over tasks at their best strengths."""
        own = self.errors[at, at_share].min(axis=0)
        return float(np.nanmean(own)) if np.isfinite(own).any() else np.nan

    def _model(self, at: int, at_share: int, part: Part) -> KernelModel:
        table, rows = self.table, self.rows
        coef = part.coef * table.scale.astype(part.coef.dtype)
        counts, levels = table.counts, np.zeros((0, 0))
        if table.has_tasks:
            full = counts > 0
            starts = (np.cumsum(counts) - counts)[full]
            levels = np.zeros((len(counts), coef.shape[1]))
            levels[full] = self.offset * np.add.reduceat(coef.astype(np.float64), starts, axis=0)
        if isinstance(self.kernel, Linear):
            rows, coef, counts = _on_axes(rows, coef, counts)
        return KernelModel(
            kernel=self.kernel,
            inputs=self.inputs,
            rows=rows,
            gamma=float(self.gammas[at]),
            unit=self.unit,
            coef=coef,
            intercept=part.intercept * table.scale + table.location,
            share=float(self.shares[at_share]),
            counts=counts,
            levels=levels,
        )

    @property
    def _dtype(self) -> type[np.floating[Any]]:
        return np.float64 if len(self.rows) <= MOST_EXACT else np.float32


def _joined(parts: Sequence[Part], order: Integers) -> Part:
    """Blocks of columns side by side, in the order in which columns came."""

    def join(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts], axis=-1)[..., order]

    return Part(*map(join, ("errors", "chosen", "oof", "coef", "intercept")))


def _on_axes(
    rows: Single, coef: NDArray[Any], counts: Integers
) -> tuple[Single, NDArray[Any], Integers]:
    """A linear kernel's coefficients on the axes of the features: no row is needed then."""
    width = rows.shape[1]
    axes = np.eye(width, dtype=np.float32)
    if not len(counts):
        return axes, rows.T @ coef, counts
    ends = np.cumsum(counts)
    parts = [rows[e - c : e].T @ coef[e - c : e] for e, c in zip(ends, counts, strict=True)]
    return np.tile(axes, (len(counts), 1)), np.concatenate(parts), np.full(len(counts), width)
