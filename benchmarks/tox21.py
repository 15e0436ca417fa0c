"""Tox21, five random splits: the learned tree against what else one could have done.

python benchmarks/tox21.py [--seeds 5] [--output FILE.json]

Every network has the same backbone recipe, rule of length and rule of selection; settings are ramify's
defaults. Test rows are looked at once, for the table. Rows of the table:

* chosen by validation: `ramify fit --sharing fully-adaptive` as it comes;
* tree within a budget: the learned tree of at most BUDGET parameters, which always divides;
* random tree: the same shape, other tasks at its leaves;
* one shared network, at the backbone's width, and as wide as the budget allows;
* one network per task, at the backbone's width, and as narrow as the budget asks;
* random forest per task (scikit-learn, 200 trees), on the training rows of the same split.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from ramify.data import TOX21_TARGETS, load_tox21, open_table
from ramify.networks import MLPSpec
from ramify.runs import Job, Options, fit_strategy, prepare
from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, Sharing, SingleTask
from ramify.tasks import SharingTree

BUDGET = 700_000
N_TREES = 200
PAIRS = (("NR-AR", "NR-AR-LBD"), ("NR-ER", "NR-ER-LBD"))


@dataclass(frozen=True)
class Line:
    """One method on one split."""

    method: str
    seed: int
    test: float
    parameters: int
    seconds: float
    tree: list[list[list[str]]]


def main() -> None:
    """Run, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description="Tox21 over random splits")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", choices=["networks", "forest"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    lines: list[Line] = []
    for seed in range(arguments.seeds):
        for line in split_lines(seed, arguments.threads, arguments.only):
            lines.append(line)
            widths = "-".join(str(len(stage)) for stage in line.tree)
            print(
                f"split {seed}: {line.method:44} {line.test:.4f} {line.parameters:>10,} "
                f"{line.seconds:6.1f} s  {widths}",
                flush=True,
            )
    summarise(lines)
    if arguments.output:
        arguments.output.write_text(json.dumps([vars(line) for line in lines], indent=1))


def split_lines(seed: int, threads: int, only: str | None) -> Iterator[Line]:
    """Every method on one split."""
    if only != "forest":
        yield from network_lines(seed)
    if only != "networks":
        yield forest(seed, threads)


def network_lines(seed: int) -> Iterator[Line]:
    """Every network on one split."""
    yield network("chosen by validation", FullyAdaptive(), seed)
    budgeted = network("learned tree within the budget", FullyAdaptive(max_parameters=BUDGET), seed)
    yield budgeted
    tree = SharingTree(TOX21_TARGETS, tuple(tuple(map(tuple, stage)) for stage in budgeted.tree))
    order = np.random.default_rng(seed).permutation(len(TOX21_TARGETS)).tolist()
    yield network("random tree of the same shape", FixedTree(tree.reassigned(order), None), seed)
    wide = width_for(budgeted.parameters, copies=1)
    narrow = width_for(budgeted.parameters, copies=len(TOX21_TARGETS))
    yield network("one shared network, equal width", HardSharing(), seed)
    yield network("one shared network, equal parameters", HardSharing(), seed, wide)
    yield network("one network per task, equal width", SingleTask(), seed)
    yield network("one network per task, equal parameters", SingleTask(), seed, narrow)


def options(sharing: Sharing, seed: int, width: int = 256) -> Options:
    """ramify's defaults for the bundled table; the same number of steps in all for everybody."""
    return Options(
        TOX21_TARGETS,
        ignore=("smiles",),
        sharing=sharing,
        seed=seed,
        backbone=MLPSpec((width, width)),
    )


def network(method: str, sharing: Sharing, seed: int, width: int = 256) -> Line:
    """Train one network and score it on the test rows."""
    wanted = options(sharing, seed, width)
    prepared = prepare(open_table(load_tox21()), wanted)
    started = time.monotonic()
    finished = fit_strategy(Job(prepared, wanted))
    seconds = time.monotonic() - started
    score = float(np.nanmean(finished.test.scores(prepared.tasks)))
    stages = [[list(group) for group in stage] for stage in finished.tree.stages]
    return Line(method, seed, score, finished.parameters, seconds, stages)


def width_for(parameters: int, copies: int) -> int:
    """Width of both stages at which so many copies have about so many parameters."""

    def count(width: int) -> int:
        stages = 1024 * width + width * width + 6 * width
        return copies * stages + 12 * (width + 1)

    return min(range(8, 2048, 4), key=lambda width: abs(count(width) - parameters))


def forest(seed: int, threads: int) -> Line:
    """A random forest per task on the same rows."""
    wanted = options(HardSharing(), seed)
    prepared = prepare(open_table(load_tox21()), wanted)
    train, test = prepared.rows("train"), prepared.rows("test")
    started, scores, nodes = time.monotonic(), [], 0
    for t in range(train.labels.shape[1]):
        known = ~np.isnan(train.labels[:, t])
        asked = ~np.isnan(test.labels[:, t])
        model = RandomForestClassifier(N_TREES, n_jobs=threads, random_state=seed)
        model.fit(train.inputs[known], train.labels[known, t])
        told = model.predict_proba(test.inputs[asked])[:, 1]
        scores.append(roc_auc_score(test.labels[asked, t], told))
        nodes += sum(tree.tree_.node_count for tree in model.estimators_)
    seconds = time.monotonic() - started
    return Line("random forest per task (nodes)", seed, float(np.mean(scores)), nodes, seconds, [])


def summarise(lines: list[Line]) -> None:
    """Print mean and spread per method, paired differences, and which pairs share a branch."""
    methods = list(dict.fromkeys(line.method for line in lines))
    of: Callable[[str], list[Line]] = lambda name: [x for x in lines if x.method == name]  # noqa: E731
    base = np.array([line.test for line in of("learned tree within the budget")] or [np.nan])
    print("\n| method | test ROC-AUC, mean ± sd | the budget's tree minus it | parameters | s |")
    print("|---|---|---|---|---|")
    for method in methods:
        scores = np.array([line.test for line in of(method)])
        gap = base - scores
        spread = scores.std(ddof=1) if len(scores) > 1 else 0.0
        error = gap.std(ddof=1) / len(gap) ** 0.5 if len(gap) > 1 else 0.0
        size = np.mean([line.parameters for line in of(method)])
        seconds = np.mean([line.seconds for line in of(method)])
        print(
            f"| {method} | {scores.mean():.4f} ± {spread:.4f} | {gap.mean():+.4f} ± {error:.4f} | "
            f"{size:,.0f} | {seconds:.0f} |"
        )
    for method in methods[:2] if len(methods) > 2 else ():
        for pair in PAIRS:
            together = sum(
                any(set(pair) <= set(group) for group in line.tree[-1]) for line in of(method)
            )
            print(f"{method}: {' with '.join(pair)} in {together} of {len(of(method))} splits")
        widths = ["-".join(str(len(stage)) for stage in line.tree) for line in of(method)]
        print(f"{method}: groups per stage {', '.join(widths)}")


if __name__ == "__main__":
    main()
