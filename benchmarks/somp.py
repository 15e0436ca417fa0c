"""Filters for a thin layer: how long the selection takes, and what a thin network gains from it.

    python benchmarks/somp.py [selection] [start] [--seeds 5] [--output somp.json]

The folders mnist and fashion_mnist are looked for in ../shared/data, or in the folder that the
environment variable RAMIFY_DATA names. See benchmarks/README.md.
"""

import argparse
import copy
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ramify.data import open_idx_pair
from ramify.networks import n_weights, somp, thin_from
from ramify.networks.backbones._low_rank import Layer
from ramify.networks.thin._channels import Channels, Norm, thin_layer, thin_norm

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("RAMIFY_DATA", ROOT.parent / "shared" / "data"))
BATCH, RATE = 64, 1e-3
STEPS = (0, 25, 50, 100, 200)
WIDTH = 8
Rows = tuple[Tensor, Tensor]


def main() -> None:
    """Run what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    torch.set_num_threads(arguments.threads)
    found = {part: PARTS[part](arguments.seeds) for part in arguments.parts or PARTS}
    if arguments.output is not None:
        about = {"seeds": arguments.seeds, "threads": arguments.threads, "torch": torch.__version__}
        text = json.dumps({"measured_with": about, **found}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


def measure_selection(n_seeds: int) -> dict[str, Any]:
    """Seconds of SOMP, and how much longer a least-squares solution per step takes."""
    del n_seeds
    print("\nSelecting filters, median of 3 (one for the largest)")
    found: dict[str, Any] = {}
    cases = [
        ("fc6 of VGG-16, all inputs", (4096, 25088), 64, 1, False),
        ("fc6 of VGG-16, inputs of thin-32", (4096, 1568), 64, 3, False),
        ("conv5 of VGG-16, all inputs", (512, 4608), 32, 3, True),
        ("conv5 of VGG-16, inputs of thin-32", (512, 288), 32, 3, True),
    ]
    for name, shape, n_select, repeats, compared in cases:
        filters = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        seconds, selected = timed(partial(by_somp, filters, n_select), repeats)
        found[name] = {"shape": shape, "selected": n_select, "seconds": seconds}
        line = f"  {name:36} {n_select} of {shape[0]} x {shape[1]}: {seconds:.3f} s"
        if compared:
            slow, same = timed(partial(by_least_squares, filters, n_select), 1)
            found[name] |= {"least_squares_seconds": slow, "identical": same == selected}
            line += f"; least squares {slow / seconds:.0f} times that, selections identical: {same == selected}"
        print(line, flush=True)
    return found


def by_somp(filters: Tensor, n_select: int) -> list[int]:
    """What is measured."""
    return [int(i) for i in somp(filters, n_select).tolist()]


def by_least_squares(filters: Tensor, n_select: int) -> list[int]:
    """The same selection as it is written down, in double precision."""
    dictionary = filters.double().T.numpy()  # columns are filters
    lengths = np.linalg.norm(dictionary, axis=0)
    residual, selected = dictionary, list[int]()
    for _ in range(n_select):
        scores = np.linalg.norm(residual.T @ dictionary, axis=0) / lengths
        scores[selected] = -1
        selected.append(int(scores.argmax()))
        chosen = dictionary[:, selected]
        residual = dictionary - chosen @ np.linalg.lstsq(chosen, dictionary, rcond=None)[0]
    return selected


def timed(call: Callable[[], list[int]], repeats: int) -> tuple[float, list[int]]:
    """Median seconds, and what the call gave."""
    seconds, result = [], list[int]()
    for _ in range(repeats):
        before = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - before)
    return float(np.median(seconds)), result


def measure_start(n_seeds: int) -> dict[str, Any]:
    """Test accuracy on Fashion-MNIST of a thin network, after some steps from several starts."""
    train, test = open_rows("fashion_mnist", "train"), open_rows("fashion_mnist", "t10k")
    found: dict[str, Any] = {}
    for source in ("mnist", "fashion_mnist"):
        wide = trained_wide(open_rows(source, "train"))
        starts: dict[str, Callable[[torch.Generator], nn.Sequential]] = {
            "SOMP": partial(selected_filters, wide),
            "random filters": partial(random_filters, wide),
            "random weights": fresh,
        }
        print(
            f"\nFashion-MNIST, test accuracy by number of steps of {BATCH} rows; thin-{WIDTH} "
            f"({n_weights(fresh(torch.Generator())):,} weights) from a network of "
            f"{n_weights(wide):,} weights trained on {source}; {n_seeds} seeds"
        )
        print("  " + " " * 16 + "".join(f"{step:>14}" for step in STEPS))
        curves = {}
        for name, start in starts.items():
            curve = np.array([accuracies(start, train, test, seed) for seed in range(n_seeds)])
            curves[name] = curve
            means, spreads = curve.mean(0), curve.std(0, ddof=1)
            pairs = zip(means, spreads, strict=True)
            print(f"  {name:16}" + "".join(f"{m:7.3f} ± {s:.3f}" for m, s in pairs), flush=True)
        for other in ("random filters", "random weights"):
            gain = curves["SOMP"] - curves[other]
            pairs = zip(gain.mean(0), gain.std(0, ddof=1) / n_seeds**0.5, strict=True)
            line = "".join(f"{m:+7.3f} ± {s:.3f}" for m, s in pairs)
            print(f"  SOMP minus {other}, ± standard error\n{' ' * 18}{line}", flush=True)
        found[source] = {name: curve.tolist() for name, curve in curves.items()}
    return found


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "selection": measure_selection,
    "start": measure_start,
}


def network(widths: tuple[int, int, int], dense: int) -> nn.Sequential:
    """Three convolutional stages with norms and pools, and a dense one."""
    stages: list[nn.Module] = []
    before = 1
    for after in widths:
        convolution = nn.Conv2d(before, after, 3, padding=1)
        pool = nn.MaxPool2d(2, ceil_mode=True)
        stages.append(nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(), pool))
        before = after
    last = nn.Linear(before * 16, dense)
    stages.append(nn.Sequential(nn.Flatten(), last, nn.BatchNorm1d(dense), nn.ReLU()))
    return nn.Sequential(*stages)


def fresh(generator: torch.Generator) -> nn.Sequential:
    """A thin network with He's random weights."""
    thin = network((WIDTH, WIDTH, WIDTH), 2 * WIDTH)
    for layer in thin.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return thin


