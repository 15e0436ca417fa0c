"""The real sets of `suite.py`: one file each, with its splits in columns that every method reads.

A target's column starts with ``t_``; ``task`` names the task of a row that belongs to one task only;
``split0``, ``split1`` … say train, validation or test; all other columns are inputs. Sets of images
are archives with the same names and an array ``images``.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import scipy.io
from numpy.typing import NDArray
from real_data import computers, fashion_mnist, parkinsons, sarcos

from ramify.data import TOX21_TARGETS, load_tox21

MOST_ROWS = 10_000
N_SPLITS = 5
SIDES = ("train", "validation", "test")
Splits = list[NDArray[np.str_]]


@dataclass(frozen=True)
class SuiteSet:
    """A set and how it is scored.

    Attributes:
        name: Its name.
        kind: Kind of all its targets: binary, regression or multiclass.
        make: Gives inputs and targets from the folder of all data sets. A column ``block`` is no
            input: its rows stay on one side. A column ``split0`` is the official split.
        shares: Shares of training, validation and test rows.
        by_task: Whether each row belongs to one task, named by the column ``task``.
    """

    name: str
    kind: str
    make: Callable[[Path], pl.DataFrame]
    shares: tuple[float, float, float] = (0.64, 0.16, 0.2)
    by_task: bool = False


@dataclass(frozen=True, eq=False)
class Rows:
    """One split of a set as numbers, for methods that take arrays.

    Attributes:
        x: Inputs: numbers as they are, NaN where missing, and a 0/1 column per category.
        y: Targets, NaN where not labelled; with a task per row the one column of values.
        task: Number of each row's task, -1 where a row belongs to all.
        side: Training, validation and test rows.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float64]
    task: NDArray[np.intp]
    side: dict[str, NDArray[np.intp]]


def written(data: SuiteSet, root: Path, folder: Path) -> Path:
    """The set's file, made if it is not there yet."""
    name = data.name + (".npz" if data.name in IMAGES else ".parquet")
    path = folder / name
    if path.exists():
        return path
    frame = data.make(root)
    if len(frame) > MOST_ROWS:
        kept = np.random.default_rng([77, 0]).permutation(len(frame))[:MOST_ROWS]
        frame = frame[np.sort(kept).tolist()]
    columns = {f"split{i}": side for i, side in enumerate(_splits(frame, data))}
    frame = frame.drop("block", "split0", strict=False).with_columns(
        pl.Series(name, side) for name, side in columns.items()
    )
    folder.mkdir(parents=True, exist_ok=True)
    if data.name in IMAGES:
        rows = {n: np.array(frame[n].to_list()) for n in frame.columns if n != "row"}
        with path.open("wb") as file:
            np.savez(file, images=IMAGES[data.name](root)[frame["row"].to_numpy()], **rows)
    else:
        frame.write_parquet(path)
    return path


def read(data: SuiteSet, path: Path, split: int) -> Rows:
    """One split as numbers."""
    if path.suffix == ".npz":
        archive = np.load(path)
        frame = pl.DataFrame({name: archive[name] for name in archive if name != "images"})
        x = archive["images"].reshape(len(frame), -1).astype(np.float32) / 255
    else:
        frame = pl.read_parquet(path)
        inputs = [n for n in frame.columns if not n.startswith(("t_", "split")) and n != "task"]
        x = _numbers(frame.select(inputs))
    targets = frame.select(pl.col("^t_.*$"))
    if data.kind == "multiclass":
        targets = targets.select(pl.all().rank("dense").cast(pl.Int64) - 1)
    task = np.full(len(frame), -1)
    if data.by_task:
        task = frame["task"].rank("dense").to_numpy().astype(np.intp) - 1
    sides = frame[f"split{split}"].to_numpy()
    y = targets.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return Rows(x, y, task, {side: np.flatnonzero(sides == side) for side in SIDES})


def task_names(path: Path) -> list[str]:
    """Columns of the targets, or of classes in order for each of them."""
    if path.suffix == ".npz":
        return [name for name in np.load(path) if name.startswith("t_")]
    return [n for n in pl.read_parquet_schema(path) if n.startswith("t_")]


def _numbers(frame: pl.DataFrame) -> NDArray[np.float32]:
    words = [name for name, kind in frame.schema.items() if kind == pl.String]
    common = frame.with_columns(
        pl.when(pl.len().over(name) < 10).then(pl.lit("other")).otherwise(pl.col(name)).alias(name)
        for name in words
    )
    wide = common.to_dummies(words) if words else common
    return wide.cast(pl.Float32).fill_null(np.nan).to_numpy()


