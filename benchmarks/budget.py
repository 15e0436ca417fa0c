"""What things may cost, as ratios to the same by hand or to a well-known tool: one row each.

    python benchmarks/budget.py                    # the quick rows, about five minutes of a free core
    python benchmarks/budget.py --full             # all of them
    python benchmarks/budget.py step gram start    # some groups
    python benchmarks/budget.py --output budget.json

Ratios of steps come from one process in which both sides take turns; whole commands are told in CPU
seconds of processes of their own, with one thread. Ends with code 1 if a row is above its limit.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
import scipy.sparse as sp
import torch
from _timing import ratios
from linear_speed import planted
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from speed import hand_step, made_up, segment_step, trunk
from torch import Tensor
from weighting import weighed_step

import ramify
from ramify import linear
from ramify.data import TOX21_TARGETS, load_tox21, planted_table
from ramify.sharing import FullyAdaptive, HardSharing
from ramify.training import Training
from ramify.weighting import WEIGHTINGS, LossWeighting, weighting_named

MOST_SECONDS = 120
HOW: dict[str, Any] = {"clock": "cpu"}


@dataclass(frozen=True)
class Row:
    """What was measured, and what it may be at most."""

    what: str
    found: float
    limit: float
    unit: str = "x"


def main() -> None:
    """Measure, print, write; complain where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", help=f"any of {', '.join(GROUPS)}; all by default")
    parser.add_argument("--full", action="store_true", help="also what takes minutes")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    asked = parser.parse_args()
    if unknown := set(asked.groups) - set(GROUPS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found: list[Row] = []
    for name in asked.groups or GROUPS:
        for row in GROUPS[name](asked.full):
            mark = "" if row.found <= row.limit else "   above"
            print(f"{row.what:62} {row.found:9.3g} {row.unit:2} of {row.limit:g}{mark}", flush=True)
            found.append(row)
    if asked.output is not None:
        text = json.dumps([asdict(row) for row in found], indent=2)
        asked.output.write_text(text + "\n", encoding="utf-8")
    above = sum(row.found > row.limit for row in found)
    print(f"{len(found)} rows, {above} above their limit")
    sys.exit(above > 0)


def steps(full: bool) -> Iterator[Row]:
    """A training step of a shared network ÷ by hand, and with the affinity ÷ without."""
    for n_tasks in (2, 10, 40, 200, 617):
        batches = made_up(n_tasks, 64)
        calls = {
            "ramify": segment_step(HardSharing(), trunk(), n_tasks, batches),
            "hand": hand_step(n_tasks),
        }
        measured = ratios(calls, "hand", list(batches), rounds=15, **HOW)["ramify"]
        yield Row(f"step of {n_tasks} tasks ÷ by hand", measured.median, 1.10)
    for n_tasks, limit in ((617, 1.15), *([(5000, 1.5)] if full else [])):
        batches = made_up(n_tasks, 64, 320)
        calls = {
            "margins": segment_step(FullyAdaptive(), trunk(), n_tasks, batches),
            "off": segment_step(HardSharing(), trunk(), n_tasks, batches),
        }
        measured = ratios(calls, "off", list(batches), rounds=3, block=80, **HOW)["margins"]
        yield Row(f"step of {n_tasks} tasks with the affinity ÷ without", measured.median, limit)


def gram(_: bool) -> Iterator[Row]:
    """The dearest weighting of gradients at the features ÷ equal weights."""
    for n_tasks, limit in ((40, 2.0), (200, 6.0)):
        batches = made_up(n_tasks, 64)
        calls = {
            name: weighed_step(weighting_named(name), trunk(), n_tasks, batches)
            for name, kind in WEIGHTINGS.items()
            if name == "equal" or not issubclass(kind, LossWeighting)
        }
        measured = ratios(calls, "equal", list(batches), rounds=3, **HOW)
        name = max(measured, key=lambda each: measured[each].median)
        what = f"step of {n_tasks} tasks with the dearest Gram rule ({name}) ÷ equal"
        yield Row(what, measured[name].median, limit)


def start(_: bool) -> Iterator[Row]:
    """Starting up, in CPU seconds and over ``import torch``."""
    loaded = _child([sys.executable, "-c", "import torch"])
    for word in ("--version", "--help", "fitt"):
        seconds = _child([sys.executable, "-m", "ramify", word])
        yield Row(f"ramify {word} ÷ import torch", seconds / loaded, 0.3)
    seconds = _child([sys.executable, "-m", "ramify", "report", "--help"])
    yield Row("ramify report, loaded ÷ import torch", seconds / loaded, 0.8)


def predict(_: bool) -> Iterator[Row]:
    """A million rows of 20 columns, and one row."""
    frame = _million()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run = ramify.fit(
            frame.head(5000),
            "y*",
            sharing=HardSharing(),
            baselines=(),
            training=Training(epochs=2),
        )
        run.save(place / "run")
        rows = frame.select(pl.col("^x.*$"))
        rows.write_parquet(place / "rows.parquet")
        rows.write_csv(place / "rows.csv")
        run.predict(place / "rows.parquet")  # what is loaded at the first call
        for kind, limit in (("parquet", 1.1), ("csv", 1.2)):
            ours, hand = [], []
            for _round in range(3):
                ours.append(_process_seconds(lambda k=kind: _told(run, place, k)))
                hand.append(_process_seconds(lambda k=kind: _by_hand(run, place, k)))
            ratio = float(np.median(ours) / np.median(hand))
            yield Row(f"predict a million rows ({kind}) ÷ polars and torch by hand", ratio, limit)
        few = rows.head(3000).to_numpy()
        peer = MLPClassifier((256, 256), max_iter=3).fit(few, few[:, 0] > 0)
        calls: dict[str, Callable[[Any], object]] = {
            "ramify": lambda _item: run.predict(rows[:1]),
            "peer": lambda _item: peer.predict_proba(few[:1]),
        }
        measured = ratios(calls, "peer", range(50), rounds=20, **HOW)["ramify"]
        yield Row("predict one row ÷ scikit-learn's MLP", measured.median, 3.0)


def fit(full: bool) -> Iterator[Row]:
    """The whole of ``ramify fit``."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        frame = _million()
        frame.write_parquet(place / "million.parquet")
        words = ("--targets", "y*", "--sharing", "hard", "--baselines", "none")
        words = ("fit", str(place / "million.parquet"), *words, "--output", str(place / "run"))
        seconds, peak = _ramify(*words, "--epochs", "1", "--batch-size", "1024")
        yield Row("fit of a million rows, one epoch", seconds, 25.0, "s")
        idle = _ramify("fit", "--help")[1]
        table = frame.width * len(frame) * 4
        yield Row("its peak above that of `fit --help` ÷ float32 table", (peak - idle) / table, 4.0)
        if full:
            yield from _tox21(place)
            yield from _batches(place)


def _tox21(place: Path) -> Iterator[Row]:
    frame = load_tox21()
    frame.write_parquet(place / "tox21.parquet")
    words = ("--targets", ",".join(TOX21_TARGETS), "--ignore", "smiles")
    words = ("fit", str(place / "tox21.parquet"), *words, "--output", str(place / "tox21"))
    seconds, _peak = _ramify(*words)
    inputs = [n for n in frame.columns if n not in (*TOX21_TARGETS, "smiles", "split")]
    X = frame.select(inputs).to_numpy().astype(np.float32)
    before = time.process_time()
    for target in TOX21_TARGETS:
        known = frame[target].is_not_null().to_numpy()
        forest = RandomForestClassifier(200, random_state=0)
        forest.fit(X[known], frame[target].drop_nulls().to_numpy())
    yield Row("fit of Tox21 ÷ 12 forests of 200 trees", seconds / (time.process_time() - before), 1)


def _batches(place: Path) -> Iterator[Row]:
    """Many rows: the batch size that follows from them against the usual one, over three seeds."""
    frame, _groups = planted_table(n_groups=3, tasks_per_group=4, rows=300_000, noise=0.3)
    frame.write_parquet(place / "planted.parquet")
    seconds, scores = np.zeros((3, 2)), np.zeros((3, 2))
    for seed in range(3):
        for i, more in enumerate(((), ("--batch-size", "128"))):
            words = ("--targets", "g*", "--sharing", "hard", "--baselines", "none", *more)
            words = (*words, "--seed", str(seed), "--output", str(place / "many"), "--overwrite")
            seconds[seed, i], _peak = _ramify("fit", str(place / "planted.parquet"), *words)
            record = ramify.load(place / "many").record
            scores[seed, i] = np.mean([score.value for score in record.scores.test])
    yield Row("300,000 rows: seconds ÷ those with batches of 128", np.divide(*seconds.sum(0)), 0.7)
    lost = scores[:, 1] - scores[:, 0]
    what = f"300,000 rows: mean ROC-AUC lost to batches of 128 (±{lost.std():.4f})"
    yield Row(what, float(lost.mean()), 0.001, "")


def linear_models(full: bool) -> Iterator[Row]:
    """A path of 50 strengths ÷ one fit; with ``--full`` every model on a thousand tasks."""
    X, Y = planted(1000, 500, 20)
    largest = 0.1 * np.linalg.norm(X.T @ (Y - Y.mean(axis=0)) / len(X), axis=1).max()
    alphas = np.geomspace(10, 0.3, 50) * largest
    single = _process_seconds(lambda: linear.BlockSparse(float(alphas[-1])).fit(X, Y))
    model = linear.BlockSparse(warm_start=True)
    path = _process_seconds(
        lambda: [model.set_params(alpha=float(each)).fit(X, Y) for each in alphas]
    )
    yield Row("path of 50 strengths ÷ its dearest fit", path / single, 8.0)
    for name in LARGE if full else ():
        seconds = _child([sys.executable, __file__, "--large", name])
        yield Row(f"{name}, 1,000 tasks, 10,000 sparse columns", seconds, 5.0, "s")


LARGE = (
    "BlockSparse",
    "MeanRegularized",
    "TraceNorm",
    "Dirty",
    "FeatureLearning",
    "ClusteredTasks",
    "GraphRegularized",
    "LatentBasis",
    "TaskGrouping",
    "TaskRelationship",
)
GROUPS: dict[str, Callable[[bool], Iterator[Row]]] = {
    "step": steps,
    "gram": gram,
    "start": start,
    "predict": predict,
    "fit": fit,
    "linear": linear_models,
}


def large(name: str) -> None:
    """One model on a thousand tasks, in this process, which ends where that takes too long."""
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    rng = np.random.default_rng(0)
    X = sp.random_array((50_000, 10_000), density=0.002, rng=rng, format="csr")
    task = np.arange(50_000) % 1000
    direction = np.zeros(10_000)
    direction[:50] = rng.normal(size=50)
    y = 5 * (X @ direction) + 0.1 * rng.normal(size=50_000)
    getattr(linear, name)().fit(X, y, task=task)


def _million() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(1_000_000, 20)).round(4)
    targets = (inputs[:, :4] + rng.normal(size=(1_000_000, 4)) > 0).astype(np.int8)
    columns = {f"x{i}": inputs[:, i] for i in range(20)}
    return pl.DataFrame(columns | {f"y{i}": targets[:, i] for i in range(4)})


def _told(run: ramify.Run, place: Path, kind: str) -> None:
    run.predict(place / f"rows.{kind}").write_parquet(place / "ours.parquet")


def _by_hand(run: ramify.Run, place: Path, kind: str) -> None:
    read = pl.read_parquet if kind == "parquet" else pl.read_csv
    inputs = torch.from_numpy(read(place / f"rows.{kind}").to_numpy().astype(np.float32))
    with torch.inference_mode():
        parts: list[Tensor] = [
            torch.sigmoid(run.model.network(each)) for each in inputs.split(4096)
        ]
    names = [f"y{i}" for i in range(4)]
    pl.DataFrame(torch.cat(parts).numpy(), schema=names).write_parquet(place / "hand.parquet")


def _process_seconds(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before


_PEAK = """
import re, sys
from ramify.cli import main
try:
    main(sys.argv[2:])
finally:
    with open("/proc/self/status") as status, open(sys.argv[1], "w") as told:
        told.write(re.search("VmHWM:[^0-9]*([0-9]+)", status.read())[1])
"""


def _child(command: Sequence[str]) -> float:
    """CPU seconds of a process; what it says is not shown."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, _status, used = os.wait4(child.pid, 0)
    child.returncode = 0  # it was waited for
    return used.ru_utime + used.ru_stime


def _ramify(*words: str) -> tuple[float, float]:
    """CPU seconds and peak bytes of a command."""
    with tempfile.NamedTemporaryFile() as told:  # wait4 would tell the peak of this process
        seconds = _child([sys.executable, "-c", _PEAK, told.name, *words])
        return seconds, float(Path(told.name).read_text() or "nan") * 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--large"]:
        large(sys.argv[2])
    else:
        main()
