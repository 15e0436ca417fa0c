"""The real data sets that linear multi-task models are tried on, each with its splits."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Problem:
    """One split of one data set.

    Attributes:
        x: The inputs ``(row, feature)``.
        y: One value per row if there is a task per row, else ``(row, task)``.
        task: The task of each row; None where all tasks share all rows.
        train: Rows to fit and choose on.
        test: Rows that only the score sees.
    """

    x: Array
    y: Array
    task: Rows | None
    train: Rows
    test: Rows


@dataclass(frozen=True)
class DataSet:
    """A data set: its name, the score that papers report, and its splits."""

    name: str
    score: str
    splits: Callable[[Path], Iterator[Problem]]


def school(root: Path) -> Iterator[Problem]:
    """139 schools, the ten splits of Argyriou, Evgeniou and Pontil."""
    data = scipy.io.loadmat(root / "school" / "school_b.mat")
    x, y = data["x"].T[:, :27].astype(float), data["y"].ravel().astype(float)
    task = _task_of_row(data["task_indexes"].ravel() - 1, len(y))
    for i in range(1, 11):
        split = scipy.io.loadmat(root / "school" / f"school_{i}_indexes.mat")
        yield Problem(x, y, task, split["tr"].ravel() - 1, split["tst"].ravel() - 1)


def computers(root: Path) -> Iterator[Problem]:
    """190 people rate 20 computers; 16 of each person's ratings train, 4 test; five draws."""
    name = "conjointAnalysisComputerBuyers.mat"
    data = scipy.io.loadmat(root / "computer_survey" / name)
    design, rating = data["designMarix"].astype(float), data["likeBuy"].astype(float)
    n_people, n_computers = rating.shape
    x = np.tile(design[:, np.ptp(design, axis=0) > 0], (n_people, 1))
    task = np.repeat(np.arange(n_people), n_computers)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        order = np.concatenate([rng.permutation(n_computers) for _ in range(n_people)])
        place = order.reshape(n_people, n_computers) < 16
        yield _problem(x, rating.ravel(), task, place.ravel())


def parkinsons(root: Path) -> Iterator[Problem]:
    """42 people, motor UPDRS from voice and time; 20 recordings of each train; five draws."""
    path = root / "parkinsons" / "parkinsons_updrs.data"
    lines = path.read_text(encoding="utf-8").splitlines()
    separator = "\t" if "\t" in lines[0] else ","
    names = [name.strip('"') for name in lines[0].split(separator)]
    table = np.array([[float(cell) for cell in line.split(separator)] for line in lines[1:]])
    column = {name: i for i, name in enumerate(names)}
    person = np.unique(table[:, column["subject#"]], return_inverse=True)[1]
    left_out = {"subject#", "age", "sex", "motor_UPDRS", "total_UPDRS"}
    x = table[:, [i for name, i in column.items() if name not in left_out]]
    y = table[:, column["motor_UPDRS"]]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        train = np.zeros(len(y), dtype=bool)
        for each in range(person.max() + 1):
            train[rng.permutation(np.flatnonzero(person == each))[:20]] = True
        yield _problem(x, y, person, train)


def sarcos(root: Path) -> Iterator[Problem]:
    """Seven torques of a robot arm; blocks of 50 rows, one in ten trains; five draws."""
    data = scipy.io.loadmat(root / "sarcos" / "sarcos_inv_test.mat")["sarcos_inv_test"]
    x, y = data[:, :21].astype(float), data[:, 21:].astype(float)
    block = np.arange(len(x)) // 50
    for seed in range(5):
        chosen = np.random.default_rng(seed).permutation(block.max() + 1)[: block.max() // 10]
        yield _problem(x, y, None, np.isin(block, chosen))


def mulan(name: str, n_targets: int) -> Callable[[Path], Iterator[Problem]]:
    """A multi-target set of the Mulan collection in ten folds."""

    def splits(root: Path) -> Iterator[Problem]:
        table = read_arff(root / "mulan_multitarget" / f"{name}.arff")
        x, y = table[:, :-n_targets], table[:, -n_targets:]
        fold = np.random.default_rng(0).permutation(len(x)) % 10
        for k in range(10):
            yield _problem(x, y, None, fold != k)

    return splits


DATA = (
    DataSet("School", "explained variance", school),
    DataSet("Computer survey", "RMSE", computers),
    DataSet("Parkinson", "RMSE", parkinsons),
    DataSet("SARCOS", "nMSE", sarcos),
    *(
        DataSet(name, "aRRMSE", mulan(name, m))
        for name, m in (
            ("andro", 6),
            ("atp1d", 6),
            ("atp7d", 6),
            ("edm", 2),
            ("enb", 2),
            ("jura", 3),
            ("oes10", 16),
            ("oes97", 16),
            ("sf1", 3),
            ("sf2", 3),
            ("slump", 3),
            ("wq", 14),
            ("rf1", 8),
        )
    ),
)


def read_arff(path: Path) -> Array:
    """Read the numbers of an ARFF file; nominal columns become one column per value but the first."""
    text = path.read_text(encoding="utf-8", errors="replace").splitlines()
    start = next(i for i, line in enumerate(text) if line.strip().lower() == "@data")
    kinds = [line for line in text[:start] if line.strip().lower().startswith("@attribute")]
    rows = [line.split(",") for line in text[start + 1 :] if line.strip() and line[0] != "%"]
    cells = np.array([[cell.strip().strip("'\"") for cell in row] for row in rows])
    columns = [_columns(kind, cells[:, i]) for i, kind in enumerate(kinds)]
    return np.concatenate(columns, axis=1)


def _columns(kind: str, cells: NDArray[np.str_]) -> Array:
    nominal = re.search(r"\{(.*)\}", kind)
    if nominal is None:
        return np.array([float("nan") if cell == "?" else float(cell) for cell in cells])[:, None]
    values = [value.strip().strip("'\"") for value in nominal.group(1).split(",")]
    numbers = [_number(value) for value in values]
    if all(number is not None for number in numbers):
        return np.array([float(cell) for cell in cells])[:, None]
    return np.stack([(cells == value).astype(float) for value in values[1:]], axis=1)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _problem(x: Array, y: Array, task: Rows | None, train: NDArray[np.bool_]) -> Problem:
    return Problem(x, y, task, np.flatnonzero(train), np.flatnonzero(~train))


def _task_of_row(starts: Rows, n_rows: int) -> Rows:
    first = np.zeros(n_rows, dtype=np.intp)
    first[starts[1:]] = 1
    return np.cumsum(first)
