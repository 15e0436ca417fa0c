"""Step times of every weighting, over the step with equal weights.

    python benchmarks/weighting.py [mlp] [cnn] [--tasks 2,10,40] [--rounds 20] [--output FILE]

All ratios come from one process in which all sides take turns. TorchJD's rules, where it is
installed, run on the same network by hand. See benchmarks/README.md.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from _timing import Ratio, ratios
from _trainer import trainer_step
from speed import Step, binary_tasks, made_up, show, trunk
from torch import Tensor, nn
from torch.nn import functional

from ramify.data import Batch, TableBatches
from ramify.sharing import HardSharing
from ramify.training import Training
from ramify.weighting import WEIGHTINGS, LossWeighting, Remembering, Weighting, weighting_named

AIMS = {True: 1.15, False: 2.5}  # of a loss weighting, of a Gram weighting with 40 tasks
CNN_BATCHES, CNN_BATCH = 4, 64
TORCHJD = ("MGDA", "PCGrad", "IMTLG", "AlignedMTL")


def main() -> None:
    """Measure what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "networks", nargs="*", help=f"any of {', '.join(NETWORKS)}; both by default"
    )
    parser.add_argument("--tasks", default="2,10,40", help="numbers of tasks, comma separated")
    parser.add_argument("--rounds", type=int, default=20, help="passes over the batches")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    how = {"rounds": arguments.rounds, "clock": "cpu"}
    found: dict[str, Any] = {}
    for network in arguments.networks or NETWORKS:
        for n_tasks in map(int, arguments.tasks.split(",")):
            print(f"\n{network}, {n_tasks} tasks: step ÷ step with equal weights")
            measured = measure(network, n_tasks, how)
            found[f"{network}, T={n_tasks}"] = {k: asdict(v) for k, v in measured.items()}
    if arguments.output is not None:
        text = json.dumps({"measured_with": how | {"torch": torch.__version__}, **found}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


def measure(network: str, n_tasks: int, how: dict[str, Any]) -> dict[str, Ratio]:
    """Every weighting on one network, ours first, and TorchJD's with fewer rounds."""
    backbone, batches = NETWORKS[network](n_tasks)
    items = list(batches)
    steps = {name: weighed_step(rule, backbone(), n_tasks, batches) for name, rule in rules()}
    found = ratios(steps, "equal", items, **how)
    exact = {
        f"{name}, all parameters": weighed_step(
            weighting_named(name), backbone(), n_tasks, batches, exact=True
        )
        for name in ("mgda",)
    }
    rivals = exact | dict(torchjd_steps(backbone, n_tasks)) | {"equal": steps["equal"]}
    few = how | {"rounds": max(2, how["rounds"] // 10)}
    found |= ratios(rivals, "equal", items[:4], **few)
    for name, ratio in found.items():
        show(name + verdict(name, n_tasks, ratio), ratio)
    return found


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
    if not light and n_tasks != 40:
        return ""
    return "" if ratio.median <= AIMS[light] else f"  above {AIMS[light]}"


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


def torchjd_steps(
    backbone: Callable[[], nn.Sequential], n_tasks: int
) -> Iterator[tuple[str, Step]]:
    """TorchJD's rules on all parameters of the same network, its heads one wide layer."""
    try:
        from torchjd import aggregation  # noqa: PLC0415
        from torchjd.autojac import backward, jac_to_grad  # noqa: PLC0415
    except ImportError as error:
        print(f"  TorchJD is absent: {error}")
        return
    settings = Training()
    for name in TORCHJD:
        network, losses_of = by_hand(backbone(), n_tasks)
        parameters = list(network.parameters())
        optimiser = torch.optim.AdamW(
            parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        aggregator = getattr(aggregation, name)()

        def step(
            batch: Batch,
            losses_of: Callable[[Batch], Tensor] = losses_of,
            parameters: list[nn.Parameter] = parameters,
            optimiser: torch.optim.Optimizer = optimiser,
            aggregator: Any = aggregator,  # noqa: ANN401  # of an optional package
        ) -> None:
            losses = losses_of(batch)
            optimiser.zero_grad()
            backward(losses)
            jac_to_grad(parameters, aggregator)
            nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
            optimiser.step()

        yield f"TorchJD {name}", step


def by_hand(
    backbone: nn.Sequential, n_tasks: int
) -> tuple[nn.Sequential, Callable[[Batch], Tensor]]:
    """The same network in plain PyTorch, and its tasks' losses."""
    torch.manual_seed(0)
    width = [layer for layer in backbone if isinstance(layer, nn.Linear)][-1].out_features
    network = nn.Sequential(*backbone, nn.Linear(width, n_tasks))

    def losses_of(batch: Batch) -> Tensor:
        weights = batch.label_mask.float()
        losses = functional.binary_cross_entropy_with_logits(
            network(batch.inputs), batch.targets, reduction="none"
        )
        return (losses * weights).sum(0) / weights.sum(0).clamp(min=1)

    return network, losses_of


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
