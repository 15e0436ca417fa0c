"""From margins of a network that trains: the planted groups are found, and dividing pays."""

import numpy as np
import pytest
import torch

from ramify.data import TableBatches, infer_schema, open_table, planted_table, read_targets
from ramify.networks import mlp
from ramify.sharing import FullyAdaptive, HardSharing
from ramify.tasks import SharingTree, TaskSet
from ramify.training import Trainer, Training


def planted(seed: int) -> tuple[TaskSet, TableBatches, TableBatches, SharingTree]:
    frame, groups = planted_table(2, 3, rows=1500, features=8, seed=seed)
    names = [name for group in groups for name in group]
    table = open_table(frame)
    tasks = infer_schema(table, names).tasks
    targets, mask = read_targets(table, tasks)
    inputs = torch.from_numpy(frame.drop(names).to_numpy().astype(np.float32))
    parts = torch.from_numpy(targets), torch.from_numpy(mask)
    train = TableBatches(inputs[:1100], parts[0][:1100], parts[1][:1100], 64, seed=0)
    held_out = TableBatches(
        inputs[1100:], parts[0][1100:], parts[1][1100:], 400, seed=0, shuffle=False
    )
    tree = SharingTree(tasks.names, ((tasks.names,), groups))
    return tasks, train, held_out, tree


@pytest.mark.parametrize("affinity", ["margins-corrected", "gradient-cosine", "gradient-factors"])
def test_the_affinity_of_a_training_shows_the_planted_groups(affinity: str) -> None:
    tasks, train, held_out, tree = planted(seed=1)
    sharing = FullyAdaptive(growing_epochs=8, affinity=affinity)
    settings = Training(epochs=3, learning_rate=0.01, weight_decay=0.01)
    backbone = mlp(8, (64, 32), dropout=0.2, input_dropout=0.0)
    fitted = Trainer(settings).fit(sharing, backbone, tasks, train, held_out)
    assert tree.stages[1] in {each.tree.stages[1] for each in fitted.candidates}
    clearest = max(fitted.candidates, key=lambda each: sharing.clarity(each.tree))
    assert clearest.tree.stages[1] == tree.stages[1]
    matrix = sharing.affinities()[affinity].matrix
    assert matrix[:3, :3].min() > matrix[:3, 3:].max()
    assert min(min(stage) for stage in sharing.stability(tree, [sharing])) > 0.85


def test_a_network_learns_the_planted_tasks() -> None:
    tasks, train, held_out, _ = planted(seed=1)
    settings = Training(epochs=20, learning_rate=0.01, weight_decay=0.01)
    backbone = mlp(8, (32, 16), dropout=0.0, input_dropout=0.0)
    fitted = Trainer(settings).fit(HardSharing(), backbone, tasks, train, held_out)
    assert Trainer().predict(fitted.network, held_out).skills(tasks).min() > 0.85
