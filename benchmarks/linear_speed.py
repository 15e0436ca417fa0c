"""Block-sparse models at equal optimality: our time over that of scikit-learn, skglm and celer.

    python benchmarks/linear_speed.py [shared] [stacked] [path] [large] [--output linear_speed.json]

Every rival gets the loosest of its tolerances with which its duality gap, computed here in one way
for all, is at most a millionth of the loss without coefficients. One thread, and the time that it
computed. See benchmarks/README.md.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import MultiTaskLasso
from threadpoolctl import threadpool_limits

from ramify.linear import BlockSparse, MeanRegularized

Array = NDArray[np.float64]
Fit = Callable[[Array, Array, float, float], tuple[Array, Array]]

GAP = 1e-6
SHAPES = ((1000, 500, 20), (200, 5000, 40))
PARTS_OF_LARGEST = (0.3, 0.1, 0.03)
MOST_BYTES = 1.5 * 2**30


def main() -> None:
    """Run what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        found = {part: list(PARTS[part](arguments.rounds)) for part in arguments.parts or PARTS}
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def shared(rounds: int) -> Iterator[dict[str, Any]]:
    """One design matrix for all tasks, where the others can follow."""
    for n_rows, n_features, n_tasks in SHAPES:
        X, Y = planted(n_rows, n_features, n_tasks)
        for part in PARTS_OF_LARGEST:
            alpha = part * largest_alpha(X, Y)
            tols = {name: loosest(fit, X, Y, alpha) for name, fit in fits().items()}
            kept = {name: tol for name, tol in tols.items() if tol is not None}
            seconds = in_turns(kept, X, Y, alpha, rounds)
            row = {"shape": [n_rows, n_features, n_tasks], "part": part, "seconds": seconds}
            times = ", ".join(f"{name} {1e3 * each:.1f} ms" for name, each in seconds.items())
            over = {n: seconds["ramify"] / each for n, each in seconds.items() if n != "ramify"}
            ratios = ", ".join(f"÷ {name} {each:.2f}" for name, each in over.items())
            print(f"{row['shape']}, {part} of the largest strength: {ratios}   ({times})")
            yield row | {"ratios": over, "tols": kept}


def stacked(rounds: int) -> Iterator[dict[str, Any]]:
    """Rows of 139 tasks of 28 features, one below the other."""
    X, y, task = rows_of_tasks(15_000, 28, 139)
    for part in PARTS_OF_LARGEST:
        model = BlockSparse(part * 0.5, tol=GAP)
        seconds = [timed(partial(model.fit, X, y, task=task)) for _ in range(rounds)]
        print(f"[15000, 28, 139 stacked], {model.alpha:.3g}: {1e3 * np.median(seconds):.0f} ms")
        yield {"alpha": model.alpha, "seconds": float(np.median(seconds))}


def path(_: int) -> Iterator[dict[str, Any]]:
    """Fifty strengths, each from the last solution, over fifty fits from nothing."""
    for n_rows, n_features, n_tasks in SHAPES:
        X, Y = planted(n_rows, n_features, n_tasks)
        alphas = np.geomspace(1, 0.03, 50) * largest_alpha(X, Y)
        models = {
            "warm": BlockSparse(tol=GAP, warm_start=True),
            "cold": BlockSparse(tol=GAP),
        }
        times = dict.fromkeys(models, 0.0)
        for alpha in alphas:
            for name, model in models.items():
                times[name] += timed(partial(model.set_params(alpha=alpha).fit, X, Y))
        ratio = times["warm"] / times["cold"]
        print(
            f"[{n_rows}, {n_features}, {n_tasks}], path of 50: warm ÷ cold {ratio:.2f}"
            f"   ({times['warm']:.2f} s, {times['cold']:.2f} s)"
        )
        yield {"shape": [n_rows, n_features, n_tasks], "ratio": ratio, "seconds": times}


def large(_: int) -> Iterator[dict[str, Any]]:
    """A thousand tasks, sparse rows of ten thousand columns: time and peak memory."""
    for name in ("BlockSparse", "MeanRegularized"):
        command = [sys.executable, __file__, "--large-child", name]
        report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        row = json.loads(report)
        print(
            f"{name}, 1,000 tasks, 10,000 sparse columns: {row['seconds']:.1f} s, "
            f"{row['bytes'] / 2**30:.2f} GiB, {row['n_iter']} steps"
        )
        if row["bytes"] > MOST_BYTES:
            sys.exit("more than 1.5 GiB")
        yield {"model": name, **row}


PARTS: dict[str, Callable[[int], Iterator[dict[str, Any]]]] = {
    "shared": shared,
    "stacked": stacked,
    "path": path,
    "large": large,
}


def large_child(name: str) -> None:
    """Fit in a process of its own, so that the peak is this model's."""
    rng = np.random.default_rng(0)
    X = sp.random_array((50_000, 10_000), density=0.002, rng=rng, format="csr")
    task = np.arange(50_000) % 1000
    direction = np.zeros(10_000)
    direction[:50] = rng.normal(size=50)
    y = 5 * (X @ direction) + 0.1 * rng.normal(size=50_000)
    models: dict[str, Any] = {
        "BlockSparse": BlockSparse(0.3),
        "MeanRegularized": MeanRegularized(),
    }
    model = models[name]
    with threadpool_limits(1):
        seconds = timed(partial(model.fit, X, y, task=task))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(
        json.dumps({"seconds": seconds, "bytes": peak, "n_iter": model.n_iter_}) + "\n"
    )


