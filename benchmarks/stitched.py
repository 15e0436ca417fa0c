"""A training step of stacked cross-stitch networks, beside one of separate networks, one by one.

    python benchmarks/stitched.py [--tasks 40] [--repeats 31]

Prints milliseconds per step (the median of the repeats), the ratio, and the spread of the ratio; and
by how much the memory of a fresh process grows at most that builds such networks and trains them for
five steps.
"""

import argparse
import multiprocessing
import statistics
import time

import torch
from torch import nn

from ramify.comparison._work import PeakMemory
from ramify.networks import mlp
from ramify.sharing import CrossStitch, SingleTask
from ramify.tasks import Binary, Task, TaskSet

N_INPUTS, ROWS = 64, 128
Work = list[tuple[nn.Module, torch.optim.Optimizer]]


def step(
    network: nn.Module, optimiser: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor
) -> None:
    optimiser.zero_grad()
    torch.autograd.backward(nn.functional.binary_cross_entropy_with_logits(network(x), y))
    optimiser.step()


def trained(network: nn.Module) -> tuple[nn.Module, torch.optim.Optimizer]:
    return network, torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)


def seconds(
    steps: int,
    work: Work,
    x: torch.Tensor,
    y: torch.Tensor,
) -> float:
    started = time.perf_counter()
    for _ in range(steps):
        for i, (network, optimiser) in enumerate(work):
            step(network, optimiser, x, y if len(work) == 1 else y[:, i : i + 1])
    return (time.perf_counter() - started) / steps


def rows(n_tasks: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(ROWS, N_INPUTS), (torch.rand(ROWS, n_tasks) > 0.5).float()


def built(way: str, n_tasks: int, hidden: tuple[int, ...]) -> Work:
    tasks = TaskSet([Task(f"t{i}", Binary()) for i in range(n_tasks)])
    backbone = mlp(N_INPUTS, hidden)
    if way == "stitched":
        return [trained(CrossStitch().build(backbone, tasks))]
    if way == "separate stacked":
        return [trained(SingleTask().build(backbone, tasks))]
    return [trained(SingleTask().build(backbone, TaskSet([task]))) for task in tasks]


def growth(way: str, n_tasks: int, hidden: tuple[int, ...]) -> float:
    """MiB, of this process; for a fresh one."""
    peak = PeakMemory()
    before = peak.bytes()
    seconds(5, built(way, n_tasks, hidden), *rows(n_tasks))
    after = peak.bytes()
    return float("nan") if before is None or after is None else (after - before) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=31)
    arguments = parser.parse_args()
    n_tasks = arguments.tasks
    x, y = rows(n_tasks)
    fresh = multiprocessing.get_context("spawn")
    for hidden in ((64, 64), (256, 256)):
        ways = ("stitched", "separate stacked", "separate one by one")
        stitched, stacked, apart = (built(way, n_tasks, hidden) for way in ways)
        seconds(2, stitched, x, y), seconds(2, stacked, x, y), seconds(2, apart, x, y)
        times = [
            (seconds(5, stitched, x, y), seconds(5, stacked, x, y), seconds(5, apart, x, y))
            for _ in range(arguments.repeats)
        ]
        ratios = sorted(one / three for one, _, three in times)
        one, two, three = (1000 * statistics.median(column) for column in zip(*times, strict=True))
        print(
            f"{n_tasks} tasks, hidden {hidden}: stitched {one:.1f} ms, separate stacked "
            f"{two:.1f} ms, separate one by one {three:.1f} ms; stitched ÷ one by one "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
        for way in ways:
            with fresh.Pool(1) as pool:
                print(f"  {way}: {pool.apply(growth, (way, n_tasks, hidden)):.0f} MiB at most")


if __name__ == "__main__":
    main()