def _splits(frame: pl.DataFrame, data: SuiteSet) -> Splits:
    """Splits at random; whole blocks where there are any; within each task where rows have one."""
    n = len(frame)
    block = frame["block"].to_numpy() if "block" in frame.columns else np.arange(n)
    within = frame["task"].to_numpy() if data.by_task else np.zeros(n)
    cuts = np.cumsum(data.shares)[:2]
    found = [frame["split0"].to_numpy()] if "split0" in frame.columns else []
    while len(found) < N_SPLITS:
        rng = np.random.default_rng([77, 1, len(found)])
        side = np.full(n, "test", dtype="<U10")
        for task in np.unique(within):
            names = rng.permutation(np.unique(block[within == task]))
            place = (np.arange(len(names)) + 0.5) / len(names)
            of_task = within == task
            side[of_task & np.isin(block, names[place < cuts[1]])] = "validation"
            side[of_task & np.isin(block, names[place < cuts[0]])] = "train"
        found.append(side)
    return found


def _multilabel(name: str, root: Path) -> pl.DataFrame:
    path = root / "multilabel" / f"{name}.csv.gz"
    return pl.read_csv(path, infer_schema_length=None).rename({"split": "split0"})


def _mulan(name: str, n_targets: int, root: Path) -> pl.DataFrame:
    text = (root / "mulan_multitarget" / f"{name}.arff").read_text(
        encoding="utf-8", errors="replace"
    )
    head, body = _parts(text.splitlines())
    names = [f"t_{i}" if i >= len(head) - n_targets else f"x{i}" for i in range(len(head))]
    cells = np.array(body)
    columns: dict[str, pl.Series] = {}
    for i, (name_, declared) in enumerate(zip(names, head, strict=True)):
        column = pl.Series(name_, cells[:, i]).replace("?", None)
        numbers = column.cast(pl.Float64, strict=False)
        is_number = numbers.null_count() == column.null_count()
        columns[name_] = numbers if is_number or "{" not in declared else column
    return pl.DataFrame(columns)


