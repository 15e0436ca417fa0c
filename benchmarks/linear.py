"""Linear multi-task models on real data, beside one model per task, pooled models and a forest.

    python benchmarks/linear.py                          # everything; takes long
    python benchmarks/linear.py --data School sarcos     # some data sets
    python benchmarks/linear.py --write                  # also renew docs/results/linear.md

Every setting is chosen by five-fold cross-validation within the training rows, the same for all;
test rows are scored once. Results are kept in ``--cache`` as they come, so a run that is stopped goes
on where it was. The folders of the data sets are looked for in the one that RAMIFY_DATA names.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from linear_data import DATA, Array, DataSet, Problem
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV, RidgeCV
from threadpoolctl import threadpool_limits

from ramify.linear import (
    BlockSparseCV,
    ClusteredTasksCV,
    DirtyCV,
    FeatureLearningCV,
    LatentBasisCV,
    MeanRegularizedCV,
    MultiTaskModel,
    TaskGroupingCV,
    TaskRelationshipCV,
    TraceNormCV,
)

STRENGTHS = np.geomspace(1e-3, 1e5, 33)
Results = dict[str, dict[str, float]]

PAGE = Path(__file__).parent.parent / "docs" / "results" / "linear.md"


class Estimator(Protocol):
    """What is fitted to the training rows and predicts the test rows, in standard units."""

    def __call__(self, problem: Problem, x: Array, y: Array) -> Array: ...


def ours(*models: Callable[[bool], MultiTaskModel]) -> Estimator:
    """A method of ours, with offsets of the tasks free or penalised like any coefficient."""

    def predict(problem: Problem, x: Array, y: Array) -> Array:
        best, least = None, np.inf
        for build in models:
            for free in (True, False):
                model, inputs = build(free), x if free else with_constant(x)
                task = {} if problem.task is None else {"task": problem.task[problem.train]}
                model.fit(inputs[problem.train], y[problem.train], **task)
                found = float(model.loss_path_.mean(axis=-1).min())
                if found < least:
                    best, least, test = model, found, inputs[problem.test]
        task = {} if problem.task is None else {"task": problem.task[problem.test]}
        return best.predict(test, **task)

    return predict


def per_task(build: Callable[[], RidgeCV | LassoCV]) -> Estimator:
    """One model per task."""

    def predict(problem: Problem, x: Array, y: Array) -> Array:
        train, test = x[problem.train], x[problem.test]
        if problem.task is None:
            return np.stack(
                [build().fit(train, column).predict(test) for column in y[problem.train].T], axis=1
            )
        found = np.empty(len(test))
        for each in np.unique(problem.task):
            mine, asked = problem.task[problem.train] == each, problem.task[problem.test] == each
            if asked.any():
                model = build().fit(train[mine], y[problem.train][mine])
                found[asked] = model.predict(test[asked])
        return found

    return predict


def pooled(*, offsets: bool) -> Estimator:
    """One ridge model for all tasks, if wanted with a shrunk offset for each."""

    def predict(problem: Problem, x: Array, y: Array) -> Array:
        inputs = x
        if offsets:
            tasks = np.eye(problem.task.max() + 1)[problem.task]
            inputs = np.concatenate([x, tasks], axis=1)
        model = RidgeCV(STRENGTHS, cv=5).fit(inputs[problem.train], y[problem.train])
        return model.predict(inputs[problem.test])

    return predict


def forest(problem: Problem, x: Array, y: Array) -> Array:
    """A random forest per target; where tasks have rows of their own, one that knows the task."""
    inputs = x if problem.task is None else np.concatenate([x, problem.task[:, None]], axis=1)
    columns = y[:, None] if problem.task is not None else y
    found = [
        RandomForestRegressor(200, min_samples_leaf=leaf(problem), n_jobs=2, random_state=0)
        .fit(inputs[problem.train], column[problem.train])
        .predict(inputs[problem.test])
        for column in columns.T
    ]
    return found[0] if problem.task is not None else np.stack(found, axis=1)


def leaf(problem: Problem) -> int:
    return 5 if problem.task is not None else 1


def with_constant(x: Array) -> Array:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def ridge() -> RidgeCV:
    return RidgeCV(STRENGTHS)


OURS: Mapping[str, Estimator] = {
    "BlockSparse": ours(lambda free: BlockSparseCV(q=2, fit_intercept=free, tol=1e-4)),
    "MeanRegularized": ours(
        lambda free: MeanRegularizedCV(mean_alpha=[1e-4, 1e-2, 1e-1], fit_intercept=free)
    ),
    "ClusteredTasks": ours(
        lambda free: ClusteredTasksCV(n_clusters=[2, 4], fit_intercept=free, tol=1e-4)
    ),
    "TraceNorm": ours(lambda free: TraceNormCV(fit_intercept=free, tol=1e-4)),
    "FeatureLearning": ours(lambda free: FeatureLearningCV(fit_intercept=free, tol=1e-4)),
    "TaskRelationship": ours(
        lambda free: TaskRelationshipCV(ridge=[1e-3, 1e-1], fit_intercept=free, tol=1e-4)
    ),
    "TaskGrouping": ours(
        lambda free: TaskGroupingCV(n_groups=[2], n_init=1, fit_intercept=free, tol=1e-4)
    ),
    "LatentBasis": ours(lambda free: LatentBasisCV(n_basis=[2, 4], n_init=2, fit_intercept=free)),
    "Dirty": ours(lambda free: DirtyCV(fit_intercept=free, tol=1e-4)),
}
LINEAR: Mapping[str, Estimator] = {
    "ridge per task": per_task(ridge),
    "lasso per task": per_task(lambda: LassoCV(alphas=30, cv=5, max_iter=5000)),
    "pooled ridge": pooled(offsets=False),
    "pooled ridge with offsets": pooled(offsets=True),
}
METHODS: Mapping[str, Estimator] = {**OURS, **LINEAR, "random forest": forest}


def score(kind: str, problem: Problem, predicted: Array, mean: Array) -> float:
    """The score that papers on the data set report; lower is better but for explained variance."""
    truth = problem.y[problem.test]
    error = truth - predicted
    if kind == "explained variance":
        return float(1 - (error**2).mean() / truth.var())
    if kind == "RMSE":
        tasks = np.unique(problem.task[problem.test])
        each = [np.sqrt((error[problem.task[problem.test] == t] ** 2).mean()) for t in tasks]
        return float(np.mean(each))
    if kind == "nMSE":
        return float(((error**2).mean(axis=0) / truth.var(axis=0)).mean())
    scale = ((truth - mean) ** 2).sum(axis=0)
    kept = scale > 0  # in a fold a rare target may not vary
    return float(np.sqrt((error**2).sum(axis=0)[kept] / scale[kept]).mean())


def run(method: Estimator, data: DataSet, problem: Problem) -> dict[str, float]:
    """Fit on the training rows in standard units, and score the test rows."""
    filled = np.where(np.isnan(problem.x), np.nanmean(problem.x[problem.train], axis=0), problem.x)
    train = filled[problem.train]
    spread = train.std(axis=0)
    kept = spread > 1e-9
    x = (filled[:, kept] - train[:, kept].mean(axis=0)) / spread[kept]
    mean, scale = problem.y[problem.train].mean(axis=0), problem.y[problem.train].std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        predicted = method(problem, x, (problem.y - mean) / scale) * scale + mean
    seconds = time.perf_counter() - started
    found = {"score": score(data.score, problem, predicted, mean), "seconds": seconds}
    if data.score == "explained variance":
        error = problem.y[problem.test] - predicted
        found["rmse"] = float(np.sqrt((error**2).mean()))
    return found


def fits(name: str, data: DataSet) -> bool:
    stacked = data.name in {"School", "Computer survey", "Parkinson"}
    return stacked or not name.startswith("pooled")


def table(data: DataSet, results: Mapping[str, list[dict[str, float]]]) -> str:
    """A Markdown table, the best first."""
    sign = -1 if data.score == "explained variance" else 1
    order = sorted(results, key=lambda name: sign * np.mean([r["score"] for r in results[name]]))
    has_rmse = "rmse" in next(iter(results.values()))[0]
    more = ["RMSE"] if has_rmse else []
    head = ["method", "mean", "sd over splits", *more, "seconds per split"]
    lines = [
        f"### {data.name}: {data.score}, {len(next(iter(results.values())))} splits",
        "",
        "| " + " | ".join(head) + " |",
        "|---|" + "--:|" * (len(head) - 1),
    ]
    for name in order:
        values = np.array([r["score"] for r in results[name]])
        cells = [f"**{name}**" if name in OURS else name]
        cells += [f"{values.mean():.4f}", f"{values.std(ddof=1):.4f}"]
        cells += [f"{np.mean([r['rmse'] for r in results[name]]):.3f}"] if has_rmse else []
        cells.append(f"{np.mean([r['seconds'] for r in results[name]]):.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="*", help="names of data sets, any case; all by default")
    parser.add_argument("--methods", nargs="*", help="names of methods; all by default")
    parser.add_argument("--splits", type=int, default=10, help="at most so many of each data set")
    parser.add_argument("--cache", type=Path, default=Path("linear-results.json"))
    parser.add_argument("--write", action="store_true", help=f"renew {PAGE.name}")
    asked = parser.parse_args()
    known = json.loads(asked.cache.read_text()) if asked.cache.exists() else {}
    wanted = None if asked.data is None else {name.lower() for name in asked.data}
    for data in DATA:
        if wanted is None or data.name.lower() in wanted:
            measure(data, asked, known)
    pages = [page for data in DATA if (page := summed_up(data, known))]
    text = "\n\n".join([overview(known), *pages])
    print(text)
    if asked.write:
        PAGE.write_text(f"{HEAD}\n\n{text}\n", encoding="utf-8")


def measure(data: DataSet, asked: argparse.Namespace, known: Results) -> None:
    """Run what is not known yet of a data set, and keep it."""
    root = Path(os.environ.get("RAMIFY_DATA", Path(__file__).parents[2] / "shared" / "data"))
    for i, problem in zip(range(asked.splits), data.splits(root), strict=False):
        for name, method in METHODS.items():
            key = f"{data.name}/{name}/{i}"
            if key in known or not fits(name, data) or name not in (asked.methods or METHODS):
                continue
            with threadpool_limits(1):
                known[key] = run(method, data, problem)
            print(f"{key}: {known[key]['score']:.4f} in {known[key]['seconds']:.1f} s", flush=True)
            asked.cache.write_text(json.dumps(known))


def scored(data: DataSet, known: Results) -> dict[str, list[dict[str, float]]]:
    """The results of each method on the splits that all have done; empty if they are not two."""
    methods = [name for name in METHODS if fits(name, data)]
    keys = {name: [f"{data.name}/{name}/{i}" for i in range(10)] for name in methods}
    done = [i for i in range(10) if all(keys[name][i] in known for name in methods)]
    if len(done) < 2:
        return {}
    return {name: [known[keys[name][i]] for i in done] for name in methods}


def summed_up(data: DataSet, known: Results) -> str:
    """The table of a data set; empty if there are not two whole splits."""
    results = scored(data, known)
    return table(data, results) if results else ""


def overview(known: Results) -> str:
    """A table of all sets: the best of ramify's linear models against the best of the others."""
    lines = [
        "| data set | best of ramify | best other linear model | gain ± sd over splits | splits won | place of the forest |",
        "|---|---|---|--:|--:|--:|",
    ]
    n_ahead = n_sets = 0
    for data in DATA:
        if not (results := scored(data, known)):
            continue
        sign = 1 if data.score == "explained variance" else -1
        scores = {name: sign * np.array([r["score"] for r in f]) for name, f in results.items()}
        order = sorted(scores, key=lambda name: -scores[name].mean())
        own = next(name for name in order if name in OURS)
        other = next(name for name in order if name in LINEAR)
        gain = scores[own] - scores[other]
        n_sets, n_ahead = n_sets + 1, n_ahead + (gain.mean() > 0)
        spread = gain.std(ddof=1)
        lines.append(
            f"| {data.name} | {own} | {other} | {gain.mean():+.4f} ± {spread:.4f} "
            f"| {(gain > 0).sum()} of {len(gain)} | {order.index('random forest') + 1} |"
        )
    return "\n".join([*lines, "", f"Ahead on {n_ahead} of {n_sets} sets."])


HEAD = """# Linear models on real data

Made by `python benchmarks/linear.py --write`; test rows are scored once. The strength of every linear model is
chosen within the training rows: by five-fold cross-validation for those of ramify (in bold), the lasso and
pooled ridge, by leave-one-out for ridge per task. Methods of ramify also choose whether the offsets of the
tasks are penalised, and up to three values of a second setting; the others have no such choice. The forest is
not tuned: 200 trees, leaves of at least five rows where tasks have rows of their own, else of one.

The best first, by test score. The first table sets the best of nine methods of ramify against the best of two
others, or of four where tasks have rows of their own, both picked by test score: that favours the larger number,
and a gain within its spread says nothing. Gains are paired by split, above 0 where ramify is ahead. School has
its ten official splits; each table says how many it rests on. In the tables of the sets lower is better, but
for explained variance. Convex problems are solved to a gap of 1e-4 of the loss at zero or less. Seconds are those
of a machine that did other work too."""


if __name__ == "__main__":
    main()