def selected_filters(wide: nn.Sequential, generator: torch.Generator) -> nn.Sequential:
    """A thin network of filters that SOMP selects."""
    return thin_from(wide, WIDTH, generator=generator)


def random_filters(wide: nn.Sequential, generator: torch.Generator) -> nn.Sequential:
    """A thin network of filters that are drawn from the wide one."""
    channels, stages = Channels.all(1), list[nn.Module]()
    for stage in wide.children():
        layers: list[nn.Module] = []
        for module in stage.children():
            if isinstance(module, Layer):
                n, width = len(module.weight), WIDTH * (1 if isinstance(module, nn.Conv2d) else 2)
                outputs = Channels(n, torch.randperm(n, generator=generator)[:width])
                layers.append(thin_layer(module, channels, outputs))
                channels = outputs
            elif isinstance(module, Norm):
                layers.append(thin_norm(module, channels))
            else:
                layers.append(copy.deepcopy(module))
        stages.append(nn.Sequential(*layers))
    return nn.Sequential(*stages)


def trained_wide(rows: Rows) -> nn.Sequential:
    """A wide network after one pass over 16,000 rows."""
    torch.manual_seed(0)
    wide = network((32, 64, 64), 128)
    model = nn.Sequential(*wide, nn.Linear(128, 10))
    chosen = torch.randperm(len(rows[0]))[: 250 * BATCH].view(250, BATCH)
    learn(model, torch.optim.Adam(model.parameters(), lr=RATE), rows, chosen)
    return wide.eval()


def accuracies(
    start: Callable[[torch.Generator], nn.Sequential], train: Rows, test: Rows, seed: int
) -> list[float]:
    """Test accuracy after each number of steps. The head and the rows depend on the seed only."""
    generator = torch.Generator().manual_seed(seed)
    head = nn.Linear(2 * WIDTH, 10)
    nn.init.normal_(head.weight, std=(2 * WIDTH) ** -0.5, generator=generator)
    nn.init.zeros_(head.bias)
    chosen = torch.randint(len(train[0]), (max(STEPS), BATCH), generator=generator)
    model = nn.Sequential(*start(generator).train(), head)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    found, before = [], 0
    for step in STEPS:
        learn(model, optimiser, train, chosen[before:step])
        before = step
        found.append(accuracy(model, test))
    return found


def learn(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    rows: Rows,
    batches: Tensor,
) -> None:
    """One step per batch."""
    model.train()
    for chosen in batches:
        loss = functional.cross_entropy(model(rows[0][chosen]), rows[1][chosen])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()


@torch.no_grad()
def accuracy(model: nn.Module, rows: Rows) -> float:
    """Share of the first 5,000 rows whose class is right."""
    model.eval()
    images, classes = rows[0][:5000], rows[1][:5000]
    found = torch.cat([model(images[i : i + 1000]).argmax(1) for i in range(0, len(images), 1000)])
    return float((found == classes).float().mean())


def open_rows(name: str, part: str) -> Rows:
    """Images from 0 to 1, and classes."""
    folder = DATA / name
    pixels, classes = open_idx_pair(
        folder / f"{part}-images-idx3-ubyte.gz", folder / f"{part}-labels-idx1-ubyte.gz"
    )
    return torch.tensor(pixels).unsqueeze(1) / 255, torch.tensor(classes).long()


if __name__ == "__main__":
    main()
