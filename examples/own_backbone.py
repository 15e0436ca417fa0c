"""An own backbone, own loaders, and tasks of two kinds with labels missing."""

# ruff: noqa: T201

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ramify import Binary, FullyAdaptive, Regression, Task, TaskSet, Trainer, Training
from ramify.tasks import tree_lines


def made_rows(n_rows: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two hidden quantities; each is behind two tasks. NaN means not labelled."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n_rows, 16, generator=generator)
    first = torch.tanh(inputs[:, :8].sum(1))
    second = torch.tanh(inputs[:, 8:].sum(1))
    targets = torch.stack([(first > 0).float(), first, (second > 0).float(), second], dim=1)
    targets[torch.rand(targets.shape, generator=generator) < 0.3] = float("nan")
    return inputs, targets


def main() -> None:
    """Learn the tree, then score the network on the validation rows."""
    tasks = TaskSet(
        [
            Task("first sign", Binary()),
            Task("first value", Regression()),
            Task("second sign", Binary()),
            Task("second value", Regression()),
        ]
    )
    backbone = nn.Sequential(
        nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4), nn.ReLU()
    )
    inputs, targets = made_rows(1500)
    train = DataLoader(TensorDataset(inputs[:1200], targets[:1200]), batch_size=64, shuffle=True)
    validation = DataLoader(TensorDataset(inputs[1200:], targets[1200:]), batch_size=300)
    trainer = Trainer(Training(epochs=8, learning_rate=1e-2, weight_decay=0.01), seed=0)
    fitted = trainer.fit(FullyAdaptive(growing_epochs=3), backbone, tasks, train, validation)
    print(*tree_lines(fitted.tree), sep="\n")
    scores = trainer.predict(fitted.network, validation).scores(tasks)
    for task, score in zip(tasks, scores, strict=True):
        print(f"{task.name}: {task.kind.metric.name} {score:.3f}")


if __name__ == "__main__":
    main()
