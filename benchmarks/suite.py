"""Real sets x ways of sharing x rivals on the same rows: ranks, wins, CPU seconds.

    python benchmarks/suite.py --output suite                      # all that is missing, then tables
    python benchmarks/suite.py --output suite --methods ramify --splits 1 --sets enb jura
    python benchmarks/suite.py --output suite --try 'shared-100=--sharing hard --epochs 100'
    python benchmarks/suite.py --output suite --tables --methods ramify forest   # of what is there

One file of JSON per set, split and method: a run that is stopped goes on, others' results are kept when
ours are made anew (``--again METHOD``). One thread, one process at a time, each within a time
limit. What ramify trains and says comes from `ramify fit` and `ramify predict`.

Scores are of test rows, the mean over tasks: ROC-AUC, accuracy of several classes, and of numbers
1 − mean squared error / variance of the labels learned from, as ramify's skill (all tasks together
where each has rows of its own).
Two methods tie on a set if their means over the splits differ by no more than .005.
"""

import argparse
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import studentized_range
from sklearn.metrics import accuracy_score, roc_auc_score
from suite_data import DEVELOPMENT, SETS, Rows, read, task_names, written
from suite_rivals import RIVALS, predictions

TIE = 0.005
OURS = {
    "ramify": "",
    "shared": "--sharing hard --baselines ''",
    "shared-100-epochs": "--sharing hard --baselines '' --epochs 100",
    "selective": "--sharing selective --threshold 0.5 --baselines ''",
    "auto": "--sharing auto --baselines ''",
    "linear-trace-norm": "--sharing linear:trace-norm --baselines ''",
}
IMAGE_OPTIONS = "--images images --backbone cnn"
Scores = dict[str, dict[str, list[float]]]  # of a method, on a set, per split


def main() -> None:
    """Run what is missing, and tell what is there."""
    asked = _arguments()
    if asked.cell:
        resource.setrlimit(resource.RLIMIT_CPU, (asked.time_limit, asked.time_limit))
        _one(asked.cell[0], int(asked.cell[1]), asked.cell[2], asked.output, OURS)
        return
    names = asked.sets or list(SETS)
    for method in asked.again:
        for path in asked.output.glob(f"results/*/*/{method}.json"):
            path.unlink()
    for split in range(0 if asked.tables else asked.splits):
        for method in asked.methods:
            for name in names:
                _run(name, split, method, asked)
    _tell(asked, names)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("suite"))
    parser.add_argument("--sets", nargs="*", choices=list(SETS))
    parser.add_argument("--methods", nargs="*", default=[*OURS, *RIVALS])
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--time-limit", type=int, default=900, help="CPU seconds of a cell")
    parser.add_argument("--try", action="append", default=[], dest="tried", metavar="NAME=OPTIONS")
    parser.add_argument("--again", nargs="*", default=[], metavar="METHOD")
    parser.add_argument("--reference", default="ramify")
    parser.add_argument("--tables", action="store_true", help="run nothing")
    parser.add_argument("--cell", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    for each in asked.tried:
        name, _, options = each.partition("=")
        OURS[name] = options
        asked.methods.append(name)
    unknown = [m for m in asked.methods if m not in OURS and m not in RIVALS]
    if unknown and not (asked.cell or asked.tables):
        parser.error(f"--methods must be among {', '.join([*OURS, *RIVALS])}. Got {unknown}")
    return asked


def _run(name: str, split: int, method: str, asked: argparse.Namespace) -> None:
    target = _place(asked.output, name, split, method)
    if target.exists():
        return
    tried = [f"--try={method}={OURS[method]}"] if method in OURS else []
    limit = ["--time-limit", str(asked.time_limit)]
    cell = ["--output", str(asked.output), *limit, *tried, "--cell", name, str(split), method]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, *cell]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        above = done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
        words = f"above {asked.time_limit} CPU seconds" if above else done.stderr
        _write(target, {"fault": " ".join(words.split())[-300:]})
    result = json.loads(target.read_text(encoding="utf-8"))
    words = result.get("fault") or f"{result['score']:.4f} {result['seconds']:8.1f} s"
    print(f"{name:12} {split} {method:24} {words}", flush=True)


