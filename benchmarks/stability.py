"""Whether the stability of groups tells a tree that is planted from one that is chance, and what it costs.

    python benchmarks/stability.py [--seeds 5]

Planted tables of 12 tasks in 3 groups, `hidden` 32, 32; noise and fewer rows make the groups harder to find,
until they are chance. The budget lets the tree divide into about three. A group counts as planted if all of
its tasks are of one planted group and no other group holds any of that. Cost is the time of the other
trainings ÷ that of the warm-up.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import ramify
from ramify.data import planted_table
from ramify.runs.methods import _networks
from ramify.sharing import FullyAdaptive
from ramify.training import EpochEnded

SETTINGS = ((3000, 0.2), (600, 1.0), (300, 2.0), (1000, 50.0))  # rows, noise
BUDGET = 6_000


def timed(function: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    """The same function, with the seconds that it takes noted."""

    def run(*given: Any) -> Any:  # noqa: ANN401
        started = time.monotonic()
        found = function(*given)
        into.append(time.monotonic() - started)
        return found

    return run


def main() -> None:
    """Fit, and print the stability of groups that are planted and of those that are not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    seconds: list[float] = []
    _networks.stability_of = timed(_networks.stability_of, seconds)
    print(
        f"{'rows':>5} {'noise':>6}  planted: groups, stability   others: groups, stability   cost"
    )
    for rows, noise in SETTINGS:
        planted, others, costs = [], [], []
        for seed in range(seeds):
            frame, groups = planted_table(3, 4, rows=rows, noise=noise, seed=seed)
            growing: list[float] = []

            def watch(event: EpochEnded, growing: list[float] = growing) -> None:
                if event.phase == "growing":
                    growing.append(time.monotonic())

            run = ramify.fit(
                frame,
                "g*",
                sharing=FullyAdaptive(max_parameters=BUDGET),
                hidden=(32, 32),
                seed=seed,
                baselines=(),
                watch=watch,
            )
            top = [each for each in run.record.stability if each.stage == 1]
            for each in top:
                (planted if tuple(each.tasks) in groups else others).append(each.stability)
            steps = len(growing) / max(1, len(growing) - 1)
            if top:
                costs.append(seconds[-1] / ((growing[-1] - growing[0]) * steps))
        print(
            f"{rows:>5} {noise:>6}  {told(planted):<26}  {told(others):<25}  {np.mean(costs):.2f}"
        )


def told(values: list[float]) -> str:
    """How many, their mean, least and greatest."""
    if not values:
        return "0"
    return f"{len(values)}: {np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
