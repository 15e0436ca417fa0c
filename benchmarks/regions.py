"""Do tasks of one kind look at the same parts of pictures? Fashion-MNIST, ten yes-or-no tasks.

    RAMIFY_DATA=… python benchmarks/regions.py --seeds 3

Small networks of two convolutions learn the ten kinds of clothes on 3,000 pictures: one shared
network, one grouped by kind (tops, shoes, others), and one per task. All are judged by the same
groups, on 256 test pictures. In the network per task nothing is shared, so there an overlap is no
effect of sharing. Printed: means over seeds, with their smallest and largest value.
"""

import argparse
import gzip
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ramify import Binary, BranchedNetwork, SharingTree, Task, TaskSet
from ramify.regions import METHODS, activation_regions

KINDS = (
    *("t-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "boot"),
)
TOPS = ("t-shirt", "pullover", "dress", "coat", "shirt")
SHOES = ("sandal", "sneaker", "boot")
GROUPS = (TOPS, SHOES, ("trousers",), ("bag",))
TASKS = TaskSet([Task(name, Binary()) for name in KINDS])
N_STAGES = 3
TREES = {
    "shared": SharingTree.shared(KINDS, N_STAGES),
    "grouped": SharingTree(KINDS, ((KINDS,), GROUPS, GROUPS)),
    "one per task": SharingTree.separate(KINDS, N_STAGES),
}


def data(root: Path, part: str, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Some pictures and their labels, drawn without replacement."""
    where = root / "fashion_mnist"
    with gzip.open(where / f"{part}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(where / f"{part}-labels-idx1-ubyte.gz") as file:
        kind = np.frombuffer(file.read(), np.uint8, offset=8)
    rows = np.random.default_rng(seed).permutation(len(kind))[:n]
    inputs = torch.from_numpy(pixels[rows].astype(np.float32)) / 128 - 1
    return inputs, torch.eye(len(KINDS))[torch.from_numpy(kind[rows].astype(np.int64))]


def trained(tree: SharingTree, inputs: Tensor, labels: Tensor, seed: int) -> BranchedNetwork:
    """A network after six epochs."""
    torch.manual_seed(seed)
    backbone = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(12 * 49, 24), nn.ReLU()),
    )
    network = BranchedNetwork(backbone, tree, TASKS)
    adam = torch.optim.Adam(network.parameters(), 0.003)
    for _ in range(6):
        for rows in torch.randperm(len(inputs)).split(100):
            loss = nn.functional.binary_cross_entropy_with_logits(
                network(inputs[rows]), labels[rows]
            )
            adam.zero_grad()
            loss.backward()
            adam.step()
    return network.eval()


def measured(root: Path, seed: int) -> list[dict[str, object]]:
    """Every tree and method, one row each."""
    inputs, labels = data(root, "train", 3000, seed)
    new, wanted = data(root, "t10k", 256, seed)
    rows: list[dict[str, object]] = []
    for name, tree in TREES.items():
        network = trained(tree, inputs, labels, seed)
        with torch.no_grad():
            accuracy = float((network(new).argmax(1) == wanted.argmax(1)).float().mean())
        for method in ("hires-cam", "grad-cam", "guided-grad-cam"):
            regions = activation_regions(network, new, stage=1, method=METHODS[method])
            overlap = regions.overlap(groups=GROUPS, seed=seed)
            row: dict[str, object] = {"tree": name, "method": method, "seed": seed}
            row |= {"accuracy": accuracy}
            for measure, found in (("iou", overlap.of_iou), ("r", overlap.of_correlation)):
                if found is not None:
                    row[measure] = [found.within, found.between, found.low, found.high]
                    row[f"{measure} p"] = found.p_value
            rows.append(row)
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    root = Path(os.environ["RAMIFY_DATA"])
    rows = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        rows += measured(root, seed)
        if options.output:
            options.output.write_text(json.dumps(rows, indent=1))
    for tree in TREES:
        for method in ("hires-cam", "grad-cam", "guided-grad-cam"):
            _print(tree, method, [r for r in rows if (r["tree"], r["method"]) == (tree, method)])


def _print(tree: str, method: str, rows: list[dict[str, object]]) -> None:
    for measure in ("iou", "r"):
        values = np.array([row[measure] for row in rows])
        within, between = values[:, 0], values[:, 1]
        p = [row[f"{measure} p"] for row in rows]
        print(
            f"{tree:13} {method:16} {measure:4} within {within.mean():.3f} "
            f"[{within.min():.3f}, {within.max():.3f}] between {between.mean():.3f} "
            f"[{between.min():.3f}, {between.max():.3f}] p {min(p):.3f} to {max(p):.3f}"
        )


if __name__ == "__main__":
    main()
