"""What watching the estimators' gradients costs: a step that does ÷ the same step that does not.

    python benchmarks/selective.py [--tasks 12,40,617] [--rounds 10] [--width 64] [--output FILE]

With an estimator per task, and after tasks have come to share them. See benchmarks/README.md.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from _timing import Ratio, ratios
from _trainer import trainer_step
from speed import Step, binary_tasks, made_up, show, trunk

from ramify.data import TableBatches
from ramify.networks import BranchedNetwork
from ramify.sharing import SelectiveSharing
from ramify.tasks import SharingTree, TaskSet

AIM = 1.05


def main() -> None:
    """Measure what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default="12,40,617", help="numbers of tasks, comma separated")
    parser.add_argument("--rounds", type=int, default=10, help="passes over the batches")
    parser.add_argument("--width", type=int, default=64, help="of an estimator")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    how = {"rounds": arguments.rounds, "clock": "cpu"}
    found: dict[str, Any] = {}
    for n_tasks in map(int, arguments.tasks.split(",")):
        print(f"\n{n_tasks} tasks: step that watches ÷ step that does not")
        for n_groups in (n_tasks, max(2, n_tasks // 4)):
            ratio, sums = measure(n_tasks, n_groups, arguments.width, how)
            label = f"{n_groups} estimators, {sums / 2**20:.1f} MiB of sums"
            show(label + ("" if ratio.median <= AIM else f"  above {AIM}"), ratio)
            found[f"T={n_tasks}, G={n_groups}"] = asdict(ratio) | {"sums_bytes": sums}
    if arguments.output is not None:
        text = json.dumps({"measured_with": how | {"torch": torch.__version__}, **found}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


def measure(n_tasks: int, n_groups: int, width: int, how: dict[str, Any]) -> tuple[Ratio, int]:
    """A ratio, and the bytes of the gradients' sums."""
    tasks, batches = binary_tasks(n_tasks), made_up(n_tasks, 64)
    sharing = SelectiveSharing(estimator_width=width)
    steps: dict[str, Step] = {
        name: watched_step(sharing, tasks, n_groups, batches, observes=name == "watches")
        for name in ("watches", "does not")
    }
    items = list(batches)[: 16 if n_tasks < 100 else 8]
    ratio = ratios(steps, "does not", items, block=2, **how)["watches"]
    return ratio, sharing.state_tensors()["sums"].nbytes


def watched_step(
    sharing: SelectiveSharing,
    tasks: TaskSet,
    n_groups: int,
    batches: TableBatches,
    *,
    observes: bool,
) -> Step:
    """The step that ramify's trainer takes, with so many estimators left."""
    torch.manual_seed(0)
    network = merged(sharing.build(trunk(), tasks), n_groups)
    sharing.load_state_tensors(sharing.state_tensors() | {"sums": torch.zeros(n_groups, 0)})
    return trainer_step(network, sharing, batches, observes=observes)


def merged(network: BranchedNetwork, n_groups: int) -> BranchedNetwork:
    """The network with every so-manyth task in one group."""
    names = network.tree.tasks
    groups = tuple(names[g::n_groups] for g in range(n_groups))
    tree = SharingTree(names, (*network.tree.stages[:-1], groups))
    return network.regrouped(tree, [group[0] for group in tree.stages[-1]])


if __name__ == "__main__":
    main()
