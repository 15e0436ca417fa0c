"""A fitted kernel machine: its rows, its coefficients, and how they predict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError
from ramify.kernels._inputs import Floats, Inputs, Integers, Single
from ramify.kernels._kernels import KERNELS, Kernel

Arrays = Mapping[str, NDArray[Any]]
_CHUNK: Final = 1 << 24  # entries of the kernel at one time: 64 MiB
_VERSION: Final = 1
_INPUTS: Final = "inputs."


@dataclass(frozen=True, eq=False)
class KernelModel:
    """Predicts from the rows that it learned from, which it holds.

    A file of it therefore holds the encoded features of every row that it learned from, and whoever
    has it can read them. Only the linear kernel needs none of them: its rows are the features' axes.

    Attributes:
        kernel: How alike rows are.
        inputs: How rows are encoded.
        rows: Those learned from, encoded; sorted by task where rows have tasks.
        gamma: How fast the kernel falls, in parts of ``unit``.
        unit: The median distance between the rows.
        coef: ``(row, column)``.
        intercept: ``(column,)``.
        share: What tasks with rows of their own share; 1 where rows have no tasks.
        counts: How many of the rows each task has; empty where rows have no tasks.
        levels: What is added for each task ``(task, column)``.
    """

    kernel: Kernel
    inputs: Inputs
    rows: Single
    gamma: float
    unit: float
    coef: NDArray[Any]
    intercept: Floats
    share: float = 1.0
    counts: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    levels: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def n_columns(self) -> int:
        """Columns of a prediction."""
        return len(self.intercept)

    @property
    def n_numbers(self) -> int:
        """How many numbers it consists of."""
        return sum(
            each.size
            for each in (self.rows, self.coef, self.intercept, self.levels, self.inputs.grid)
        )

    def predict(self, X: Floats, task: Integers | None = None) -> Floats:
        """Predict ``(row, column)``, a part of the rows at a time.

        Args:
            X: Features ``(row, feature)``.
            task: Place of each row's task; needed if and only if the rows learned from have tasks.
        """
        found = np.empty((len(X), self.n_columns))
        n = max(1, _CHUNK // max(len(self.rows), 1))
        for start in range(0, len(X), n):
            part = slice(start, start + n)
            found[part] = self._of_part(X[part], None if task is None else task[part])
        return found + self.intercept

    def predict_tasks(self, X: Floats) -> Floats:
        """Predict each row as if it belonged to each of the tasks, ``(row, task)``.

        Args:
            X: Features ``(row, feature)``.

        Raises:
            InputError: If rows have no tasks, or labels more than one column.
        """
        if self.n_columns != 1 or len(self.counts) == 0:
            raise InputError(
                "a kernel model must have tasks with rows of their own, and one column"
            )
        ends = np.cumsum(self.counts)
        own = [slice(end - count, end) for end, count in zip(ends, self.counts, strict=True)]
        found = np.empty((len(X), len(own)))
        n = max(1, _CHUNK // max(len(self.rows), 1))
        for start in range(0, len(X), n):
            part = slice(start, start + n)
            kernel = self._kernel(X[part])
            apart = np.concatenate([kernel[:, each] @ self.coef[each] for each in own], axis=1)
            found[part] = self.share * apart.sum(axis=1, keepdims=True) + (1 - self.share) * apart
        return found + self.levels[:, 0] + self.intercept

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays from which `from_state` makes the same model, for a file without pickle."""
        return {
            "version": np.array(_VERSION),
            "kernel": np.frombuffer(self.kernel.name.encode("ascii"), dtype=np.uint8),
            "rows": self.rows,
            "coef": self.coef,
            "intercept": self.intercept,
            "counts": self.counts.astype(np.int64),
            "levels": self.levels,
            "settings": np.array([self.gamma, self.unit, self.share]),
            **{_INPUTS + name: values for name, values in self.inputs.arrays().items()},
        }

    @classmethod
    def from_state(cls, state: Arrays) -> Self:
        """The model of which `state` gave the arrays.

        Raises:
            InputError: If arrays are missing, do not fit together, or are no numbers.
        """
        lacking = sorted(_NAMES - set(state))
        if lacking:
            raise InputError(f"a kernel model must have arrays {', '.join(lacking)}")
        if state["version"].shape != () or int(state["version"]) != _VERSION:
            raise InputError(
                f"a kernel model must be of version {_VERSION}", got=str(state["version"])
            )
        name = bytes(np.asarray(state["kernel"], dtype=np.uint8)).decode("ascii", "replace")
        if name not in KERNELS:
            raise InputError("the kernel of a model must be one that is known", got=repr(name))
        inputs = {
            key.removeprefix(_INPUTS): value
            for key, value in state.items()
            if key.startswith(_INPUTS)
        }
        settings = np.asarray(state["settings"], dtype=np.float64)
        if settings.shape != (3,):
            raise InputError("a kernel model must have 3 settings", got=str(settings.shape))
        gamma, unit, share = map(float, settings)
        model = cls(
            KERNELS[name],
            Inputs.from_arrays(inputs),
            np.asarray(state["rows"], dtype=np.float32),
            gamma,
            unit,
            state["coef"],
            np.asarray(state["intercept"], dtype=np.float64),
            share,
            np.asarray(state["counts"]).astype(np.intp),
            np.asarray(state["levels"], dtype=np.float64),
        )
        model._check()
        return model

    def _check(self) -> None:
        n = len(self.rows)
        numbers = (self.rows, self.coef, self.intercept, self.levels)
        n_tasks = len(self.counts)
        fits = (
            self.rows.shape == (n, self.inputs.width)
            and self.intercept.ndim == 1
            and self.coef.shape == (n, self.n_columns)
            and self.coef.dtype in (np.float32, np.float64)
            and all(bool(np.isfinite(each).all()) for each in numbers)
            and 0 <= self.gamma < np.inf
            and 0 < self.unit < np.inf
            and 0 <= self.share <= 1
            and self.counts.ndim == 1
            and self.levels.shape == ((n_tasks, self.n_columns) if n_tasks else (0, 0))
            and (n_tasks == 0 or (self.counts.min() >= 0 and self.counts.sum() == n))
        )
        if not fits:
            raise InputError("the arrays of a kernel model do not fit together")

    def _kernel(self, X: Floats) -> Single:
        distances = self.kernel.distances(self.inputs.encode(X), self.rows, self.inputs.n_numbers)
        return self.kernel.values(distances, self.gamma, self.unit)

    def _of_part(self, X: Floats, task: Integers | None) -> Floats:
        kernel = self._kernel(X)
        found: Floats = (kernel @ self.coef).astype(np.float64)
        if task is None:
            return found
        found *= self.share
        ends = np.cumsum(self.counts)
        for t in np.unique(task):
            own = slice(ends[t] - self.counts[t], ends[t])
            rows = np.flatnonzero(task == t)
            found[rows] += (1 - self.share) * (kernel[rows, own] @ self.coef[own])
            found[rows] += self.levels[t]
        return found


_NAMES: Final = frozenset(
    {
        *("version", "kernel", "rows", "coef", "intercept", "counts", "levels", "settings"),
        *(_INPUTS + name for name in ("source", "location", "scale", "grid", "limit", "widths")),
    }
)
