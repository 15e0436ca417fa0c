"""How long the paper's networks take on 224 × 224 images: full, thin, low-rank, and a branched tree.

    python benchmarks/fafs/latency.py
    python benchmarks/fafs/latency.py --rounds 20 --threads 2 --device cuda --output latency.json

Forty tasks. The tree has the shape of the published Branch-32-2.0 as far as it is known: thirteen
groups at the output, eleven widened stages, about 2.1 M weights; how wide each stage is was not
published and is ours. Weights are random: they do not change the time. Batch norms are folded. All
networks take turns in one process; shown are medians, and the ratio to VGG-16 with its quartiles.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ramify.networks import (
    VGG16_RANKS,
    BranchedNetwork,
    fold_batch_norms,
    low_rank,
    n_weights,
    vgg16,
)
from ramify.tasks import Binary, SharingTree, Task, TaskSet

N_TASKS = 40
WIDTHS = (1, 1, 1, 1, 5, 5, 5, 7, 8, 8, 10, 11, 11, 13, 13)
"""Branches per stage of a tree of the published shape; see the module's docstring."""


def published_tree(names: Sequence[str]) -> SharingTree:
    """Nested groups of nearly equal size, as many per stage as `WIDTHS` says."""
    stages = [_groups(names, WIDTHS[-1])]
    for width in WIDTHS[-2::-1]:
        above = stages[0]
        parts = np.array_split(np.arange(len(above)), width)
        stages.insert(0, tuple(tuple(n for i in part for n in above[i]) for part in parts))
    return SharingTree(tuple(names), tuple(stages))


def _groups(names: Sequence[str], count: int) -> tuple[tuple[str, ...], ...]:
    parts = np.array_split(np.arange(len(names)), count)
    return tuple(tuple(names[i] for i in part) for part in parts)


def networks() -> dict[str, nn.Module]:
    """Each network with forty outputs, in evaluation mode, batch norms folded."""
    tasks = TaskSet([Task(f"t{i}", Binary()) for i in range(N_TASKS)])
    shared = SharingTree.shared(tasks.names, 15)
    thin = vgg16(width=32)
    full = vgg16(N_TASKS)
    built = {
        "VGG-16": full,
        "low-rank": low_rank(full, (*VGG16_RANKS, 16)),
        "thin-32": BranchedNetwork(thin, shared, tasks),
        "tree of 13 groups": BranchedNetwork(thin, published_tree(tasks.names), tasks),
    }
    return {name: fold_batch_norms(network.eval()) for name, network in built.items()}


@torch.inference_mode()
def timed(
    built: dict[str, nn.Module], x: Tensor, rounds: int, wait: Callable[[], None]
) -> dict[str, np.ndarray]:
    """Seconds per call of each network, taking turns; a first call does not count."""
    spent: dict[str, list[float]] = {name: [] for name in built}
    for round_ in range(-1, rounds):
        for name, network in built.items():
            wait()
            started = time.perf_counter()
            network(x)
            wait()
            if round_ >= 0:
                spent[name].append(time.perf_counter() - started)
    return {name: np.array(values) for name, values in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="calls per network and batch size")
    parser.add_argument("--batch", type=int, default=64, help="images for the throughput")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    device = torch.device(asked.device)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    built = {name: network.to(device) for name, network in networks().items()}
    counts = {name: n_weights(network) for name, network in built.items()}
    found: dict[str, dict[str, float]] = {name: {"weights": counts[name]} for name in built}
    for size, rounds in ((1, asked.rounds), (asked.batch, max(2, asked.rounds // 5))):
        spent = timed(built, torch.randn(size, 3, 224, 224, device=device), rounds, wait)
        for name, seconds in spent.items():
            low, middle, high = np.quantile(spent["VGG-16"] / seconds, [0.25, 0.5, 0.75])
            found[name] |= {
                f"ms per image, batch {size}": 1e3 * float(np.median(seconds)) / size,
                f"times faster than VGG-16, batch {size}": float(middle),
                f"quartiles, batch {size}": (float(low), float(high)),  # type: ignore[dict-item]
            }
    show(found, asked.batch)
    if asked.output is not None:
        asked.output.write_text(json.dumps(found, indent=1))


def show(found: dict[str, dict[str, float]], batch: int) -> None:
    print(f"{'network':<20}{'weights':>12}", end="")
    for size in (1, batch):
        print(f"{f'ms/image ({size})':>15}{'faster':>9}{'quartiles':>14}", end="")
    print()
    for name, values in found.items():
        print(f"{name:<20}{values['weights']:>12,}", end="")
        for size in (1, batch):
            low, high = values[f"quartiles, batch {size}"]
            print(f"{values[f'ms per image, batch {size}']:>15.2f}", end="")
            print(f"{values[f'times faster than VGG-16, batch {size}']:>9.2f}", end="")
            print(f"{f'{low:.2f}-{high:.2f}':>14}", end="")
        print()


if __name__ == "__main__":
    main()
