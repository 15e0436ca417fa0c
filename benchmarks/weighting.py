"""Step times of every weighting, over the step with equal weights, ours and those of others.

    python benchmarks/weighting.py [mlp] [cnn] [--tasks 2,10,40,200] [--rounds 10] [--output FILE]
    python benchmarks/weighting.py --write               # also renew docs/results/weighting.md

All ratios come from one process in which all sides take turns. The rules of TorchJD and LibMTL, where
they are installed, run on the same networks. See benchmarks/README.md.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from _rivals import Rival, rivals, torchjd_weightings
from _timing import Ratio, ratios
from _trainer import trainer_step
from _weighting_page import page_of
from speed import Step, binary_tasks, made_up, show, trunk
from torch import nn

from ramify.data import Batch, TableBatches
from ramify.sharing import HardSharing
from ramify.training import Training
from ramify.weighting import (
    WEIGHTINGS,
    LossWeighting,
    Remembering,
    Weighting,
    as_weighting,
    weighting_named,
)

LOSS_AIM, GRAM_AIMS = 1.15, {40: 2.0, 200: 6.0}  # of Gram weightings by number of tasks
CNN_BATCHES, CNN_BATCH = 4, 64
EXACT = ("mgda", "upgrad")
PLAIN = ("PyTorch by hand", "LibMTL EW")
REPEATS = 8
PAGE = Path(__file__).parents[1] / "docs" / "results" / "weighting.md"
Found = dict[str, Ratio | str]  # why there is no ratio, where there is none


def main() -> None:
    """Measure what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "networks", nargs="*", help=f"any of {', '.join(NETWORKS)}; both by default"
    )
    parser.add_argument("--tasks", default="2,10,40,200", help="numbers of tasks, comma separated")
    parser.add_argument("--rounds", type=int, default=10, help="passes over the batches")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    parser.add_argument("--write", action="store_true", help=f"renew {PAGE.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    how = {"rounds": arguments.rounds, "clock": "cpu"}
    found: dict[str, Found] = {}
    for network in arguments.networks or NETWORKS:
        for n_tasks in map(int, arguments.tasks.split(",")):
            print(f"\n{network}, {n_tasks} tasks: step ÷ step with equal weights")
            found[f"{network}, T={n_tasks}"] = measure(network, n_tasks, how)
    if arguments.output is not None:
        text = json.dumps(
            {"measured_with": how | {"torch": torch.__version__}, **_plain(found)}, indent=2
        )
        arguments.output.write_text(text + "\n", encoding="utf-8")
    if arguments.write:
        PAGE.write_text(page_of(found, arguments.rounds), encoding="utf-8")


def measure(network: str, n_tasks: int, how: dict[str, Any]) -> Found:
    """Every weighting on one network, ours first; the dear ones of others with fewer steps."""
    backbone, batches = NETWORKS[network](n_tasks)
    items = list(batches)
    steps: dict[str, Step] = {
        name: weighed_step(rule, backbone(), n_tasks, batches) for name, rule in rules()
    }
    others = {name: Rival(make) for name, make in rivals(backbone, n_tasks, items)}
    for name in PLAIN:
        if not others[name].fault:
            steps[name] = others[name]
    found: Found = dict(ratios(steps, "equal", items, **how))
    dear: dict[str, Step] = {"equal": repeated(steps["equal"])}
    for name in EXACT:
        rule = weighting_named(name)
        step = weighed_step(rule, backbone(), n_tasks, batches, exact=True)
        dear[f"{name}, all parameters"] = step
    for name, rule in torchjd_weightings(n_tasks):
        step = weighed_step(as_weighting(rule), backbone(), n_tasks, batches)
        dear[f"TorchJD {name}, at our features"] = step
    dear |= {name: rival for name, rival in others.items() if name not in steps}
    few = how | {"rounds": max(3, 30 // n_tasks)}
    measured = ratios(dear, "equal", items[:1], **few)
    found |= {name: scaled(ratio) for name, ratio in measured.items()}
    found |= {name: rival.fault for name, rival in others.items() if rival.fault}
    for name, ratio in found.items():
        if isinstance(ratio, str):
            print(f"  {name:55} {ratio}")
        else:
            show(name + verdict(name, n_tasks, ratio), ratio)
    return found


def repeated(step: Step) -> Step:
    """Several steps: one alone, after those of others, would find none of its numbers at hand."""

    def steps(batch: Batch) -> None:
        for _ in range(REPEATS):
            step(batch)

    return steps


def scaled(ratio: Ratio) -> Ratio:
    """Over one step, not over several."""
    return Ratio(
        *(REPEATS * each for each in (ratio.median, ratio.low, ratio.high)),
        ratio.microseconds,
        ratio.base_microseconds / REPEATS,
    )


def rules() -> Iterator[tuple[str, Weighting]]:
    """All weightings that need no numbers of their own."""
    for name in WEIGHTINGS:
        if name != "fixed":
            yield name, weighting_named(name)


def verdict(name: str, n_tasks: int, ratio: Ratio) -> str:
    """Whether the aim was met; nothing where there is none."""
    if name not in WEIGHTINGS:
        return ""
    light = issubclass(WEIGHTINGS[name], LossWeighting)
    aim = LOSS_AIM if light else GRAM_AIMS.get(n_tasks)
    return "" if aim is None or ratio.median <= aim else f"  above {aim}"


def weighed_step(
    rule: Weighting,
    backbone: nn.Sequential,
    n_tasks: int,
    batches: TableBatches,
    *,
    exact: bool = False,
) -> Step:
    """The step that ramify's trainer takes for one shared network."""
    torch.manual_seed(0)
    tasks, sharing = binary_tasks(n_tasks), HardSharing()
    if isinstance(rule, Remembering):
        rule.start(tasks, seed=0)
    settings = Training(weighting=rule, exact_gradients=exact)
    network = sharing.build(backbone, tasks)
    return trainer_step(network, sharing, batches, observes=False, settings=settings)


def _plain(found: dict[str, Found]) -> dict[str, dict[str, object]]:
    return {
        place: {k: v if isinstance(v, str) else asdict(v) for k, v in each.items()}
        for place, each in found.items()
    }


def small_cnn() -> nn.Sequential:
    """Three convolutions and a dense layer for pictures of 32 × 32."""
    layers: list[nn.Module] = []
    for a, b in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 128), nn.ReLU())


def pictures(n_tasks: int) -> TableBatches:
    """Random pictures with a fifth of the labels missing."""
    random = torch.Generator().manual_seed(0)
    rows = CNN_BATCHES * CNN_BATCH
    mask = torch.rand(rows, n_tasks, generator=random) < 0.8
    targets = (torch.rand(rows, n_tasks, generator=random) < 0.3).float() * mask
    inputs = torch.randn(rows, 3, 32, 32, generator=random)
    return TableBatches(inputs, targets, mask, CNN_BATCH, seed=0)


Network = tuple[Callable[[], nn.Sequential], TableBatches]
NETWORKS: dict[str, Callable[[int], Network]] = {
    "mlp": lambda n_tasks: (trunk, made_up(n_tasks, 64)),
    "cnn": lambda n_tasks: (small_cnn, pictures(n_tasks)),
}

if __name__ == "__main__":
    main()
