"""A training step of one network per task where every row belongs to one task.

    python benchmarks/own_rows.py [--rounds 9]

Prints how long the step takes in which each network runs all rows of the batch, over that of ramify's
trainer, in which it runs the rows of its task; and the same of a loop over the networks, each on its rows.
"""

import argparse
from collections.abc import Callable

import torch
from _timing import ratios
from _trainer import trainer_step
from torch import nn

from ramify.data import Batch, TableBatches
from ramify.networks import BranchedNetwork, mlp
from ramify.sharing import SingleTask
from ramify.tasks import Regression, Task, TaskSet


class AllRows(BranchedNetwork):
    """Separate networks that run all rows."""

    def own_rows(self, label_mask: torch.Tensor) -> None:
        """None, so that every branch runs every row."""
        return


def small_cnn() -> nn.Sequential:
    """The network of the Omniglot experiments of Yang and Hospedales (2017), with ReLU."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Sequential(nn.Linear(144, 64), nn.ReLU()),
    )


CASES = {
    "mlp 20-64-64": (lambda: mlp(20, [64, 64], dropout=0, input_dropout=0), (20,), 128),
    "mlp 20-256-256": (lambda: mlp(20, [256, 256], dropout=0, input_dropout=0), (20,), 128),
    "cnn 8-12-16-64, 28 x 28": (small_cnn, (1, 28, 28), 128),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name, (build, shape, n_rows) in CASES.items():
        for n_tasks in (4, 40, 139):
            measure(name, build, shape, n_rows, n_tasks, asked.rounds)


def measure(
    name: str,
    build: Callable[[], nn.Sequential],
    shape: tuple[int, ...],
    n_rows: int,
    n_tasks: int,
    rounds: int,
) -> None:
    torch.manual_seed(0)
    tasks = TaskSet([Task(f"t{i}", Regression(0, 1)) for i in range(n_tasks)])
    task = torch.randint(0, n_tasks, (4 * n_rows,))
    mask = nn.functional.one_hot(task, n_tasks).bool()
    x, y = torch.randn(len(mask), *shape), torch.randn(mask.shape) * mask
    batches = TableBatches(x, y, mask, n_rows, 0)
    sharing = SingleTask()
    network = sharing.build(build(), tasks)
    every = AllRows(build(), network.tree, tasks)
    alone = [SingleTask().build(build(), TaskSet([each])) for each in tasks]
    calls = {
        "all rows": trainer_step(every, sharing, batches, observes=False),
        "own rows": trainer_step(network, sharing, batches, observes=False),
        "loop": one_by_one(alone),
    }
    found = ratios(calls, "own rows", list(batches), rounds=rounds, clock="cpu")
    print(f"{name}, {n_tasks} tasks")
    for each, ratio in found.items():
        print(f"  {each:8} ÷ own rows {ratio}", flush=True)


def one_by_one(networks: list[nn.Module]) -> Callable[[Batch], None]:
    """Networks that are trained in a loop, each on the rows of its task."""
    optimisers = [torch.optim.AdamW(each.parameters(), lr=1e-3, fused=True) for each in networks]

    def step(batch: Batch) -> None:
        for t, (network, optimiser) in enumerate(zip(networks, optimisers, strict=True)):
            mine = batch.label_mask[:, t]
            if not batch.present[t]:
                continue
            optimiser.zero_grad()
            error = network(batch.inputs[mine])[:, 0] - batch.targets[mine, t]
            torch.autograd.backward(error.square().mean())
            optimiser.step()

    return step


if __name__ == "__main__":
    main()