def fits() -> dict[str, Fit]:
    """Ours and the rivals that are installed, each from rows to coefficients and intercepts."""
    found: dict[str, Fit] = {"ramify": _ramify, "scikit-learn": _scikit_learn}
    rivals = {"skglm": _skglm, "celer": _celer}
    return found | {name: fit for name, fit in rivals.items() if find_spec(name)}


def _ramify(X: Array, Y: Array, alpha: float, tol: float) -> tuple[Array, Array]:
    model = BlockSparse(alpha, tol=tol, max_iter=100_000).fit(X, Y)
    return model.coef_, model.intercept_


def _scikit_learn(X: Array, Y: Array, alpha: float, tol: float) -> tuple[Array, Array]:
    model = MultiTaskLasso(alpha, tol=tol, max_iter=100_000).fit(X, Y)
    return model.coef_, model.intercept_


def _skglm(X: Array, Y: Array, alpha: float, tol: float) -> tuple[Array, Array]:
    model = import_module("skglm.estimators").MultiTaskLasso(alpha, tol=tol).fit(X, Y)
    return model.coef_, model.intercept_


def _celer(X: Array, Y: Array, alpha: float, tol: float) -> tuple[Array, Array]:
    # The estimator of celer 0.7.4 does not run on scikit-learn 1.9; its path function does.
    mtl_path = import_module("celer.homotopy").mtl_path
    centre, mean = X.mean(axis=0), Y.mean(axis=0)
    rows, labels = np.asfortranarray(X - centre), np.asfortranarray(Y - mean)
    coef = mtl_path(rows, labels, alphas=[alpha], tol=tol)[1][:, :, 0]
    return coef, mean - coef @ centre


def loosest(fit: Fit, X: Array, Y: Array, alpha: float) -> float | None:
    """The loosest tolerance that reaches the gap; this is also the run that warms up."""
    for tol in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8):
        coef, intercept = fit(X, Y, alpha, tol)
        if relative_gap(X, Y, alpha, coef, intercept) <= GAP:
            return tol
    return None


def in_turns(
    tols: dict[str, float], X: Array, Y: Array, alpha: float, rounds: int
) -> dict[str, float]:
    """The median time of each, one after the other in every round."""
    spent: dict[str, list[float]] = {name: [] for name in tols}
    every = fits()
    for _ in range(rounds):
        for name, tol in tols.items():
            spent[name].append(timed(partial(every[name], X, Y, alpha, tol)))
    return {name: float(np.median(each)) for name, each in spent.items()}


def relative_gap(X: Array, Y: Array, alpha: float, coef: Array, intercept: Array) -> float:
    """Objective minus dual objective, over the loss without coefficients."""
    n_rows = len(X)
    rows, labels = X - X.mean(axis=0), Y - Y.mean(axis=0)
    errors = Y - X @ coef.T - intercept
    errors = errors - errors.mean(axis=0)
    value = 0.5 * (errors**2).sum() / n_rows + alpha * np.linalg.norm(coef, axis=0).sum()
    pull = np.linalg.norm(rows.T @ errors / n_rows, axis=1).max()
    dual = min(1.0, alpha / pull) * errors / n_rows
    bound = (dual * labels).sum() - n_rows / 2 * (dual**2).sum()
    return float((value - bound) / (0.5 * (labels**2).sum() / n_rows))


def planted(n_rows: int, n_features: int, n_tasks: int) -> tuple[Array, Array]:
    """Rows of which twenty features matter to every task, half as much noise as signal."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.normal(size=(n_rows, n_features)))
    coef = np.zeros((n_features, n_tasks))
    coef[rng.choice(n_features, 20, replace=False)] = rng.normal(size=(20, n_tasks))
    return X, X @ coef + np.sqrt(20) / 2 * rng.normal(size=(n_rows, n_tasks))


def rows_of_tasks(n_rows: int, n_features: int, n_tasks: int) -> tuple[Array, Array, Array]:
    """Rows of tasks that use ten features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_features))
    task = rng.integers(n_tasks, size=n_rows)
    coef = np.zeros((n_tasks, n_features))
    coef[:, :10] = rng.normal(size=(n_tasks, 10))
    return X, (X * coef[task]).sum(axis=1) + rng.normal(size=n_rows), task


def largest_alpha(X: Array, Y: Array) -> float:
    """The smallest strength that leaves every coefficient zero."""
    moments = (X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0)) / len(X)
    return float(np.linalg.norm(moments, axis=1).max())


def timed(call: Callable[[], object]) -> float:
    """Seconds that this thread computes, whatever else the machine does."""
    before = time.thread_time()
    call()
    return time.thread_time() - before


if __name__ == "__main__":
    if sys.argv[1:2] == ["--large-child"]:
        large_child(sys.argv[2])
    else:
        main()
