"""Step times as ratios: learning the tree, a shared network against PyTorch by hand, stacking.

    python benchmarks/speed.py [affinity] [many] [step] [stacking] [--output speed.json]

All ratios come from one process in which both sides take turns. See benchmarks/README.md.
"""

import argparse
import contextlib
import io
import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from _timing import CLOCKS, Ratio, ratios
from _trainer import trainer_step
from torch import Tensor, nn
from torch.nn import functional

from ramify.data import Batch, TableBatches
from ramify.networks import BranchedNetwork, mlp
from ramify.sharing import FullyAdaptive, HardSharing, Sharing
from ramify.tasks import Binary, SharingTree, Task, TaskSet
from ramify.training import Training

N_BATCHES, BATCH = 20, 128
MANY_TASKS, N_MANY_BATCHES = (617, 1000, 3000, 5000), 320
FIT_DEFAULT, SMALL = "default of ramify fit, 1024-256-256", "64-256-256-256"
Step = Callable[[Batch], object]


def main() -> None:
    """Run what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=60, help="passes over the 20 batches")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, help="by default cpu with one thread, else wall")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    torch.set_num_threads(arguments.threads)
    how = {
        "rounds": arguments.rounds,
        "clock": arguments.clock or ("cpu" if arguments.threads == 1 else "wall"),
    }
    found: dict[str, dict[str, Any]] = {}
    for part in arguments.parts or PARTS:
        title, measure = PARTS[part]
        print(f"\n{title}")
        found[part] = {name: asdict(ratio) for name, ratio in measure(how).items()}
    if arguments.output is not None:
        about = how | {"threads": arguments.threads, "torch": torch.__version__}
        text = json.dumps({"measured_with": about, **found}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


def measure_affinity(how: dict[str, Any]) -> dict[str, Ratio]:
    """Training step that learns the structure ÷ the same step of a network that does not."""
    found = {}
    networks: list[tuple[str, int, Callable[[], nn.Sequential]]] = [
        (FIT_DEFAULT, 1024, lambda: mlp(1024, (256, 256))),
        (SMALL, 64, trunk),
    ]
    for name, width, backbone in networks:
        for n_tasks in (12, 40):
            batches = made_up(n_tasks, width)
            steps = {
                "margins": segment_step(FullyAdaptive(), backbone(), n_tasks, batches),
                "gradients": segment_step(
                    FullyAdaptive(affinity="gradient-cosine"), backbone(), n_tasks, batches
                ),
                "off": segment_step(HardSharing(), backbone(), n_tasks, batches),
            }
            for evidence, ratio in ratios(steps, "off", list(batches), **how).items():
                label = f"T={n_tasks}, {name}, {evidence}"
                found[label] = ratio
                show(label, ratio)
    return found


def measure_many(how: dict[str, Any]) -> dict[str, Ratio]:
    """The same for many tasks, over enough batches for all that waits to be counted."""
    found = {}
    for n_tasks in MANY_TASKS:
        batches = made_up(n_tasks, 64, N_MANY_BATCHES)
        steps = {
            "margins": segment_step(FullyAdaptive(), trunk(), n_tasks, batches),
            "off": segment_step(HardSharing(), trunk(), n_tasks, batches),
        }
        rounds = min(how["rounds"], 3)
        items, block = list(batches), N_MANY_BATCHES // 4
        measured = ratios(steps, "off", items, **(how | {"rounds": rounds, "block": block}))
        found[f"T={n_tasks}"] = measured["margins"]
        show(f"T={n_tasks}", measured["margins"])
    return found


def measure_step(how: dict[str, Any]) -> dict[str, Ratio]:
    """Training step of a shared network ÷ the same by hand."""
    found = {}
    for n_tasks in (2, 10, 40):
        batches = made_up(n_tasks, 64)
        items = list(batches)
        steps: dict[str, Step] = {
            "ramify": segment_step(HardSharing(), trunk(), n_tasks, batches),
            "hand": hand_step(n_tasks),
        }
        try:
            steps["LibMTL"] = libmtl_step(n_tasks, items)
        except ImportError as error:
            print(f"  LibMTL is absent: {error}")
        measured = ratios(steps, "hand", items, **how)
        for name, ratio in measured.items():
            found[f"T={n_tasks}, {name}"] = ratio
            show(f"T={n_tasks}, {name}", ratio)
    return found


def measure_stacking(how: dict[str, Any]) -> dict[str, Ratio]:
    """Loop over branches ÷ stacked branches, forward and backward."""
    found = {}
    for width in (32, 64, 256):
        for n_branches in (2, 5, 12, 40):
            tasks = binary_tasks(n_branches)
            tree = SharingTree.separate(tasks.names, 2)
            inputs = list(torch.randn(4, BATCH, 64).unbind())
            steps = {
                name: both_ways(BranchedNetwork(mlp(64, (width, width)), tree, tasks, stack=stack))
                for name, stack in (("loop", False), ("stacked", True))
            }
            label = f"{n_branches} branches, width {width}"
            found[label] = ratios(steps, "stacked", inputs, **(how | {"block": 1}))["loop"]
            show(label, found[label])
    return found


PARTS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Ratio]]]] = {
    "affinity": ("Step with the affinity on ÷ off (aim: at most 1.05)", measure_affinity),
    "many": ("The same for many tasks (aim: 1.15 at 617, 1.5 at 5,000)", measure_many),
    "step": ("Step of a shared network ÷ by hand (aim: at most 1.15)", measure_step),
    "stacking": ("Loop over branches ÷ stacked (aim: at least 0.95)", measure_stacking),
}


def show(label: str, ratio: Ratio) -> None:
    """Print one line."""
    print(f"  {label:55} {ratio}", flush=True)


def binary_tasks(n_tasks: int) -> TaskSet:
    """Binary tasks by number."""
    return TaskSet([Task(f"t{i}", Binary()) for i in range(n_tasks)])


def trunk() -> nn.Sequential:
    """A plain network 64-256-256-256."""
    widths = ((64, 256), (256, 256), (256, 256))
    return nn.Sequential(*[layer for a, b in widths for layer in (nn.Linear(a, b), nn.ReLU())])


def made_up(n_tasks: int, width: int, n_batches: int = N_BATCHES) -> TableBatches:
    """Random rows with a fifth of the labels missing."""
    random = torch.Generator().manual_seed(0)
    rows = n_batches * BATCH
    mask = torch.rand(rows, n_tasks, generator=random) < 0.8
    targets = (torch.rand(rows, n_tasks, generator=random) < 0.3).float() * mask
    inputs = torch.randn(rows, width, generator=random)
    return TableBatches(inputs, targets, mask, BATCH, seed=0)


def segment_step(
    sharing: Sharing, backbone: nn.Sequential, n_tasks: int, batches: TableBatches
) -> Step:
    """The step that ramify's trainer takes."""
    torch.manual_seed(0)
    network = sharing.build(backbone, binary_tasks(n_tasks))
    return trainer_step(network, sharing, batches, observes=True)


