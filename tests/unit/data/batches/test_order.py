"""Batches that hold whole groups."""

import numpy as np
import pytest
import torch

from ramify._core import ShapeError
from ramify.data import ImageBatches, ImageEncoder, ImageRows, TableBatches, as_batches
from ramify.tasks import Regression, Task, TaskSet

ONE = TaskSet([Task("a", Regression())])


def grouped(sizes: list[int], size: int, seed: int = 5) -> TableBatches:
    groups = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    groups = groups[torch.from_numpy(np.random.default_rng(0).permutation(len(groups)))]
    rows = torch.arange(len(groups), dtype=torch.float32)[:, None]
    mask = torch.ones(len(groups), 1, dtype=torch.bool)
    return TableBatches(rows, rows, mask, size, seed=seed, groups=groups)


CASES = {
    "even": ([4] * 12, 16),
    "uneven": ([1, 2, 3, 5, 8, 1, 1, 9, 2, 2, 7], 10),
    "one group": ([30], 8),
    "one large among small": ([50, 2, 2, 2, 1, 1], 8),
    "single rows": ([1] * 20, 8),
    "fewer groups than batches": ([9, 9], 6),
    "two": ([100, 1], 100),
}
every_case = pytest.mark.parametrize(("sizes", "size"), CASES.values(), ids=CASES)


@every_case
def test_every_row_comes_once_and_no_batch_is_much_too_large(sizes: list[int], size: int) -> None:
    batches = grouped(sizes, size)
    for epoch in range(3):
        batches.set_epoch(epoch)
        found = [batch.inputs[:, 0].tolist() for batch in batches]
        assert sorted(row for rows in found for row in rows) == list(range(sum(sizes)))
        assert len(found) == len(batches)
        assert all(2 <= len(rows) < 2 * size + 1 for rows in found)


@every_case
def test_a_group_that_fits_is_in_one_batch(sizes: list[int], size: int) -> None:
    where: dict[int, set[int]] = {}
    for number, batch in enumerate(grouped(sizes, size)):
        assert batch.groups is not None
        for group in batch.groups.tolist():
            where.setdefault(group, set()).add(number)
    assert all(len(where[g]) == 1 for g, n in enumerate(sizes) if n <= size)


def test_epochs_differ_and_the_same_epoch_does_not() -> None:
    one, two = grouped([3] * 20, 12), grouped([3] * 20, 12)
    first = [batch.inputs[:, 0].tolist() for batch in one]
    assert first == [batch.inputs[:, 0].tolist() for batch in two]
    two.set_epoch(1)
    assert first != [batch.inputs[:, 0].tolist() for batch in two]


def test_who_meets_whom_changes_where_a_group_is_too_large() -> None:
    batches = grouped([40], 10)
    first = [sorted(batch.inputs[:, 0].tolist()) for batch in batches]
    batches.set_epoch(1)
    assert first != [sorted(batch.inputs[:, 0].tolist()) for batch in batches]


def test_groups_must_be_one_per_row() -> None:
    rows, mask = torch.zeros(4, 1), torch.ones(4, 1, dtype=torch.bool)
    with pytest.raises(ShapeError, match="one number per row, 4"):
        TableBatches(rows, rows, mask, 2, seed=0, groups=torch.zeros(3, dtype=torch.long))
    with pytest.raises(ShapeError, match="one whole number per row, 4"):
        next(iter(as_batches([(rows, rows, mask, torch.zeros(4))], ONE)))


def test_a_loader_may_say_the_groups() -> None:
    rows, mask, groups = torch.zeros(4, 1), torch.ones(4, 1, dtype=torch.bool), torch.arange(4)
    (batch,) = as_batches([(rows, rows, mask, groups)], ONE)
    assert batch.groups is not None
    assert batch.groups.tolist() == [0, 1, 2, 3]


def test_pictures_come_in_whole_groups_too() -> None:
    images = ImageRows([np.arange(12, dtype=np.uint8).repeat(64).reshape(12, 1, 8, 8)])
    encoder = ImageEncoder.fitted(images, np.arange(12))
    rows, mask = torch.arange(12.0)[:, None], torch.ones(12, 1, dtype=torch.bool)
    groups = torch.arange(12) % 4
    batches = ImageBatches(images, np.arange(12), rows, mask, encoder, 6, seed=0, groups=groups)
    for batch in batches:
        assert batch.groups is not None
        assert batch.groups.tolist() == (batch.targets[:, 0] % 4).long().tolist()
        assert sorted(batch.groups.bincount(minlength=4).tolist()) == [0, 0, 3, 3]
