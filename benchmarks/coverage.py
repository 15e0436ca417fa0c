"""How often intervals hold what they should, and how often a report would claim what is not so.

    python benchmarks/coverage.py [--repeats 400]

Made predictions of networks that are equally good, so that every claim is false: their errors share what
is hard about a row, what training anew changes, and where groups are drawn what is common to a group. The
scores, intervals and claims are those that `fit` and `compare` write into their records.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ramify.comparison import paired_gains
from ramify.metrics import score_intervals
from ramify.runs._scoring import differences, scored
from ramify.tasks import Binary, Regression, Task, TaskSet
from ramify.training import Predictions

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A table, and networks that are equally good on it.

    Attributes:
        name: What it stands for.
        n_tasks: Number of tasks; every third is a number.
        n_rows: Test rows.
        rate: Share of positives.
        groups: Number of groups of rows; 0 for single rows.
        within: Correlation within a group.
        labelled: Share of labels that are there.
        members: Networks that answer together on each side.
        training: Spread of what training anew changes, in units of the noise of a row.
    """

    name: str
    n_tasks: int = 12
    n_rows: int = 400
    rate: float = 0.3
    groups: int = 0
    within: float = 0.0
    labelled: float = 1.0
    members: int = 5
    training: float = 0.5


CASES = [
    Case("12 tasks"),
    Case("1 task", n_tasks=1),
    Case("3 tasks, 100 rows", n_tasks=3, n_rows=100),
    Case("100 tasks", n_tasks=100),
    Case("rare labels (2 %)", rate=0.02, n_rows=500),
    Case("half of the labels", labelled=0.5),
    Case("30 groups, correlation .3", groups=30, within=0.3),
    Case("30 groups, correlation .6", groups=30, within=0.6),
    Case("2 networks each", members=2),
    Case("3 networks each", members=3),
    Case("10 networks each", members=10),
    Case("training changes nothing", training=0.0),
    Case("training changes much, 2 each", training=2.0, members=2),
    Case("training changes much", training=2.0),
]


def drawn(case: Case, rng: np.random.Generator) -> tuple[TaskSet, Predictions, Predictions]:
    """Predictions of two ensembles on the same rows."""
    kinds = [Regression(0.0, 1.0) if t % 3 == 2 else Binary() for t in range(case.n_tasks)]
    tasks = TaskSet([Task(f"t{t}", kind) for t, kind in enumerate(kinds)])
    shape = (case.n_rows, case.n_tasks)
    groups = np.arange(case.n_rows) * case.groups // case.n_rows if case.groups else None

    def noise() -> Array:
        alone = rng.normal(size=shape)
        if groups is None:
            return alone
        common = rng.normal(size=(case.groups, case.n_tasks))[groups]
        return np.sqrt(case.within) * common + np.sqrt(1 - case.within) * alone

    signal, hard = noise(), noise()
    truth = np.where([isinstance(k, Regression) for k in kinds], signal + 0.7 * hard, 0.0)
    yes = signal > norm.ppf(1 - case.rate)
    targets = np.where([isinstance(k, Regression) for k in kinds], truth, yes)
    mask = rng.random(shape) < case.labelled

    def ensemble() -> Predictions:
        # A way of sharing has errors of its own on each row, which are the same for all trainings;
        # a training has an offset for each row and one for the whole task.
        own = 0.4 * noise()
        member = [
            signal + 0.5 * hard + own + case.training * 0.4 * rng.normal(size=shape)
            for _ in range(case.members)
        ]
        together = np.stack(member)
        left = (together.sum(axis=0) - together) / (case.members - 1)
        return Predictions(together.mean(axis=0), targets, mask, groups, left_out=tuple(left))

    return tasks, ensemble(), ensemble()


def run(case: Case, repeats: int) -> None:
    """Print one line of the table of `fit`."""
    rng = np.random.default_rng(sum(map(ord, case.name)))
    covered, tests, mean_covered, headline, lost = 0, 0, 0, 0, 0
    for _ in range(repeats):
        tasks, ours, theirs = drawn(case, rng)
        per_task, mean = differences(scored(ours, tasks), scored(theirs, tasks))
        known = [d for d in per_task if d.low is not None and d.high is not None]
        covered += sum((d.low or 0) <= 0 <= (d.high or 0) for d in known)
        tests += len(known)
        mean_covered += (mean.low or 0) <= 0 <= (mean.high or 0)
        headline += bool(mean.clear)
        lost += any(d.clear and (d.value or 0) < 0 for d in per_task)
    cells = [covered / tests, mean_covered / repeats, headline / repeats, lost / repeats]
    print(f"{case.name:32}" + "".join(f"{cell:10.3f}" for cell in cells))


def run_scores(repeats: int) -> None:
    """Coverage of the interval of a single score."""
    print("\nInterval of a score          positives  rows   truth  covered")
    rng = np.random.default_rng(1)
    for area in (0.6, 0.8, 0.95):
        for positives, rows in ((5, 80), (10, 300), (30, 300), (150, 300)):
            tasks = TaskSet([Task("a", Binary())])
            targets = (np.arange(rows) < positives).astype(np.float64)[:, None]
            apart, mask, inside = np.sqrt(2) * norm.ppf(area), np.ones_like(targets, bool), 0
            for _ in range(repeats):
                values = rng.normal(size=targets.shape) + apart * targets
                (found,) = score_intervals(Predictions(values, targets, mask).scored(tasks))
                inside += found.low <= area <= found.high
            print(f"ROC-AUC{positives:31}{rows:6}{area:8.2f}{inside / repeats:9.3f}")
    for rows in (40, 200):
        tasks = TaskSet([Task("a", Regression(0.0, 1.0))])
        mask, inside = np.ones((rows, 1), bool), 0
        for _ in range(repeats):
            targets = rng.normal(size=(rows, 1))
            (found,) = score_intervals(Predictions(0 * targets, targets, mask).scored(tasks))
            inside += found.low <= 1 <= found.high
        print(f"RMSE{rows:40}{1:8.2f}{inside / repeats:9.3f}")


def run_seeds(repeats: int) -> None:
    """Claims and coverage of `compare`, where every seed divides the same rows anew."""
    print("\nGains over seeds (compare)       seeds  tasks  covered  any clear")
    rng = np.random.default_rng(2)
    n_rows = 600
    for n_seeds in (2, 3, 5, 10):
        for n_tasks in (1, 12, 100):
            covered, tests, claims = 0, 0, 0
            for _ in range(repeats):
                rows = rng.normal(size=(n_rows, n_tasks))
                taught = 0.3 * rng.normal(size=(n_rows, n_tasks))
                gains = np.empty((n_seeds, n_tasks))
                for seed in range(n_seeds):
                    order = rng.permutation(n_rows)
                    test, train = order[:60], order[120:]
                    training = 0.05 * rng.normal(size=n_tasks)
                    gains[seed] = rows[test].mean(0) + taught[train].mean(0) + training
                found = paired_gains(gains, overlap=60 / 480)
                covered += sum((g.low or 0) <= 0 <= (g.high or 0) for g in found)
                tests += len(found)
                claims += any(g.clear for g in found)
            print(f"{n_seeds:38}{n_tasks:7}{covered / tests:9.3f}{claims / repeats:11.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=400)
    repeats = parser.parse_args().repeats
    print("Equally good networks (fit)          tasks      mean  headline  any lost")
    print("                                   covered   covered   claimed   claimed")
    for case in CASES:
        run(case, repeats)
    run_scores(repeats)
    run_seeds(repeats)


if __name__ == "__main__":
    main()