def hand_step(n_tasks: int) -> Step:
    """The same step as one would write it for one network and binary tasks only."""
    torch.manual_seed(0)
    settings = Training()
    network = nn.Sequential(*trunk(), nn.Linear(256, n_tasks))
    parameters = list(network.parameters())
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.rate, weight_decay=settings.decay, fused=True
    )

    def step(batch: Batch) -> None:
        weights = batch.label_mask.float()
        losses = functional.binary_cross_entropy_with_logits(
            network(batch.inputs), batch.targets, reduction="none"
        )
        loss = ((losses * weights).sum(0) / weights.sum(0).clamp(min=1)).mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
        optimiser.step()

    return step


def both_ways(network: BranchedNetwork) -> Callable[[Tensor], None]:
    """Forward and backward."""

    def run(inputs: Tensor) -> None:
        network.zero_grad()
        network(inputs).square().mean().backward()

    return run


def libmtl_step(
    n_tasks: int,
    batches: Sequence[Batch],
    *,
    rule: str = "EW",
    encoder: Callable[[], nn.Sequential] = trunk,
    width: int = 256,
    at_features: bool = False,
    settings: Mapping[str, object] | None = None,
) -> Step:
    """The loop body of LibMTL's trainer: hard sharing, fused Adam, no clipping.

    Three things are changed so that it runs: there is a stand-in for a module that torchvision no
    longer has (needed only to download weights), the CPU takes the place of its fixed ``cuda:0``,
    and gradients are emptied to zeros, as PyTorch 1 did by itself. It knows no missing labels, so its loss function finds them as NaN. It computes no
    metric, and the labels are split by task beforehand.

    Args:
        n_tasks: Number of tasks.
        batches: All batches that will be given.
        rule: Name of the weighting, equal weights by default.
        encoder: Makes the shared network.
        width: Features that it ends with.
        at_features: Whether gradients are taken there, and not of all shared parameters.
        settings: Of the weighting.

    Raises:
        ImportError: If LibMTL is not installed.
    """
    _stand_in_for_torchvision()
    from LibMTL import Trainer as LibMTLTrainer  # type: ignore[import-not-found]  # noqa: PLC0415
    from LibMTL import weighting  # type: ignore[import-not-found]  # noqa: PLC0415
    from LibMTL.architecture import HPS  # type: ignore[import-not-found]  # noqa: PLC0415
    from LibMTL.loss import AbsLoss  # type: ignore[import-not-found]  # noqa: PLC0415
    from LibMTL.metrics import AbsMetric  # type: ignore[import-not-found]  # noqa: PLC0415

    class MaskedLoss(AbsLoss):  # type: ignore[misc]
        def compute_loss(self, pred: Tensor, gt: Tensor) -> Tensor:
            weights = (~gt.isnan()).float()
            losses = functional.binary_cross_entropy_with_logits(
                pred.squeeze(-1), gt.nan_to_num(), reduction="none"
            )
            return (losses * weights).sum() / weights.sum().clamp(min=1)

    class NoMetric(AbsMetric):  # type: ignore[misc]
        def update_fun(self, pred: Tensor, gt: Tensor) -> None:
            pass

    class CPUTrainer(LibMTLTrainer):  # type: ignore[misc]
        def _prepare_model(self, *args: object) -> None:
            self.device = torch.device("cpu")
            super()._prepare_model(*args)

    names = [f"t{i}" for i in range(n_tasks)]
    torch.manual_seed(0)
    with contextlib.redirect_stdout(io.StringIO()):
        trainer = CPUTrainer(
            task_dict={
                name: {
                    "metrics": ["none"],
                    "metrics_fn": NoMetric(),
                    "loss_fn": MaskedLoss(),
                    "weight": [1],
                }
                for name in names
            },
            weighting=getattr(weighting, rule),
            architecture=HPS,
            encoder_class=encoder,
            decoders=nn.ModuleDict({name: nn.Linear(width, 1) for name in names}),
            rep_grad=at_features,
            multi_input=False,
            optim_param={"optim": "adam", "lr": 1e-3, "weight_decay": 1e-4, "fused": True},
            scheduler_param=None,
            weight_args=dict(settings or {}),
            arch_args={},
        )
    trainer.model.train()
    encoder_of = trainer.model.encoder
    trainer.model.zero_grad_share_params = lambda: encoder_of.zero_grad(set_to_none=False)

    def step(batch: Batch) -> None:
        labels = labels_of[id(batch)]
        predictions = trainer.process_preds(trainer.model(batch.inputs))
        losses = trainer._compute_loss(predictions, labels)
        trainer.meter.update(predictions, labels)
        trainer.optimizer.zero_grad()
        trainer.model.backward(losses, **trainer.kwargs["weight_args"])
        trainer.optimizer.step()

    labels_of = {id(batch): _by_task(batch, names) for batch in batches}
    return step


def _by_task(batch: Batch, names: list[str]) -> dict[str, Tensor]:
    columns = torch.where(batch.label_mask, batch.targets, float("nan")).unbind(1)
    return {name: column.contiguous() for name, column in zip(names, columns, strict=True)}


def _stand_in_for_torchvision() -> None:
    module = types.ModuleType("torchvision.models.utils")
    vars(module)["load_state_dict_from_url"] = None
    for name in ("torchvision", "torchvision.models"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torchvision.models.utils"] = module


if __name__ == "__main__":
    main()
