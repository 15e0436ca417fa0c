"""The real data sets that ways of sharing are compared on, each as a file that `ramify` reads."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import scipy.io
from numpy.typing import NDArray

from ramify.data import TOX21_TARGETS, load_tox21

Array = NDArray[np.generic]


@dataclass(frozen=True)
class DataSet:
    """A data set and how it is learned.

    Attributes:
        name: Its name on the command line and in the tables.
        protocol: What was done with it, in a sentence.
        write: Makes the file in a folder from the folder of all data sets, and returns its path.
        options: Options of `ramify compare`, the same for all methods.
        n_groups: So many groups are made where selective sharing is asked for diverse ones.
    """

    name: str
    protocol: str
    write: Callable[[Path, Path], Path]
    options: str
    n_groups: int


def tox21(_: Path, folder: Path) -> Path:
    """Twelve toxicity tests of about 7,800 compounds; the labels are partial."""
    path = folder / "tox21.parquet"
    load_tox21().drop("smiles").write_parquet(path)
    return path


def sarcos(root: Path, folder: Path) -> Path:
    """Seven torques of a robot arm; blocks of 50 rows that follow each other in time."""
    data = scipy.io.loadmat(root / "sarcos" / "sarcos_inv_test.mat")["sarcos_inv_test"]
    columns = {f"x{i}": data[:, i] for i in range(21)}
    columns |= {f"torque{i + 1}": data[:, 21 + i] for i in range(7)}
    columns["block"] = np.char.add("b", (np.arange(len(data)) // 50).astype(str))
    return _written(columns, folder / "sarcos.parquet")


def parkinsons(root: Path, folder: Path) -> Path:
    """Motor UPDRS of 42 people from their voice and the time; each person is a task."""
    path = root / "parkinsons" / "parkinsons_updrs.data"
    separator = "\t" if "\t" in path.read_text(encoding="utf-8").splitlines()[0] else ","
    frame = pl.read_csv(path, separator=separator)
    frame = frame.drop("age", "sex", "total_UPDRS").rename({"subject#": "person"})
    frame = frame.with_columns(pl.format("p{}", "person").alias("person"))
    frame.write_parquet(folder / "parkinsons.parquet")
    return folder / "parkinsons.parquet"


def computers(root: Path, folder: Path) -> Path:
    """190 people rate 20 computers from 0 to 10; each person is a task."""
    name = "conjointAnalysisComputerBuyers.mat"
    data = scipy.io.loadmat(root / "computer_survey" / name)
    design, rating = data["designMarix"].astype(float), data["likeBuy"].astype(float)
    n_people, n_computers = rating.shape
    columns = {f"x{i}": np.tile(x, n_people) for i, x in enumerate(design.T) if np.ptp(x) > 0}
    people = np.char.add("p", np.arange(1, n_people + 1).astype(str))
    columns |= {"person": np.repeat(people, n_computers), "rating": rating.ravel()}
    return _written(columns, folder / "computers.parquet")


def computers_ranked(root: Path, folder: Path) -> Path:
    """The same ratings with a row per computer: each person puts 20 rows in order."""
    name = "conjointAnalysisComputerBuyers.mat"
    data = scipy.io.loadmat(root / "computer_survey" / name)
    design, rating = data["designMarix"].astype(float), data["likeBuy"].astype(float)
    columns = {f"x{i}": x for i, x in enumerate(design.T) if np.ptp(x) > 0}
    columns |= {f"p{i + 1}": row for i, row in enumerate(rating)}
    return _written(columns, folder / "computers_ranked.parquet")


def cmu_faces(root: Path, _: Path) -> Path:
    """Who it is, pose, expression and sunglasses on 624 pictures."""
    return root / "cmu_faces" / "cmu_faces.npz"


def fashion_mnist(root: Path, folder: Path) -> Path:
    """Ten kinds of clothes, one yes-or-no task each, on a drawn part of the pictures."""
    where, rng = root / "fashion_mnist", np.random.default_rng(0)
    pixels, labels, sides = [], [], []
    for side, part, n in (("train", "train", 3000), ("test", "t10k", 2000)):
        of_part = _idx(where / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
        label = _idx(where / f"{part}-labels-idx1-ubyte.gz", 8)
        held = 500 if side == "train" else 0
        rows = rng.permutation(len(label))[: n + held]
        pixels.append(of_part[rows])
        labels.append(label[rows])
        sides += [side] * n + ["validation"] * held
    images, kind = np.concatenate(pixels), np.concatenate(labels).astype(str)
    path = folder / "fashion_mnist.npz"
    np.savez(path, images=images, label=np.char.add("kind ", kind), side=np.array(sides))
    return path


def omniglot(n_alphabets: int) -> Callable[[Path, Path], Path]:
    """Alphabets as tasks, each with pictures of its own, as in DMTRL; the first so many of fifty."""

    def write(root: Path, folder: Path) -> Path:
        data = np.load(root / "omniglot" / "omniglot28_derived.npz")
        n_drawers = data["images"].shape[1]
        alphabet = np.repeat(data["alphabet"], n_drawers)
        kept = alphabet < n_alphabets
        images = data["images"].reshape(-1, 28, 28)
        character = np.repeat(data["char_in_alphabet"], n_drawers).astype(str)
        names = [str(name) for name in data["alphabet_names"][:n_alphabets]]
        columns: dict[str, Array] = {
            f"alphabet {name}": np.where(alphabet == i, np.char.add("c", character), "")
            for i, name in enumerate(names)
        }
        path = folder / f"omniglot-{n_alphabets}.npz"
        np.savez(path, images=images[kept], **{name: each[kept] for name, each in columns.items()})
        return path

    return write


def _written(columns: dict[str, Array], path: Path) -> Path:
    pl.DataFrame(columns).write_parquet(path)
    return path


def _idx(path: Path, header: int) -> NDArray[np.uint8]:
    with gzip.open(path) as file:
        return np.frombuffer(file.read()[header:], dtype=np.uint8)


MLP = "--input-dropout 0 --learning-rate 0.003"
CNN = "--backbone cnn --batch-size 64 --learning-rate 0.004 --weight-decay 0.05"
VGG = "--backbone vgg16 --width 16 --batch-size 32 --learning-rate 0.002 --weight-decay 0.05"

DATA = {
    each.name: each
    for each in (
        DataSet(
            "tox21",
            "Tox21: 12 yes-or-no tasks, partial labels, random splits",
            tox21,
            f"--targets {','.join(TOX21_TARGETS)}",
            6,
        ),
        DataSet(
            "sarcos",
            "SARCOS (its official test file): 7 torques, whole blocks of 50 rows held out",
            sarcos,
            "--targets 'torque*' --split group:block --hidden 128,128 --dropout 0.1 "
            f"--weight-decay 0.05 --epochs 40 {MLP}",
            3,
        ),
        DataSet(
            "parkinsons",
            "Parkinson: motor UPDRS, 42 people as tasks with their own rows, random splits",
            parkinsons,
            "--targets motor_UPDRS --task-column person --hidden 64,64 --dropout 0.1 "
            f"--weight-decay 0.1 --epochs 40 {MLP}",
            10,
        ),
        DataSet(
            "computers",
            "Computer survey: 190 people rate 20 computers, a person is a task, random splits",
            computers,
            "--targets rating --task-column person --hidden 32,32 --dropout 0.2 "
            f"--weight-decay 0.1 --epochs 30 {MLP}",
            40,
        ),
        DataSet(
            "computers-ranked",
            "Computer survey as ranking: 190 people put 20 computers in order; 12 to learn, 2, 6 to test, at random",
            computers_ranked,
            "--targets 'p*' --kind 'p*=ranking' --split random:60/10/30 --hidden 16,16 --dropout 0.1 --input-dropout 0 "
            "--weight-decay 0.1 --learning-rate 0.01 --epochs 300 --growing-epochs 100 "
            "--trees 20",
            40,
        ),
        DataSet(
            "cmu-faces",
            "CMU faces, 30 x 32 pixels: 4 tasks of 2 to 20 classes, random splits",
            cmu_faces,
            f"--images images_30x32 --targets person,pose,expression,eyes {VGG} --epochs 20",
            2,
        ),
        DataSet(
            "fashion-mnist",
            "Fashion-MNIST: ten one-vs-rest tasks, 3,000 training and 2,000 test pictures",
            fashion_mnist,
            f"--one-vs-rest label --split column:side {CNN} --epochs 10",
            4,
        ),
        *(
            DataSet(
                f"omniglot-{n}-{share}",
                f"Omniglot: {n} alphabets as tasks with their own pictures, random splits, {share} % test",
                omniglot(n),
                f"--targets 'alphabet *' --split random:{95 - share}/5/{share} --backbone cnn --batch-size 128 "
                "--learning-rate 0.004 --weight-decay 0.01 --epochs 16 --trees 50",
                n // 5,
            )
            for n in (10, 50)
            for share in (10, 20)
        ),
    )
}
