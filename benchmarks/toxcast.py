"""Memory and time of ``ramify fit`` on ToxCast: 617 tasks, 71 % of the labels missing.

    python benchmarks/toxcast.py [--output toxcast.json] [-- further options of ramify fit]

The folder with toxcast.csv.gz and ecfp4_1024_derived.npz is ../shared/data/toxcast, or toxcast in
the folder that the environment variable RAMIFY_DATA names.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ramify.data import TOX21_TARGETS, load_tox21

ROOT = Path(__file__).resolve().parents[1]
MOST_MEMORY = 4 * 2**30


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        tasks: Number of tasks.
        peak_bytes: Most resident memory.
        seconds: From start to end of the process.
        epochs: Trained in all, the shared baseline among them.
        shared_epoch_seconds: One epoch of the shared network.
        tree_epoch_seconds: One epoch on the way to the tree, mean over all of its trainings.
        parts: Seconds of each part of the run.
    """

    tasks: int
    peak_bytes: int
    seconds: float
    epochs: int
    shared_epoch_seconds: float
    tree_epoch_seconds: float
    parts: dict[str, float]


def main() -> None:
    """Run both, print, and fail if the memory is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    parser.add_argument("options", nargs="*", help="further options of ramify fit, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        targets = write_toxcast(folder / "toxcast.parquet")
        load_tox21().write_parquet(folder / "tox21.parquet")
        tox21 = run(folder / "tox21.parquet", list(TOX21_TARGETS), arguments.options)
        toxcast = run(folder / "toxcast.parquet", targets, arguments.options)
    shown = {"Tox21": tox21, "ToxCast": toxcast}
    for table, cost in shown.items():
        print(
            f"{table:8} {cost.tasks:4} tasks  peak {cost.peak_bytes / 2**30:5.2f} GiB  "
            f"{cost.seconds:7.1f} s  shared epoch {cost.shared_epoch_seconds:6.3f} s  "
            f"tree epoch {cost.tree_epoch_seconds:6.3f} s"
        )
    shared = toxcast.shared_epoch_seconds / tox21.shared_epoch_seconds
    tree = toxcast.tree_epoch_seconds / tox21.tree_epoch_seconds
    print(f"ToxCast ÷ Tox21 per epoch: shared {shared:.2f}, tree {tree:.2f}")
    if arguments.output is not None:
        ratios = {"shared_epoch_ratio": shared, "tree_epoch_ratio": tree}
        text = json.dumps({k: asdict(v) for k, v in shown.items()} | ratios, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")
    if toxcast.peak_bytes > MOST_MEMORY:
        raise SystemExit("ToxCast took more than 4 GiB")


def write_toxcast(path: Path) -> list[str]:
    """Write labels and fingerprints as one Parquet file; the names of the targets."""
    source = Path(os.environ.get("RAMIFY_DATA", ROOT.parent / "shared" / "data")) / "toxcast"
    labels = pl.read_csv(source / "toxcast.csv.gz", infer_schema=False)
    bits = np.unpackbits(np.load(source / "ecfp4_1024_derived.npz")["fp_packed"], axis=1)
    fingerprints = pl.DataFrame({f"fp{i:04d}": bits[:, i] for i in range(bits.shape[1])})
    targets = [name for name in labels.columns if name != "smiles"]
    numbers = labels.with_columns(pl.col(targets).cast(pl.Float64).cast(pl.Int8))
    frame = pl.concat([numbers, fingerprints.cast(pl.Boolean)], how="horizontal")
    frame.write_parquet(path)
    return targets


def run(table: Path, targets: list[str], options: list[str]) -> Cost:
    """Fit through the command line, in a process of its own."""
    output = table.with_suffix(".run")
    command = [sys.executable, "-m", "ramify", "fit", str(table), "--output", str(output)]
    command += ["--targets", ",".join(targets), "--ignore", "smiles", "--baselines", "shared"]
    started = time.monotonic()
    with table.with_suffix(".txt").open("w+", encoding="utf-8") as told:
        child = subprocess.Popen([*command, *options], stdout=told, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        if child.returncode:
            raise SystemExit(f"ramify fit {table.name} failed:\n{told.read()}")
    seconds = time.monotonic() - started
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    record = json.loads((output / "record.json").read_text(encoding="utf-8"))
    return cost_of(record, len(targets), peak, seconds)


def cost_of(record: dict[str, Any], n_tasks: int, peak: int, seconds: float) -> Cost:
    """Read epochs and seconds off the record of a run."""
    n_shared = sum(point["phase"] == "shared" for point in record["curves"])
    n_tree = len(record["curves"]) - n_shared
    parts = record["seconds"]
    return Cost(
        n_tasks,
        peak,
        seconds,
        n_shared + n_tree,
        parts["shared"] / n_shared,
        parts["tree"] / n_tree,
        parts,
    )


if __name__ == "__main__":
    main()
