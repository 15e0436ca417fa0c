"""Members of a portfolio on the sets of `suite.py`: kernels, forests, boosting, and their ensembles.

    python benchmarks/portfolio.py --output suite --splits 0 1 --sets enb jura --members laplace forest
    python benchmarks/portfolio.py --output suite --splits 0 1 --combine all=laplace,rbf,forest

A member is kept as its predictions out of fold and of the test rows (``members/SET-SPLIT-MEMBER.npz``);
an ensemble is then a matter of milliseconds, and is written as a method of the suite, whose ``--tables``
ranks it. Members learn from training and validation rows alike, with the same five folds; forests
predict out of bag.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from suite import _place, _write, score
from suite_data import SETS, Rows, read, written

from ramify.ensembles import folds_of, label_columns, select
from ramify.kernels import fit_kernel
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet

Array = NDArray[np.float64]
Found = tuple[Array, Array]  # out of fold, and of the test rows: (row, column)


@dataclass(frozen=True, eq=False)
class Problem:
    """A split as members take it: all rows that may be learned from, and the test rows."""

    x: Array
    x_test: Array
    y: Array  # (row, column), NaN where there is no label
    task: NDArray[np.intp] | None
    task_test: NDArray[np.intp] | None
    tasks: TaskSet
    fold: NDArray[np.intp]
    kind: str
    rows: Rows

    @classmethod
    def of(cls, name: str, split: int, output: Path, n_folds: int | None = None) -> "Problem":
        data = SETS[name]
        root = Path(os.environ.get("RAMIFY_DATA", "../shared/data"))
        rows = read(data, written(data, root, output / "sets"), split)
        learned = np.concatenate([rows.side["train"], rows.side["validation"]])
        test = rows.side["test"]
        tasks = TaskSet([_task(t, column, data.kind) for t, column in enumerate(rows.y[learned].T)])
        targets = rows.y[learned]
        y = label_columns(np.nan_to_num(targets), ~np.isnan(targets), tasks)
        x, x_test = _filled(rows.x[learned].astype(float), rows.x[test].astype(float))
        task = rows.task[learned] if data.by_task else None
        fold = folds_of(y, n_folds, seed=split, task=task)
        task_test = rows.task[test] if data.by_task else None
        return cls(x, x_test, y, task, task_test, tasks, fold, data.kind, rows)

    @property
    def with_task(self) -> Found:
        """Inputs with a column of 0 and 1 per task, where rows have tasks."""
        if self.task is None or self.task_test is None:
            return self.x, self.x_test
        one = np.eye(self.task.max() + 1)
        return np.c_[self.x, one[self.task]], np.c_[self.x_test, one[self.task_test]]


def _task(t: int, labels: Array, kind: str) -> Task:
    if kind == "regression":
        scale = float(np.nanstd(labels))
        return Task(f"t{t}", Regression(float(np.nanmean(labels)), scale or 1.0))
    if kind == "binary":
        return Task(f"t{t}", Binary())
    return Task(f"t{t}", Multiclass(tuple(map(str, range(int(np.nanmax(labels)) + 1)))))


def _filled(x: Array, x_test: Array) -> Found:
    """Means where a number is missing, and a column that says so."""
    gaps = np.isnan(x).any(axis=0)
    means = np.nan_to_num(np.nanmean(x, axis=0))

    def fill(part: Array) -> Array:
        return np.c_[np.where(np.isnan(part), means, part), np.isnan(part[:, gaps])]

    return fill(x), fill(x_test)


def _kernel(kernel: str, scaling: str, **settings: object) -> Callable[[Problem, int], Found]:
    def member(problem: Problem, seed: int) -> Found:
        fit = fit_kernel(
            problem.x,
            problem.y,
            kernel=kernel,
            scaling=scaling,
            fold=problem.fold,
            task=problem.task,
            column_task=np.array(problem.tasks.task_of_column),
            **settings,
        )
        member.note = (
            f"gamma {fit.gamma:g} share {fit.share:g} strengths {np.unique(fit.strengths)}"
        )
        return fit.oof, fit.model.predict(problem.x_test, problem.task_test)

    return member


def _forest(
    made: type, *, joint: bool = False, share: float | None = None, n: int = 200
) -> Callable[[Problem, int], Found]:
    def member(problem: Problem, seed: int) -> Found:
        x, x_test = problem.with_task
        of_task = np.array(problem.tasks.task_of_column)
        groups = (
            [np.arange(len(of_task))]
            if joint
            else [np.flatnonzero(of_task == t) for t in np.unique(of_task)]
        )
        oof, test = np.empty_like(problem.y), np.empty((len(x_test), len(of_task)))
        features = share or (1 / 3 if problem.kind == "regression" else "sqrt")
        for columns in groups:
            y = problem.y[:, columns]
            known = ~np.isnan(y).any(axis=1)
            oof[:, columns] = test[:, columns] = y[known].mean(axis=0)
            if np.ptp(y[known]) == 0 or (joint and not known.all()):
                continue
            model = made(
                n, bootstrap=True, oob_score=True, random_state=seed, max_features=features
            )
            model.fit(x[known], y[known] if len(columns) > 1 else y[known, 0])
            found = model.oob_prediction_.reshape(known.sum(), -1)
            oof[np.ix_(np.flatnonzero(known), columns)] = np.where(
                np.isnan(found), y[known].mean(axis=0), found
            )
            test[:, columns] = model.predict(x_test).reshape(len(x_test), -1)
        return oof, test

    return member


def _boosting(problem: Problem, seed: int) -> Found:
    """A model per fold and column, stopped by the fold; the answer is their mean."""
    x, x_test = problem.with_task
    number = problem.kind == "regression"
    oof, test = np.empty_like(problem.y), np.zeros((len(x_test), problem.y.shape[1]))
    k = problem.fold.max() + 1
    for c, y in enumerate(problem.y.T):
        known = ~np.isnan(y)
        for f in range(k):
            learned, held = known & (problem.fold != f), problem.fold == f
            labelled = held & known
            if (
                len(np.unique(y[learned])) < 2
                or not labelled.any()
                or (not number and len(np.unique(y[labelled])) < 2)
            ):
                oof[held, c] = y[learned].mean()
                test[:, c] += y[learned].mean() / k
                continue
            made = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
            model = made(
                max_iter=500,
                learning_rate=0.05,
                max_leaf_nodes=15,
                early_stopping=True,
                n_iter_no_change=30,
                max_features=0.5,
                random_state=seed,
                min_samples_leaf=int(np.clip(learned.sum() // 20, 2, 20)),
            )
            model.fit(x[learned], y[learned], X_val=x[labelled], y_val=y[labelled])
            given = (
                model.predict
                if number
                else lambda rows, model=model: model.predict_proba(rows)[:, 1]
            )
            oof[held, c] = given(x[held])
            test[:, c] += given(x_test) / k
    return oof, test


MEMBERS: dict[str, Callable[[Problem, int], Found]] = {
    **{
        f"{name}@{scaling}": _kernel(kernel, scaling)
        for name, kernel in (("ridge", "linear"), ("laplace", "laplace"), ("rbf", "rbf"))
        for scaling in ("quantile", "standard", "clipped")
    },
    "tanimoto": _kernel("tanimoto", "quantile"),
    "forest": _forest(RandomForestRegressor),
    "forest-joint": _forest(RandomForestRegressor, joint=True),
    "extra": _forest(ExtraTreesRegressor),
    "extra-joint": _forest(ExtraTreesRegressor, joint=True),
    "boosting": _boosting,
}


def run(name: str, split: int, member: str, output: Path, n_folds: int | None) -> None:
    """One member, if it is not there yet."""
    tag = member if n_folds is None else f"{member}#{n_folds}"
    path = output / "members" / f"{name}-{split}-{tag}.npz"
    if path.exists():
        return
    problem = Problem.of(name, split, output, n_folds)
    started = time.process_time()
    oof, test = MEMBERS[member](problem, split)
    seconds = time.process_time() - started
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, oof=oof.astype(np.float32), test=test.astype(np.float32), seconds=seconds)
    part.replace(path)
    note = getattr(MEMBERS[member], "note", "")
    print(
        f"{name:12} {split} {tag:18} {graded(test, problem):.4f} {seconds:8.1f} s {note}",
        flush=True,
    )


def graded(test: Array, problem: Problem) -> float:
    """The score of the suite."""
    if problem.kind == "multiclass":
        of_task = np.array(problem.tasks.task_of_column)
        columns = [test[:, of_task == t].argmax(axis=1) for t in np.unique(of_task)]
        test = np.stack(columns, axis=1).astype(float)
    return float(np.nanmean(score(test, problem.rows, problem.kind)))


def combine(name: str, split: int, method: str, members: list[str], output: Path) -> None:
    """The ensemble of the members that are there."""
    paths = [output / "members" / f"{name}-{split}-{m}.npz" for m in members]
    there = [(m, np.load(p)) for m, p in zip(members, paths, strict=True) if p.exists()]
    if not there:
        return
    problem = Problem.of(name, split, output)
    found = [each["oof"].astype(float) for _, each in there]
    tests = [each["test"].astype(float) for _, each in there]
    labels, tasks = problem.y, problem.tasks
    if problem.task is not None and problem.task_test is not None:
        labels, found, tests, tasks = _by_task(problem, found, tests)
    started = time.process_time()
    ensemble = select(found, labels, tasks, fold=problem.fold)
    predicted = ensemble.combine(tests)
    seconds = time.process_time() - started + sum(float(each["seconds"]) for _, each in there)
    if problem.task_test is not None:
        predicted = predicted[np.arange(len(predicted)), problem.task_test][:, None]
    weights = {m: float(w) for (m, _), w in zip(there, ensemble.weights.mean(axis=0), strict=True)}
    result = {
        "score": graded(predicted, problem),
        "seconds": seconds,
        "weights": weights,
        "expected": float(np.nanmean(ensemble.loss)),
    }
    _write(_place(output, name, split, method), result)


def _by_task(
    problem: Problem, found: list[Array], tests: list[Array]
) -> tuple[Array, list[Array], list[Array], TaskSet]:
    """Rows of one task each as columns of all tasks, labelled in their own."""
    place = np.arange(len(problem.y)), problem.task
    n_tasks = problem.task.max() + 1
    labels = np.full((len(problem.y), n_tasks), np.nan)
    labels[place] = problem.y[:, 0]
    tasks = TaskSet([_task(t, column, problem.kind) for t, column in enumerate(labels.T)])
    return (
        labels,
        [np.repeat(each, n_tasks, axis=1) for each in found],
        [np.repeat(each, n_tasks, axis=1) for each in tests],
        tasks,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("suite"))
    parser.add_argument("--sets", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--splits", nargs="*", type=int, default=[0])
    parser.add_argument("--members", nargs="*", choices=list(MEMBERS), default=[])
    parser.add_argument("--combine", nargs="*", default=[], metavar="NAME=MEMBER,MEMBER")
    parser.add_argument("--folds", type=int)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
    for split in asked.splits:
        for name in asked.sets:
            for member in asked.members:
                run(name, split, member, asked.output, asked.folds)
            for each in asked.combine:
                method, _, members = each.partition("=")
                combine(name, split, method, members.split(","), asked.output)


if __name__ == "__main__":
    main()
