"""Branches of convolutional stages: a Python loop over them ÷ what ramify runs.

    python benchmarks/branches.py [--widths 16 32] [--sizes 7 14] [--output branches.json]

A network of three stages (3 × 3 convolution, batch norm, ReLU), of which the first is shared and the
other two have one copy per branch, and one head per branch. Ramify holds the copies stacked, and runs
them as one grouped convolution or one by one; the loop runs one plain module after the other. Above
1 ramify is faster; the aim is never to be below 0.95. See benchmarks/README.md.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from _timing import CLOCKS, Ratio, ratios
from torch import Tensor, nn

from ramify.networks import BranchedNetwork
from ramify.networks.branched._branches import in_one_operation
from ramify.tasks import Binary, SharingTree, Task, TaskSet

Call = Callable[[Tensor], object]
MOST_FEATURES = 6_000_000
AIM = 0.95


def main() -> None:
    """Measure every case, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--branches", type=int, nargs="+", default=[2, 5, 13, 40])
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 7, 14, 28, 56])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settle_allocator()
    found: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{'case':36} {'step of 32 rows':>22} {'64 rows':>22} {'1 row':>22}")
    for width in arguments.widths:
        for size in arguments.sizes:
            for n_branches in arguments.branches:
                if 32 * n_branches * width * size**2 > MOST_FEATURES:
                    continue
                label = f"{n_branches} branches, width {width}, {size} x {size}"
                case = Case(n_branches, width, size, arguments.device)
                figures = case.figures(arguments.rounds, arguments.threads)
                print(f"{label:36} " + " ".join(case.shown(*item) for item in figures.items()))
                found[label] = {name: asdict(ratio) for name, ratio in figures.items()}
    medians = [figure["median"] for case in found.values() for figure in case.values()]
    below = sum(median < AIM for median in medians)
    print(f"\n{len(medians)} figures, least {min(medians):.2f}, {below} below {AIM}")
    if arguments.output is not None:
        about = {name: str(value) for name, value in vars(arguments).items()}
        about |= {"torch": torch.__version__}
        arguments.output.write_text(json.dumps({"measured_with": about, "ratios": found}, indent=2))


class Case:
    """One number of branches at one width and size of the features.

    Args:
        n_branches: Number of branches, and of tasks.
        width: Channels of every stage.
        size: Height and breadth of the features.
        device: Where to run.
    """

    def __init__(self, n_branches: int, width: int, size: int, device: str) -> None:
        self._n_branches, self._features = n_branches, width * size**2
        self._device, self._shape = torch.device(device), (3, size, size)
        tasks = TaskSet([Task(f"t{i}", Binary()) for i in range(n_branches)])
        apart = SharingTree.separate(tasks.names, 2).stages
        tree = SharingTree(tasks.names, ((tasks.names,), *apart))
        stages = [stage(3, width), stage(width, width), stage(width, width)]
        stages[-1] = nn.Sequential(*stages[-1], nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self._networks = {
            name: BranchedNetwork(stages, tree, tasks, stack=stack).to(self._device)
            for name, stack in (("loop", False), ("ramify", True))
        }

    def figures(self, rounds: int, threads: int) -> dict[str, Ratio]:
        """Loop ÷ ramify for a training step of 32 rows, and the inference of 64 and of 1."""
        clock = "cpu" if threads == 1 and self._device.type == "cpu" else "wall"
        assert clock in CLOCKS
        found = {}
        for name, rows in (("step of 32 rows", 32), ("64 rows", 64), ("1 row", 1)):
            run = self._step if name.startswith("step") else self._infer
            repeats = max(1, min(50, 2_000_000 // (rows * self._n_branches * self._features)))
            items = [torch.randn(rows, *self._shape, device=self._device)] * repeats
            calls = {key: run(network) for key, network in self._networks.items()}
            measured = ratios(calls, "ramify", items, rounds=rounds, clock=clock, block=repeats)
            found[name] = measured["loop"]
        return found

    def shown(self, name: str, ratio: Ratio) -> str:
        """A cell of the table: the ratio, the time of ramify, and the form that it ran in."""
        rows = {"step of 32 rows": 32, "64 rows": 64, "1 row": 1}[name]
        together = in_one_operation(self._n_branches, rows, self._features, shared=False)
        form = "grouped" if together else "loop"
        return f"{ratio.median:5.2f} {ratio.base_microseconds / 1000:8.2f} ms {form:>7}"

    def _step(self, network: BranchedNetwork) -> Call:
        def step(x: Tensor) -> None:
            network.train().zero_grad()
            network(x).sum().backward()
            self._wait()

        return step

    def _infer(self, network: BranchedNetwork) -> Call:
        @torch.inference_mode()
        def infer(x: Tensor) -> None:
            network.eval()(x)
            self._wait()

        return infer

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def stage(before: int, after: int) -> nn.Sequential:
    """A convolution with batch norm and ReLU."""
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())


def settle_allocator() -> None:
    """Free a large block once, as every training does.

    Until then the allocator of the C library gives freed memory back to the system at once, and
    asking for it again costs more than the smaller of the convolutions here.
    """
    torch.zeros(31 * 2**18)


if __name__ == "__main__":
    main()
