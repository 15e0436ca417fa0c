import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from ramify._core import InputError, ShapeError
from ramify.data import Batch, TableBatches, as_batches
from ramify.tasks import Regression, Task, TaskSet

NAN = float("nan")
TASKS = TaskSet([Task("a", Regression()), Task("b", Regression())])
ONE = TaskSet([Task("a", Regression())])


def tensors(n: int = 25, n_tasks: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.arange(n, dtype=torch.float32)[:, None]
    label_mask = torch.rand(n, n_tasks, generator=generator) < 0.3
    return inputs, torch.where(label_mask, inputs, 0), label_mask


def batches(
    n: int = 25, size: int = 8, *, shuffle: bool = True, drop_last: bool = False
) -> TableBatches:
    return TableBatches(*tensors(n), size, seed=5, shuffle=shuffle, drop_last=drop_last)


def rows(found: TableBatches) -> list[list[float]]:
    return [batch.inputs[:, 0].tolist() for batch in found]


def test_an_epoch_visits_every_row_once_and_rows_stay_together() -> None:
    inputs, _, label_mask = tensors()
    seen = torch.cat([batch.inputs[:, 0] for batch in batches()])
    assert_close(seen.sort().values, inputs[:, 0])
    for batch in batches():
        assert_close(batch.targets, torch.where(batch.label_mask, batch.inputs, 0))
        assert_close(batch.label_mask, label_mask[batch.inputs[:, 0].long()])


def test_presence_is_that_of_the_mask() -> None:
    for batch in batches(size=3):
        assert batch.present == tuple(batch.label_mask.any(dim=0).tolist())
        assert batch.all_present == all(batch.present)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    one, other = batches(), batches()
    first = rows(one)
    one.set_epoch(1)
    second = rows(one)
    assert first != second
    one.set_epoch(0)
    assert rows(one) == rows(other) == first
    other.set_epoch(1)
    torch.manual_seed(3)
    assert rows(other) == second
    assert rows(TableBatches(*tensors(), 8, seed=6)) != first


def test_iterating_leaves_the_global_state_alone() -> None:
    torch_state, numpy_state = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    rows(batches())
    assert_close(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state()) == numpy_state  # noqa: NPY002


@pytest.mark.parametrize(
    ("n", "size", "options", "lengths"),
    [
        (25, 8, {}, [8, 8, 9]),
        (26, 8, {}, [8, 8, 8, 2]),
        (24, 8, {}, [8, 8, 8]),
        (3, 8, {}, [3]),
        (1, 8, {}, [1]),
        (9, 8, {}, [9]),
        (3, 1, {}, [1, 2]),
        (25, 8, {"shuffle": False}, [8, 8, 8, 1]),
        (25, 8, {"drop_last": True}, [8, 8, 8]),
        (24, 8, {"drop_last": True}, [8, 8, 8]),
        (3, 8, {"drop_last": True}, [3]),
    ],
)
def test_batches_have_the_size_asked_for(
    n: int, size: int, options: dict[str, bool], lengths: list[int]
) -> None:
    found = batches(n, size, **options)
    assert [len(batch) for batch in rows(found)] == lengths
    assert len(found) == len(lengths)


def test_without_shuffling_rows_come_in_order() -> None:
    found = batches(shuffle=False)
    found.set_epoch(4)
    assert [row for batch in rows(found) for row in batch] == list(range(25))


@pytest.mark.boundary
def test_tensors_that_do_not_fit_are_refused() -> None:
    inputs, targets, label_mask = tensors()
    with pytest.raises(InputError, match=r"`batch_size` must be 1 or more\. Got 0"):
        TableBatches(inputs, targets, label_mask, 0, seed=0)
    with pytest.raises(ShapeError, match="one row each per example"):
        TableBatches(inputs[1:], targets, label_mask, 4, seed=0)
    with pytest.raises(ShapeError, match="one row each per example"):
        TableBatches(inputs, targets, label_mask[:, :1], 4, seed=0)
    with pytest.raises(InputError, match="at least one row"):
        TableBatches(inputs[:0], targets[:0], label_mask[:0], 4, seed=0)


def test_nan_among_a_loaders_targets_means_not_labelled() -> None:
    targets = torch.tensor([[1.0, NAN], [NAN, NAN], [0.0, NAN]])
    loader = DataLoader(TensorDataset(torch.rand(3, 2), targets), batch_size=2)
    first, second = as_batches(loader, TASKS)
    assert isinstance(first, Batch)
    assert_close(first.targets, torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    assert first.label_mask.tolist() == [[True, False], [False, False]]
    assert first.present == second.present == (True, False)
    assert not first.all_present


def test_under_a_mask_unobserved_targets_may_be_anything() -> None:
    targets = torch.tensor([[1, 7], [0, 9]])
    parts = (torch.rand(2, 1), targets.double(), torch.tensor([[1, 0], [1, 0]]))
    parts[1][:, 1] = torch.tensor([NAN, float("inf")])
    (batch,) = as_batches([parts], TASKS)
    assert_close(batch.targets, torch.tensor([[1.0, 0.0], [0.0, 0.0]]).double())


def test_a_loader_is_iterated_anew_and_its_length_known() -> None:
    loader = DataLoader(TensorDataset(torch.rand(4, 2), torch.ones(4, 1)), batch_size=2)
    adapted = as_batches(loader, ONE)
    adapted.set_epoch(3)
    assert len(list(adapted)) == len(list(adapted)) == len(adapted) == 2
    with pytest.raises(InputError, match="must know its number"):
        len(as_batches((part for part in [(torch.rand(1, 1), torch.ones(1, 1))]), ONE))


def test_a_loader_counts_its_labels_without_drawing_numbers() -> None:
    rows = TensorDataset(torch.rand(5, 1), torch.tensor([[1.0, NAN]] * 5))
    before = torch.get_rng_state()
    assert as_batches(DataLoader(rows, batch_size=2, shuffle=True), TASKS).n_labels() == 5
    assert torch.equal(torch.get_rng_state(), before)


def test_the_epoch_reaches_a_sampler_that_wants_it() -> None:
    rows = TensorDataset(torch.rand(4, 1), torch.ones(4, 1))
    sampler: DistributedSampler[tuple[Tensor, ...]] = DistributedSampler(
        rows, num_replicas=2, rank=0
    )
    loader = DataLoader(rows, sampler=sampler)
    as_batches(loader, ONE).set_epoch(7)
    assert sampler.epoch == 7


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((torch.rand(2, 1),), r"must give \(inputs, targets\) or .* Got 1 part"),
        ((torch.rand(2, 1), torch.rand(2)), r"shape \(batch, task\)"),
        ((torch.rand(3, 1), torch.rand(2, 1)), "for 3 inputs"),
        ((torch.rand(2, 1), torch.rand(2, 1), torch.ones(2, 2)), r"\(2, 1\) and \(2, 2\)"),
        ((torch.rand(1, 1), torch.tensor([[float("inf")]])), "must be finite"),
        ((torch.rand(1, 1), torch.tensor([[NAN]]), torch.ones(1, 1)), "must be finite"),
    ],
)
def test_a_loader_that_gives_something_else_is_refused(
    parts: tuple[Tensor, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        list(as_batches([parts], ONE))
