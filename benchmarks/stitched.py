"""A training step of stacked cross-stitch networks, beside one of separate networks, one by one.

    python benchmarks/stitched.py [--tasks 40] [--repeats 7]

Prints milliseconds per step (the median of the repeats), the ratio, and the spread of the ratio.
"""

import argparse
import statistics
import time

import torch
from torch import nn

from ramify.networks import mlp
from ramify.sharing import CrossStitch, SingleTask
from ramify.tasks import Binary, Task, TaskSet

N_INPUTS, ROWS = 64, 128


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
    work: list[tuple[nn.Module, torch.optim.Optimizer]],
    x: torch.Tensor,
    y: torch.Tensor,
) -> float:
    started = time.perf_counter()
    for _ in range(steps):
        for i, (network, optimiser) in enumerate(work):
            step(network, optimiser, x, y if len(work) == 1 else y[:, i : i + 1])
    return (time.perf_counter() - started) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    tasks = TaskSet([Task(f"t{i}", Binary()) for i in range(arguments.tasks)])
    x = torch.randn(ROWS, N_INPUTS)
    y = (torch.rand(ROWS, len(tasks)) > 0.5).float()
    for hidden in ((64, 64), (256, 256)):
        backbone = mlp(N_INPUTS, hidden)
        stitched = [trained(CrossStitch().build(backbone, tasks))]
        stacked = [trained(SingleTask().build(backbone, tasks))]
        apart = [trained(SingleTask().build(backbone, TaskSet([task]))) for task in tasks]
        seconds(2, stitched, x, y), seconds(2, stacked, x, y), seconds(2, apart, x, y)
        times = [
            (seconds(5, stitched, x, y), seconds(5, stacked, x, y), seconds(5, apart, x, y))
            for _ in range(arguments.repeats)
        ]
        ratios = sorted(one / three for one, _, three in times)
        one, two, three = (1000 * statistics.median(column) for column in zip(*times, strict=True))
        print(
            f"{len(tasks)} tasks, hidden {hidden}: stitched {one:.1f} ms, separate stacked "
            f"{two:.1f} ms, separate one by one {three:.1f} ms; stitched ÷ one by one "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    main()
