"""Digests of what training gives, to show that a change of the code changed no result.

    python benchmarks/golden.py --output before.json      # at the old commit
    python benchmarks/golden.py --output after.json       # at the new one
    python benchmarks/golden.py --compare before.json after.json

Every way of sharing is trained briefly on planted tasks, on Tox21 and on pictures made here; with
``--data fashion`` on a part of Fashion-MNIST. Of each run the digest of the weights, of the predictions, of the scores in the record and of the numbers in the report
are kept.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from ramify.data import load_tox21, planted_table

WAYS = [
    "fully-adaptive",
    "selective",
    "selective:variance",
    "selective:random",
    "hard",
    "single-task",
    "soft",
    "trace-norm",
    "trace-norm:tt",
    "relationship",
    "cross-stitch",
    "sluice",
    "factorised",
    "factorised:tucker",
    "mmoe",
    "cgc",
    "ple",
    "mtan",
    "low-level",
    "linear:clustered",
    "linear:trace-norm",
]
WEIGHTINGS = ("uncertainty", "pcgrad", "dwa")
SHORT = ["--epochs", "2", "--growing-epochs", "1", "--candidates", "2", "--hidden", "16,16"]


def planted(folder: Path) -> list[str]:
    frame, _ = planted_table(n_groups=2, tasks_per_group=3, rows=600)
    frame.write_csv(folder / "planted.csv")
    return [str(folder / "planted.csv"), "--targets", "g*"]


def tox21(folder: Path) -> list[str]:
    load_tox21().write_csv(folder / "tox21.csv")
    return [str(folder / "tox21.csv"), "--targets", "NR-*,SR-*", "--baselines", "shared"]


def pictures(folder: Path) -> list[str]:
    """Blobs whose place and brightness the targets tell."""
    rng = np.random.default_rng(7)
    y, x = rng.integers(2, 10, size=(2, 240))
    images = rng.integers(0, 60, size=(240, 12, 12)).astype(np.uint8)
    for image, row, column in zip(images, y, x, strict=True):
        image[row - 2 : row + 2, column - 2 : column + 2] += 120
    targets = {"top": y < 6, "left": x < 6, "middle": abs(x - 6) + abs(y - 6) < 4}
    np.savez(
        folder / "pictures.npz", images=images, **{n: v.astype(int) for n, v in targets.items()}
    )
    return [str(folder / "pictures.npz"), "--targets", ",".join(targets), "--backbone", "cnn"]


def fashion(folder: Path) -> list[str]:
    """A thousand pictures of Fashion-MNIST, from the folder that RAMIFY_DATA names."""
    source = Path(os.environ["RAMIFY_DATA"]) / "fashion_mnist"
    pixels = gzip.decompress((source / "t10k-images-idx3-ubyte.gz").read_bytes())
    classes = gzip.decompress((source / "t10k-labels-idx1-ubyte.gz").read_bytes())
    images = np.frombuffer(pixels, np.uint8, 1000 * 28 * 28, offset=16).reshape(-1, 28, 28)
    label = np.frombuffer(classes, np.uint8, 1000, offset=8)
    targets = {"upper": np.isin(label, (0, 2, 4, 6)), "shoe": np.isin(label, (5, 7, 9))}
    targets |= {"shirt": np.isin(label, (0, 6)), "bag": label == 8}
    np.savez(
        folder / "fashion.npz", images=images, **{n: v.astype(int) for n, v in targets.items()}
    )
    return [str(folder / "fashion.npz"), "--targets", ",".join(targets), "--backbone", "cnn"]


DATA = {"planted": planted, "tox21": tox21, "pictures": pictures, "fashion": fashion}


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def weights(run: Path) -> str:
    tensors = load_file(run / "model.safetensors")
    return digest(*(part for n in sorted(tensors) for part in (n.encode(), tensors[n].tobytes())))


def scores(run: Path) -> str:
    """Of all that a record says of tasks and networks, bar times."""
    record = json.loads((run / "record.json").read_text())

    def numbers(node: object, name: str = "") -> list[str]:
        if isinstance(node, dict):
            return [n for k in sorted(node) for n in numbers(node[k], f"{name}.{k}")]
        if isinstance(node, list):
            return [n for each in node for n in numbers(each, name)]
        timed = re.search(r"second|millisecond|_ms|version|cores|memory", name)
        return [repr(node)] if isinstance(node, float) and not timed else []

    return digest("\n".join(sorted(numbers(record))).encode())


def one(
    data: str, source: list[str], way: list[str], name: str, folder: Path
) -> tuple[str, dict[str, str]]:
    run = folder / f"{data}-{name}".replace(":", "_")
    command = [sys.executable, "-m", "ramify"]
    extra = [] if name.startswith("linear") else SHORT
    if data in ("pictures", "fashion"):
        extra = extra[:-2]  # its network has no hidden widths
    done = subprocess.run(
        [*command, "fit", *source, *way, *extra, "--output", str(run)],
        capture_output=True,
        text=True,
        check=False,
    )
    key = f"{data}/{name}"
    if done.returncode:
        return key, {"error": re.sub(r"\S*/\S*", "…", done.stderr.strip().splitlines()[-1])}
    told = run / "predictions.csv"
    subprocess.run(
        [*command, "predict", str(run), source[0], "--output", str(told)],
        capture_output=True,
        check=True,
    )
    return key, {
        "weights": weights(run),
        "scores": scores(run),
        "predictions": digest(told.read_bytes()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--compare", type=Path, nargs=2)
    parser.add_argument("--data", default="planted,tox21,pictures")
    parser.add_argument("--sharing", default=",".join(WAYS))
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    if given.compare:
        before, after = (json.loads(path.read_text()) for path in given.compare)
        shared = [key for key in before if key in after]
        differ = [key for key in shared if before[key] != after[key]]
        for key in differ:
            parts = [part for part in before[key] if before[key][part] != after[key].get(part)]
            print(f"{key}: {', '.join(parts)} differ: {before[key]} {after[key]}")
        print(f"{len(shared)} compared, {len(differ)} differ")
        sys.exit(bool(differ))
    ways = [(["--sharing", way], way) for way in given.sharing.split(",")]
    if given.sharing == ",".join(WAYS):
        ways += [(["--sharing", "hard", "--weighting", way], f"hard+{way}") for way in WEIGHTINGS]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.processes) as pool:
        jobs = [
            pool.submit(one, data, source, way, name, Path(folder))
            for data in given.data.split(",")
            for source in [DATA[data](Path(folder))]
            for way, name in ways
        ]
        found = dict(job.result() for job in jobs)
    given.output.write_text(json.dumps(found, indent=1))
    print(f"{len(found)} runs: {given.output}")


if __name__ == "__main__":
    main()
