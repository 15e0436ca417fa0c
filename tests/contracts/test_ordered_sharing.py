"""Every way of sharing learns levels and orders beside other kinds, from batches of whole groups."""

import numpy as np
import pytest
import torch
from tests.toy import N_INPUTS, backbone

from ramify.data import TableBatches
from ramify.losses import TaskLosses
from ramify.networks import StackedHeads
from ramify.tasks import Binary, Ordinal, Ranking, Task, TaskSet
from ramify.training import Trainer, Training

from ._cases import SHARINGS

TASKS = TaskSet(
    [
        Task("a", Ordinal(("none", "low", "high", "top"))),
        Task("b", Ranking()),
        Task("c", Binary()),
        Task("d", Ranking()),
    ]
)
BUILDERS = {name: build for cases in SHARINGS.values() for name, build in cases.items()}


def rows(n: int, seed: int, *, training: bool) -> TableBatches:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, N_INPUTS, generator=generator)
    group = torch.arange(n) // 5
    level = torch.bucketize(2 * x[:, 0], torch.tensor([-1.5, 0.0, 1.5])).float()
    one, two = (2 * x[:, 1]).round().relu(), (2 * x[:, 2]).round().relu()
    targets = torch.stack([level, one, (x[:, 0] > 0).float(), two], dim=1)
    mask = torch.rand(n, 4, generator=generator) < 0.8
    targets = torch.where(mask, targets, 0)
    return TableBatches(x, targets, mask, 20, seed=1, shuffle=training, groups=group)


@pytest.mark.parametrize("name", BUILDERS)
def test_levels_and_orders_are_learned(name: str) -> None:
    trainer = Trainer(Training(epochs=5, learning_rate=0.02, weight_decay=0.01))
    train, held_out = rows(160, 0, training=True), rows(80, 1, training=False)
    fitted = trainer.fit(BUILDERS[name](TASKS), backbone(0.0), TASKS, train, held_out)
    predictions = trainer.predict(fitted.network, held_out)
    scores = predictions.scores(TASKS)
    assert np.isfinite(scores).all()
    assert scores.mean() > 0.55  # about 0.45 by chance
    heads = [each for each in fitted.network.modules() if isinstance(each, StackedHeads)]
    constant = [
        each.weight[reads[:, 0] == 0] for each in heads if (reads := each.reads) is not None
    ]
    assert all((weight == 0).all() for weight in constant)
    assert constant
    # What is the same for all rows is: distances between the logits of the levels.
    outputs = fitted.network.eval()(torch.randn(6, N_INPUTS))
    reaching = TaskLosses(TASKS).predictions(outputs)[:, :3]
    gaps = torch.logit(reaching.double()).diff(dim=1)
    torch.testing.assert_close(gaps, gaps[:1].expand(6, 2), rtol=1e-2, atol=1e-2)
