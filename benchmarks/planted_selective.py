"""How often selective sharing finds planted groups of tasks, exactly, at its first look.

    python benchmarks/planted_selective.py [--seeds 20] [--first-seed 400] [--cases 8/2,20/4] [--output FILE]

Each task of a group is the same random network of 20 features, in part (.3 of its size) one of its
own. The trunk is 20-32 with ReLU, an estimator has 16 units. Whether the groups are found with their
number known and by the threshold of `Similarity` comes from the same distances; what is merged,
from the threshold. Variants, each with tasks in random order: targets over two decades of scale
(which the losses are not told), their signs turned by chance, one label in five missing, labels
above or below the median, and other tasks in a group by .6 of their size; tasks that have nothing
in common, and copies of one task. See benchmarks/README.md.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ramify.data import TableBatches
from ramify.grouping import Condition, Similarity, groups_by
from ramify.networks import BranchedNetwork
from ramify.sharing import SelectiveSharing
from ramify.tasks import Binary, Regression, Task, TaskSet
from ramify.training import Trainer, Training

FEATURES, TRUNK, ESTIMATOR = 20, 32, 16
ROWS, BATCH, STEPS, LOOK = 4000, 64, 450, 300
ENOUGH_KNOWN, ENOUGH = 0.95, 0.9
Array = np.ndarray
Groups = list[list[int]]


@dataclass(frozen=True)
class Case:
    """One way to plant groups.

    Attributes:
        tasks: Number of tasks.
        groups: Number of groups.
        own: Size of a task's own part, over that of its group.
        noise: Standard deviation of what no input explains.
        decades: Of the targets' scales.
        turned: Whether targets' signs are turned by chance.
        missing: Share of labels that are missing.
        binary: Whether labels are above or below the median.
        needed: Whether the aims hold for it.
    """

    tasks: int
    groups: int
    own: float = 0.3
    noise: float = 0.1
    decades: float = 0.0
    turned: bool = False
    missing: float = 0.0
    binary: bool = False
    needed: bool = True


CASES = {
    "8/2": Case(8, 2),
    "12/3": Case(12, 3),
    "20/4": Case(20, 4),
    "20/4 over two decades": Case(20, 4, decades=2.0),
    "20/4 signs turned": Case(20, 4, turned=True),
    "20/4 a fifth missing": Case(20, 4, missing=0.2),
    "20/4 binary and turned": Case(20, 4, turned=True, binary=True),
    "12/3 less alike": Case(12, 3, own=0.6, needed=False),
    "8 unrelated": Case(8, 8),
    "16 unrelated": Case(16, 16),
    "8 copies": Case(8, 1, own=0.0, noise=0.0),
}


@dataclass
class Found:
    """How often a case's groups were found, exactly.

    Attributes:
        seeds: Number of data sets.
        known: With the number of groups known.
        threshold: By the threshold.
        within: Mean cosine of loadings within groups; None without pairs there.
        between: The same between groups.
        merged: Whether the network had the groups of the threshold, with the parameters of them.
        seconds: Per data set.
    """

    seeds: int
    known: int
    threshold: int
    within: float | None
    between: float | None
    merged: int
    seconds: float


def signals(x: Array, n: int, rng: np.random.Generator) -> Array:
    """Random networks of the features, standardised, ``(row, n)``."""
    hidden = np.maximum(x @ rng.standard_normal((n, FEATURES, 16)) / FEATURES**0.5, 0)
    found = (hidden * rng.standard_normal((n, 1, 16))).sum(2).T
    standard: Array = (found - found.mean(0)) / found.std(0)
    return standard


def planted(case: Case, seed: int) -> tuple[TaskSet, TableBatches, Groups]:
    """Tasks, rows and groups."""
    rng = np.random.default_rng([seed, case.tasks, case.groups])
    x = rng.standard_normal((ROWS, FEATURES))
    label = rng.permutation(np.arange(case.tasks) % case.groups)
    common, own = signals(x, case.groups, rng)[:, label], signals(x, case.tasks, rng)
    y = (common + case.own * own) / (1 + case.own**2) ** 0.5
    y += case.noise * rng.standard_normal(y.shape)
    if case.turned:
        y *= rng.choice([-1, 1], case.tasks)
    y *= 10 ** (case.decades * (rng.random(case.tasks) - 0.5))
    y = (y > np.median(y, axis=0)).astype(float) if case.binary else y
    mask = rng.random(y.shape) >= case.missing
    rows = TableBatches(
        torch.from_numpy(x.astype(np.float32)),
        torch.from_numpy(y.astype(np.float32)),
        torch.from_numpy(mask),
        BATCH,
        seed=seed,
    )
    kind = Binary() if case.binary else Regression(0.0, 1.0)
    tasks = TaskSet([Task(f"t{t}", kind) for t in range(case.tasks)])
    groups = sorted(np.flatnonzero(label == g).tolist() for g in range(case.groups))
    return tasks, rows, groups


def first_look(
    case: Case, condition: Condition, seed: int
) -> tuple[Array, BranchedNetwork, Groups]:
    """Distances at the first look, the network at the end, and the planted groups."""
    tasks, rows, groups = planted(case, seed)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        backbone = nn.Sequential(nn.Linear(FEATURES, TRUNK), nn.ReLU())
    sharing = SelectiveSharing(
        condition, estimator_width=ESTIMATOR, interval=LOOK, max_regroupings=1
    )
    settings = Training(iterations=STEPS, learning_rate=2e-3, weight_decay=0.0)
    network = Trainer(settings, seed=seed).fit(sharing, backbone, tasks, rows).network
    assert isinstance(network, BranchedNetwork)  # what the method trains
    distances = np.array(sharing.regroupings[0].distances, dtype=float)
    return distances, network, groups


def measured(case: Case, condition: Similarity, seeds: int, first: int = 0) -> Found:
    """Over data sets."""
    started, known, threshold, merged = time.process_time(), 0, 0, 0
    cosines: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(first, first + seeds):
        distances, network, groups = first_look(case, condition, seed)
        known += groups_by(Similarity(n_groups=case.groups), distances) == groups
        threshold += groups_by(condition, distances) == groups
        top = [[int(name[1:]) for name in group] for group in network.tree.stages[-1]]
        merged += top == groups_by(condition, distances) and parameters_fit(network, case, len(top))
        label = {t: g for g, group in enumerate(groups) for t in group}
        for i in range(case.tasks):
            for j in range(i):
                cosines[label[i] == label[j]].append(1 - float(distances[i, j]))
    means = [float(np.mean(cosines[each])) if cosines[each] else None for each in (True, False)]
    seconds = (time.process_time() - started) / seeds
    return Found(seeds, known, threshold, means[0], means[1], merged, seconds)


def parameters_fit(network: BranchedNetwork, case: Case, n_groups: int) -> bool:
    """Whether the network has a trunk, an estimator per group, and an output per task; no more."""
    estimator = (TRUNK + 1) * ESTIMATOR
    expected = (FEATURES + 1) * TRUNK + n_groups * estimator + (ESTIMATOR + 1) * case.tasks
    return sum(each.numel() for each in network.parameters()) == expected


def main() -> None:
    """Print the table; fail if groups are found too rarely."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=400)
    parser.add_argument("--cases", default=",".join(CASES), help="comma separated")
    parser.add_argument("--threshold", type=float, default=Similarity().threshold)
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    condition = replace(Similarity(), threshold=chosen.threshold)
    print(
        f"threshold {condition.threshold}, {chosen.seeds} seeds from {chosen.first_seed}, a look after {LOOK} steps\n"
    )
    print("| tasks/groups | number known | by threshold | cosine in, out | merged so | seconds |")
    print("|---|---|---|---|---|---|")
    figures, enough = {}, True
    for name in chosen.cases.split(","):
        case = CASES[name]
        found = figures[name] = measured(case, condition, chosen.seeds, chosen.first_seed)
        cosines = ", ".join("-" if c is None else f"{c:.2f}" for c in (found.within, found.between))
        print(
            f"| {name} | {found.known} | {found.threshold} | {cosines} | {found.merged} "
            f"| {found.seconds:.1f} |",
            flush=True,
        )
        reached = (
            found.known >= ENOUGH_KNOWN * found.seeds and found.threshold >= ENOUGH * found.seeds
        )
        enough &= (reached or not case.needed) and found.merged == found.seeds
    if chosen.output:
        about = {"threshold": condition.threshold, "look": LOOK, "torch": torch.__version__}
        cases = {name: asdict(found) for name, found in figures.items()}
        chosen.output.write_text(json.dumps({"measured_with": about, "cases": cases}, indent=1))
    if not enough:
        sys.exit(1)


if __name__ == "__main__":
    main()
