"""Tasks of words and tasks of rows that have a hidden direction in common come to share."""

import numpy as np
import pytest
import torch
from tests.toy_tokens import LONGEST, Words, part
from torch import nn

from ramify.data import LoaderBatches, as_batches
from ramify.grouping import Similarity
from ramify.sharing import FullyAdaptive, SelectiveSharing
from ramify.tasks import ROW, TOKEN, Binary, Task, TaskSet
from ramify.training import Trainer, Training

WIDTH = 8
TASKS = TaskSet(
    [
        Task("word 0", Binary(), unit=TOKEN),
        Task("word 1", Binary(), unit=TOKEN),
        Task("row 0", Binary()),
        Task("row 1", Binary()),
    ]
)
PLANTED = (("word 0", "row 0"), ("word 1", "row 1"))


def planted(seed: int, n: int = 1024) -> LoaderBatches:
    """Rows of ragged length; in some, all labels that follow one of the directions are noisy."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, LONGEST, WIDTH))
    real = np.arange(LONGEST) < rng.integers(2, LONGEST + 1, size=n)[:, None]
    # At right angles: rows near the border of one direction are not near that of a like one.
    directions = np.linalg.qr(rng.standard_normal((WIDTH, 2)))[0].T
    noise = np.where(rng.random((n, 2)) < 0.4, 2.0, 0.1)
    targets, masks = {}, {}
    for task in TASKS:
        group = int(task.name[-1])
        signal, size = np.tanh(1.5 * (x @ directions[group])), noise[:, group]
        if task.unit == ROW:
            signal = (signal * real).sum(1) / real.sum(1) ** 0.5
        else:
            size = size[:, None]
        mask = rng.random(signal.shape) < 0.8
        values = signal + size * rng.standard_normal(signal.shape) > 0
        targets[task.name] = torch.from_numpy(values).float()
        masks[task.name] = torch.from_numpy(mask if task.unit == ROW else mask & real)
    inputs = {"x": torch.from_numpy(x).float(), "real": torch.from_numpy(real)}
    found = {"inputs": inputs, "targets": targets, "label_mask": masks}
    return as_batches([part(found, slice(i, i + 32)) for i in range(0, n, 32)], TASKS)


def stages(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(Words(), nn.Linear(WIDTH, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())


@pytest.mark.parametrize("affinity", ["margins-corrected", "gradient-cosine"])
@pytest.mark.parametrize("seed", [0, 1])
def test_evidence_by_row_and_by_gradient_finds_who_shares(affinity: str, seed: int) -> None:
    sharing = FullyAdaptive(growing_epochs=8, affinity=affinity, max_parameters=900)
    settings = Training(epochs=1, learning_rate=0.01)
    fitted = Trainer(settings, seed=seed).fit(sharing, stages(seed), TASKS, planted(seed))
    assert fitted.tree.stages[-1] == PLANTED
    matrix = sharing.matrix()
    within = min(matrix[0, 2], matrix[1, 3])
    between = max(matrix[0, 1], matrix[0, 3], matrix[1, 2], matrix[2, 3])
    assert within > between


@pytest.mark.parametrize("seed", [0, 1])
def test_estimators_of_words_and_rows_come_to_be_one(seed: int) -> None:
    sharing = SelectiveSharing(Similarity(n_groups=2), estimator_width=8)
    settings = Training(epochs=10, learning_rate=0.01)
    fitted = Trainer(settings, seed=seed).fit(sharing, stages(seed), TASKS, planted(seed))
    assert fitted.tree.stages[-1] == PLANTED