def _one(name: str, split: int, method: str, output: Path, ours: dict[str, str]) -> None:
    """One cell: learn, predict, score."""
    data = SETS[name]
    root = Path(os.environ.get("RAMIFY_DATA", "../shared/data"))
    path = written(data, root, output / "sets")
    rows = read(data, path, split)
    if method in ours:
        predicted, seconds = _of_ramify(name, path, split, ours[method])
    else:
        started = time.process_time()
        predicted = predictions(method, rows, data.kind)
        seconds = time.process_time() - started
    scores = score(predicted, rows, data.kind)
    _write(
        _place(output, name, split, method),
        {"score": float(np.nanmean(scores)), "seconds": seconds, "tasks": scores.tolist()},
    )


def _of_ramify(
    name: str, path: Path, split: int, options: str
) -> tuple[NDArray[np.float64], float]:
    from ramify.cli import main as ramify  # noqa: PLC0415

    data = SETS[name]
    words = ["fit", str(path), "--targets", "t_*", "--kind", f"t_*={data.kind}"]
    words += ["--split", f"column:split{split}", *(["--task-column", "task"] * data.by_task)]
    images = path.suffix == ".npz"
    words += [*(shlex.split(IMAGE_OPTIONS) if images else []), *shlex.split(options)]
    if not images:
        others = [f"split{i}" for i in range(5) if i != split]
        words += ["--ignore", ",".join(others)]
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        found = Path(folder) / "predictions.parquet"
        _warm_up()
        started = time.process_time()
        ramify([*words, "--output", f"{folder}/run"])
        more = ["--images", "images"] if images else []
        ramify(["predict", f"{folder}/run", str(path), "--output", str(found), *more])
        seconds = time.process_time() - started
        return _columns(pl.read_parquet(found), name, path, split), seconds


def _warm_up() -> None:
    """Load what a first use loads, so that seconds are those of the work."""
    import ramify.runs  # noqa: F401, PLC0415


def _columns(frame: pl.DataFrame, name: str, path: Path, split: int) -> NDArray[np.float64]:
    """Predictions of the test rows in the form that rivals give them."""
    data = SETS[name]
    rows = read(data, path, split)
    frame = frame[rows.side["test"].tolist()]
    columns = []
    for target in task_names(path):
        if data.by_task:
            names = pl.read_parquet(path)["task"][rows.side["test"].tolist()].to_list()
            wide = frame.select(f"{target}:{task}" for task in sorted(set(names)))
            place = {column.split(":", 1)[1]: i for i, column in enumerate(wide.columns)}
            values = wide.to_numpy()
            columns.append(values[np.arange(len(names)), [place[task] for task in names]])
        elif data.kind == "multiclass":
            classes = sorted(c for c in frame.columns if c.startswith(f"{target}="))
            columns.append(frame.select(classes).to_numpy().argmax(axis=1).astype(float))
        else:
            columns.append(frame[target].to_numpy())
    return np.stack(columns, axis=1).astype(float)


def score(predicted: NDArray[np.float64], rows: Rows, kind: str) -> NDArray[np.float64]:
    """Scores of the test rows per task; NaN where a task has none."""
    test = rows.side["test"]
    learned = np.concatenate([rows.side["train"], rows.side["validation"]])
    if not np.isfinite(predicted).all():
        raise SystemExit("predictions must be finite")
    if rows.task.max() >= 0:
        spread = np.zeros(rows.task.max() + 1)
        for task in np.unique(rows.task):
            spread[task] = rows.y[learned[rows.task[learned] == task], 0].var()
        error = ((rows.y[test, 0] - predicted[:, 0]) ** 2).sum()
        return np.array([1 - error / spread[rows.task[test]].sum()])
    found = np.full(rows.y.shape[1], np.nan)
    for t, column in enumerate(rows.y.T):
        known = test[~np.isnan(column[test])]
        own = predicted[~np.isnan(column[test]), t]
        if kind == "regression":
            spread = np.nanvar(column[learned])
            found[t] = 1 - ((column[known] - own) ** 2).mean() / spread if spread else np.nan
        elif kind == "multiclass":
            found[t] = accuracy_score(column[known], own)
        elif len(np.unique(column[known])) == 2:
            found[t] = roc_auc_score(column[known], own)
    return found


