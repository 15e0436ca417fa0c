"""How often planted groups of tasks are found again, exactly.

    python benchmarks/planted.py [--seeds 10] [--grouping-seeds 20] [--output planted.json]
    python benchmarks/planted.py --affinity gradient-factors    # end to end from gradients

First through `choose_grouping` alone, on affinities estimated from margins with a latent
correlation of .81; then end to end, from `ramify.fit` with default settings on a planted table
whose tasks have been renamed and reordered by chance. With `--affinity` the tree of the latter grows
from what is named; `--noise` and `--rows` make the table harder.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

import ramify
from ramify.affinity import ErrorMarginAffinity
from ramify.data import planted_table
from ramify.grouping import choose_grouping, clarity
from ramify.sharing import FullyAdaptive

SETTINGS = ((8, 2, 0.1), (12, 3, 0.2), (40, 5, 0.5))  # tasks, groups, alpha
ROWS, BATCH, CORRELATION = 32_768, 512, 0.81
ENOUGH_GROUPINGS, ENOUGH_FITS = 0.95, 0.9


@dataclass
class Grouping:
    """How often `choose_grouping` found one setting's groups."""

    tasks: int
    groups: int
    alpha: float
    seeds: int
    exact: int


@dataclass
class EndToEnd:
    """One run of `ramify.fit`.

    Attributes:
        seed: Of the table, the names and the run.
        exact: Whether the groups of the last stage are the planted ones.
        widths: Of the tree.
        gain: Mean test skill of the tree less that of one shared network.
        low: Lower end of its 95 % interval.
        high: Upper end.
        seconds: Of the run.
        clarity: Of the planted groups in the affinity.
    """

    seed: int
    exact: bool
    widths: list[int]
    gain: float | None
    low: float | None
    high: float | None
    seconds: float
    clarity: float


def estimated_affinity(group: torch.Tensor, seed: int) -> np.ndarray:
    """From equicorrelated margins of tasks in groups."""
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(ROWS, int(group.max()) + 1, generator=generator)
    own = torch.randn(ROWS, len(group), generator=generator)
    margins = CORRELATION**0.5 * common[:, group] + (1 - CORRELATION) ** 0.5 * own
    affinity = ErrorMarginAffinity(len(group), decay=1.0)
    every = torch.ones(BATCH, len(group), dtype=torch.bool)
    for batch in (margins + 10).split(BATCH):
        affinity.update(batch, every)
    matrix: np.ndarray = affinity.matrix().numpy()
    return matrix


def recover(n_tasks: int, n_groups: int, alpha: float, seeds: int) -> Grouping:
    """Plant groups in random order, estimate, choose, compare."""
    exact = 0
    for seed in range(seeds):
        order = torch.randperm(n_tasks, generator=torch.Generator().manual_seed(1000 + seed))
        group = (torch.arange(n_tasks) % n_groups)[order]
        found = choose_grouping(estimated_affinity(group, seed), alpha=alpha, seed=seed).groups
        planted = {tuple(torch.nonzero(group == g).flatten().tolist()) for g in range(n_groups)}
        exact += set(found) == planted
    return Grouping(n_tasks, n_groups, alpha, seeds, exact)


def disguised(
    seed: int, *, rows: int = 3000, noise: float = 0.2
) -> tuple[pl.DataFrame, set[frozenset[str]]]:
    """A planted table with tasks renamed and reordered by chance, and its groups."""
    frame, groups = planted_table(3, 3, rows=rows, seed=seed, noise=noise)
    names = [name for group in groups for name in group]
    rng = np.random.default_rng([seed, 1])
    new = dict(zip(names, (f"task {i}" for i in rng.permutation(len(names))), strict=True))
    features = [name for name in frame.columns if name not in new]
    order = rng.permutation(names).tolist()
    return (
        frame.select(features + order).rename(new),
        {frozenset(new[name] for name in group) for group in groups},
    )


def end_to_end(
    seed: int, *, affinity: str | None = None, rows: int = 3000, noise: float = 0.2
) -> EndToEnd:
    """The whole job, with default settings but for the affinity."""
    frame, planted = disguised(seed, rows=rows, noise=noise)
    started = time.monotonic()
    sharing = FullyAdaptive(affinity=affinity)
    run = ramify.fit(frame, "task *", sharing=sharing, baselines=("shared",), seed=seed)
    difference = run.record.baselines["shared"].mean_difference
    names = run.tree.tasks
    return EndToEnd(
        seed=seed,
        exact={frozenset(group) for group in run.tree.stages[-1]} == planted,
        widths=list(run.tree.widths),
        gain=difference.value,
        low=difference.low,
        high=difference.high,
        seconds=time.monotonic() - started,
        clarity=clarity(
            sharing.affinities()[sharing.affinity].matrix,
            [[names.index(name) for name in group] for group in planted],
        ),
    )


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"


def main() -> None:
    """Print both tables; fail if groups are found too rarely."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="of the end-to-end runs")
    parser.add_argument("--grouping-seeds", type=int, default=20)
    parser.add_argument("--affinity", help="what the tree grows from; by default ramify's choice")
    parser.add_argument("--rows", type=int, default=3000, help="of each table")
    parser.add_argument("--noise", type=float, default=0.2, help="over the size of the signal")
    parser.add_argument("--output", type=Path, help="JSON file for the result")
    chosen = parser.parse_args()

    print("| through choose_grouping | alpha | exact |\n|---|---|---|")
    groupings = []
    for n_tasks, n_groups, alpha in SETTINGS:
        found = recover(n_tasks, n_groups, alpha, chosen.grouping_seeds)
        groupings.append(found)
        print(
            f"| {n_tasks} tasks in {n_groups} | {alpha} | {found.exact} of {found.seeds} |",
            flush=True,
        )

    print(
        "\n| end to end, seed | exact | tree | gain over one shared network (95 %) | clarity | seconds |"
    )
    print("|---|---|---|---|---|---|")
    fits = []
    for seed in range(chosen.seeds):
        run = end_to_end(seed, affinity=chosen.affinity, rows=chosen.rows, noise=chosen.noise)
        fits.append(run)
        interval = f"{_signed(run.gain)} ({_signed(run.low)} to {_signed(run.high)})"
        widths = "-".join(str(width) for width in run.widths)
        print(
            f"| {seed} | {'yes' if run.exact else 'no'} | {widths} | {interval} | {run.clarity:.2f} "
            f"| {run.seconds:.0f} |",
            flush=True,
        )
    exact = sum(run.exact for run in fits)
    gains = [run.gain for run in fits if run.gain is not None]
    mean = float(np.mean(gains)) if gains else None
    print(f"\nend to end: {exact} of {len(fits)} exact; mean gain {_signed(mean)}")
    if chosen.output:
        result = {"choose_grouping": [asdict(each) for each in groupings], "exact": exact}
        result |= {"fits": [asdict(each) for each in fits], "mean_gain_over_shared": mean}
        chosen.output.write_text(json.dumps(result, indent=1))
    enough = all(each.exact >= ENOUGH_GROUPINGS * each.seeds for each in groupings)
    if not (enough and exact >= ENOUGH_FITS * len(fits)):
        sys.exit(1)


if __name__ == "__main__":
    main()