def _parts(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    start = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data")
    head = [line for line in lines[:start] if line.strip().lower().startswith("@attribute")]
    rows = [line for line in lines[start + 1 :] if line.strip() and line[0] != "%"]
    return head, [[cell.strip().strip("'\"") for cell in row.split(",")] for row in rows]


def _tox21(_: Path) -> pl.DataFrame:
    frame = load_tox21().drop("smiles")
    return frame.rename({name: f"t_{name}" for name in TOX21_TARGETS})


def _toxcast(root: Path) -> pl.DataFrame:
    """Every twelfth of the assays with a thousand labels and forty positives or more."""
    frame = pl.read_csv(root / "toxcast" / "toxcast.csv.gz").drop("smiles").cast(pl.Float64)
    many = [c for c in frame.columns if frame[c].count() >= 1000 and frame[c].sum() >= 40]
    packed = np.load(root / "toxcast" / "ecfp4_1024_derived.npz")["fp_packed"]
    bits = np.unpackbits(packed, axis=1)
    inputs = pl.DataFrame(bits, schema=[f"bit{i}" for i in range(bits.shape[1])])
    targets = frame.select(pl.col(name).alias(f"t_{i}") for i, name in enumerate(many[::12]))
    joined = pl.concat([inputs, targets], how="horizontal")
    return joined.filter(~pl.all_horizontal(pl.col("^t_.*$").is_null()))


def _adult(root: Path) -> pl.DataFrame:
    names = ["age", "class", "weight", "education", "years", "marital", "occupation"]
    names += ["relationship", "race", "sex", "gain", "loss", "hours", "country", "income"]
    frame = pl.read_csv(root / "adult" / "adult.data", has_header=False, new_columns=names)
    frame = frame.with_columns(pl.col(pl.String).str.strip_chars().replace("?", None))
    numbers = ["age", "weight", "years", "gain", "loss", "hours"]
    frame = frame.with_columns(pl.col(numbers).cast(pl.Int64))
    return frame.select(
        *(pl.col(n) for n in names if n not in ("education", "years", "marital", "income")),
        (pl.col("income") == ">50K").cast(pl.Int8).alias("t_income"),
        (pl.col("marital") == "Never-married").cast(pl.Int8).alias("t_never_married"),
        (pl.col("years") >= 13).cast(pl.Int8).alias("t_college"),
    )


def _bike(root: Path) -> pl.DataFrame:
    frame = pl.read_csv(root / "bike_sharing" / "hour.csv").drop("instant", "dteday", "cnt")
    return frame.rename({"casual": "t_casual", "registered": "t_registered"})


def _sarcos(root: Path) -> pl.DataFrame:
    frame = _file(sarcos, root)
    return frame.rename({f"torque{i}": f"t_{i}" for i in range(1, 8)})


def _parkinsons_pair(root: Path) -> pl.DataFrame:
    """Both scores from voice, time, age and sex; all recordings of all people together."""
    path = root / "parkinsons" / "parkinsons_updrs.data"
    frame = pl.read_csv(path, separator="\t").drop("subject#")
    return frame.rename({"motor_UPDRS": "t_motor", "total_UPDRS": "t_total"})


def _parkinsons(root: Path) -> pl.DataFrame:
    return _file(parkinsons, root).rename({"person": "task", "motor_UPDRS": "t_motor"})


def _computers(root: Path) -> pl.DataFrame:
    return _file(computers, root).rename({"person": "task", "rating": "t_rating"})


def _school(root: Path) -> pl.DataFrame:
    data = scipy.io.loadmat(root / "school" / "school_b.mat")
    x, y = data["x"].T[:, :27].astype(float), data["y"].ravel().astype(float)
    first = np.zeros(len(y), dtype=int)
    first[data["task_indexes"].ravel()[1:] - 1] = 1
    columns = {f"x{i}": column for i, column in enumerate(x.T) if np.ptp(column) > 0}
    task = np.char.add("s", np.cumsum(first).astype(str))
    return pl.DataFrame({**columns, "task": task, "t_score": y})


def _file(write: Callable[[Path, Path], Path], root: Path) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        return pl.read_parquet(write(root, Path(folder)))


def _faces(root: Path) -> pl.DataFrame:
    data = np.load(root / "cmu_faces" / "cmu_faces.npz")
    names = ("person", "pose", "expression", "eyes")
    columns = {f"t_{n}": np.char.add("c", data[n].astype(str)) for n in names}
    return pl.DataFrame({"row": np.arange(len(data["person"])), **columns})


def _faces_images(root: Path) -> NDArray[np.uint8]:
    return np.load(root / "cmu_faces" / "cmu_faces.npz")["images_30x32"]


def _clothes(root: Path) -> pl.DataFrame:
    label = _clothes_file(root)["label"]
    kinds = np.unique(label)
    columns = {f"t_{i}": (label == kind).astype(np.int8) for i, kind in enumerate(kinds)}
    return pl.DataFrame({"row": np.arange(len(label)), **columns})


def _clothes_images(root: Path) -> NDArray[np.uint8]:
    return _clothes_file(root)["images"]


def _clothes_file(root: Path) -> dict[str, NDArray[np.generic]]:
    with tempfile.TemporaryDirectory() as folder:
        archive = np.load(fashion_mnist(root, Path(folder)))
        return {name: archive[name] for name in archive}


IMAGES = {"faces": _faces_images, "clothes": _clothes_images}
_MULAN = {
    "andro": 6,
    "atp1d": 6,
    "atp7d": 6,
    "edm": 2,
    "enb": 2,
    "jura": 3,
    "oes10": 16,
    "oes97": 16,
    "rf1": 8,
    "sf1": 3,
    "sf2": 3,
    "slump": 3,
    "wq": 14,
}
SETS = {
    data.name: data
    for data in (
        *(
            SuiteSet(name, "binary", partial(_multilabel, name))
            for name in ("birds", "enron", "medical")
        ),
        *(SuiteSet(name, "regression", partial(_mulan, name, n)) for name, n in _MULAN.items()),
        SuiteSet("tox21", "binary", _tox21, shares=(0.8, 0.1, 0.1)),
        SuiteSet("toxcast", "binary", _toxcast),
        SuiteSet("adult", "binary", _adult),
        SuiteSet("bike", "regression", _bike),
        SuiteSet("sarcos", "regression", _sarcos),
        SuiteSet("parkinsons2", "regression", _parkinsons_pair),
        SuiteSet("parkinsons", "regression", _parkinsons, by_task=True),
        SuiteSet("school", "regression", _school, by_task=True),
        SuiteSet("computers", "regression", _computers, by_task=True),
        SuiteSet("faces", "multiclass", _faces),
        SuiteSet("clothes", "binary", _clothes),
    )
}
DEVELOPMENT = frozenset(
    [
        "birds",
        "medical",
        "andro",
        "atp1d",
        "enb",
        "oes10",
        "sf1",
        "wq",
        "rf1",
        "tox21",
        "bike",
        "parkinsons",
        "school",
        "clothes",
    ]
)
"""Sets whose scores settings may be chosen by; the others only confirm."""