def _place(output: Path, name: str, split: int, method: str) -> Path:
    return output / "results" / name / str(split) / f"{method}.json"


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def _tell(asked: argparse.Namespace, names: Sequence[str]) -> None:
    """Scores, ranks, wins, and the picture."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for method in asked.methods:
        for name in names:
            paths = [_place(asked.output, name, i, method) for i in range(asked.splits)]
            cells = [json.loads(p.read_text(encoding="utf-8")) for p in paths if p.exists()]
            found.setdefault(method, {})[name] = [cell for cell in cells if "score" in cell]
    whole = {
        method: {n: _mean(cells) for n, cells in of.items() if len(cells) == asked.splits}
        for method, of in found.items()
    }
    methods = [m for m in asked.methods if whole[m]]
    common = [n for n in names if all(n in whole[m] for m in methods)]
    print("\n| set | " + " | ".join(methods) + " |\n|---|" + "--:|" * len(methods))
    for name in names:
        own = [whole[m].get(name) for m in methods]
        if any(value is not None for value in own):
            print(f"| {name} | " + " | ".join("" if v is None else f"{v:.3f}" for v in own) + " |")
    for words, part in (
        ("all sets", common),
        ("development sets", [n for n in common if n in DEVELOPMENT]),
        ("other sets", [n for n in common if n not in DEVELOPMENT]),
    ):
        if part and (part is common or len(part) < len(common)):
            _summary(words, part, methods, whole, found, asked)


def _mean(cells: Sequence[dict[str, Any]]) -> float:
    return float(np.mean([cell["score"] for cell in cells]))


def _summary(
    words: str,
    part: Sequence[str],
    methods: Sequence[str],
    whole: dict[str, dict[str, float]],
    found: dict[str, dict[str, list[dict[str, Any]]]],
    asked: argparse.Namespace,
) -> None:
    table = np.array([[whole[m][name] for m in methods] for name in part])
    ranks = _ranks(table).mean(axis=0)
    seconds = [sum(_seconds(found[m][name]) for name in part) for m in methods]
    print(f"\n{words} ({len(part)}), {asked.splits} splits; {asked.reference} against each:")
    print("| method | mean rank | mean score | win | tie | loss | worst | CPU s |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    own = methods.index(asked.reference) if asked.reference in methods else 0
    for i in np.argsort(ranks):
        gap = table[:, own] - table[:, i]
        wins = f"{(gap > TIE).sum()} | {(abs(gap) <= TIE).sum()} | {(gap < -TIE).sum()}"
        print(
            f"| {methods[i]} | {ranks[i]:.2f} | {table[:, i].mean():.4f} | {wins} | "
            f"{gap.min():+.3f} | {seconds[i]:,.0f} |"
        )
    if len(methods) > 2:
        print(
            _difference_picture([methods[i] for i in np.argsort(ranks)], np.sort(ranks), len(part))
        )


def _seconds(cells: Sequence[dict[str, Any]]) -> float:
    return float(np.mean([cell["seconds"] for cell in cells]))


def _ranks(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank 1 is best; a method's rank counts who is ahead by more than a tie, and half its ties."""
    gap = table[:, None, :] - table[:, :, None]  # (set, method, other): other − method
    ahead = (gap > TIE).sum(axis=2)
    level = (abs(gap) <= TIE).sum(axis=2) - 1
    return 1 + ahead + level / 2


def _difference_picture(methods: Sequence[str], ranks: NDArray[np.float64], n: int) -> str:
    """Nemenyi's critical difference in text: bars join ranks that cannot be told apart.

    References:
        Demšar. *Statistical Comparisons of Classifiers over Multiple Data Sets*, JMLR 2006.
    """
    k = len(methods)
    critical = studentized_range.ppf(0.95, k, np.inf) / 2**0.5 * (k * (k + 1) / (6 * n)) ** 0.5
    bars = []
    for i in range(k):
        last = max(j for j in range(k) if ranks[j] - ranks[i] <= critical)
        if last > i and all(last > b for _, b in bars):
            bars.append((i, last))
    lines = [f"critical difference of mean ranks (Nemenyi, 5 %): {critical:.2f}"]
    for i, (method, rank) in enumerate(zip(methods, ranks, strict=True)):
        marks = "".join("|" if a <= i <= b else " " for a, b in bars)
        lines.append(f"{rank:6.2f} {marks} {method}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
