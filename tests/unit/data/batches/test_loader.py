"""What a user's own loader may give, and what is said where it gives something else."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from ramify._core import InputError
from ramify.data import Batch, TableBatches, as_batches, leaves
from ramify.sharing import HardSharing
from ramify.tasks import (
    ROW,
    TOKEN,
    Binary,
    Kind,
    Multiclass,
    Ordinal,
    Ranking,
    Regression,
    Task,
    TaskSet,
)
from ramify.training import Trainer, Training

NAN = float("nan")
MIXED = TaskSet(
    [
        Task("word", Regression(), unit=TOKEN),
        Task("row", Regression(), unit=ROW),
        Task("tag", Multiclass(("x", "y", "z")), unit=TOKEN),
    ]
)


def batch(given: object, tasks: TaskSet = MIXED) -> Batch:
    (found,) = as_batches([given], tasks)
    return found


def test_targets_by_name_stand_in_one_line_for_each_unit() -> None:
    targets = {
        "tag": torch.tensor([[0, 1, 2], [2, 2, 0]]),
        "word": torch.tensor([[0.5, NAN, 1.0], [NAN, NAN, 2.0]]),
        "row": torch.tensor([7.0, NAN]),
    }
    mask = {"tag": torch.tensor([[True, True, False], [True, False, False]])}
    found = batch({"inputs": torch.zeros(2, 3), "targets": targets, "label_mask": mask})
    assert found.units is not None
    assert found.units.n_units == 2 + 6
    assert found.targets[:, 0].tolist() == [0, 0, 0.5, 0, 1, 0, 0, 2]
    assert found.targets[:, 1].tolist() == [7, 0, 0, 0, 0, 0, 0, 0]
    assert found.targets[:, 2].tolist() == [0, 0, 0, 1, 0, 2, 0, 0]
    assert found.label_mask.sum(0).tolist() == [3, 1, 3]
    assert found.present == (True, True, True)
    assert found.host_mask is not None
    assert found.host_mask.tolist() == [[True, True, True], [True, False, True]]


def test_a_task_that_a_batch_lacks_has_no_label_there() -> None:
    found = batch({"inputs": torch.zeros(2, 3), "targets": {"row": torch.tensor([7.0, 8.0])}})
    assert found.present == (False, True, False)
    assert found.units is not None
    assert found.units.n_positions == 0


def test_tasks_of_words_alone_may_stand_side_by_side() -> None:
    tasks = TaskSet([Task(name, Regression(), unit=TOKEN) for name in "ab"])
    targets = torch.arange(12.0).view(2, 3, 2)
    found = batch((torch.zeros(2, 3), targets), tasks)
    assert found.targets.tolist() == targets.view(6, 2).tolist()
    assert found.units is not None
    assert not found.units.has_rows


def test_tasks_of_rows_may_be_named_too() -> None:
    tasks = TaskSet([Task(name, Regression()) for name in "ab"])
    found = batch((torch.zeros(2, 3), {"b": torch.tensor([1.0, NAN])}), tasks)
    assert found.units is None
    assert found.targets.tolist() == [[0, 1], [0, 0]]
    assert found.present == (False, True)


def test_labels_may_count_more_or_less() -> None:
    tasks = TaskSet([Task("a", Regression())])
    given = {
        "inputs": torch.zeros(3, 1),
        "targets": torch.tensor([[1.0], [2.0], [NAN]]),
        "weights": torch.tensor([[0.5], [2.0], [NAN]]),
    }
    found = batch(given, tasks)
    assert found.weights is not None
    assert found.weights.tolist() == [[0.5], [2], [0]]
    named = {**given, "targets": {"a": given["targets"][:, 0]}, "weights": {"a": torch.ones(3)}}
    assert batch(named, tasks).weights is not None


def test_a_label_of_weight_zero_teaches_nothing_and_one_of_weight_two_twice() -> None:
    tasks = TaskSet([Task("a", Regression())])
    x, y = torch.randn(12, 2), torch.randn(12, 1)
    weights = torch.tensor([0.0, 1.0, 2.0] * 4)[:, None]
    rows = torch.tensor([i for i in range(12) for _ in range(int(weights[i]))])
    settings = Training(iterations=3, learning_rate=0.1)
    weighed = {"inputs": x, "targets": y, "weights": weights}
    backbone = nn.Sequential(nn.Linear(2, 4), nn.ReLU())
    states = [
        Trainer(settings).fit(HardSharing(), backbone, tasks, [given]).network.state_dict()
        for given in (weighed, (x[rows], y[rows]))
    ]
    assert_close(states[0], states[1])


class Named(NamedTuple):
    left: Tensor
    right: Tensor


@pytest.mark.parametrize(
    "inputs",
    [
        {"left": torch.ones(2, 3), "right": [torch.zeros(2), (torch.zeros(2, 1),)]},
        (torch.ones(2, 3), np.zeros((2, 3))),
        Named(torch.ones(2, 3), torch.zeros(2)),
        np.ones((2, 3), dtype=np.float64),
        torch.ones(2, 3, dtype=torch.float16),
    ],
    ids=["dictionary", "tuple", "named tuple", "array", "half precision"],
)
def test_inputs_of_any_structure_keep_it_and_numbers_have_the_usual_precision(
    inputs: object,
) -> None:
    found = batch((inputs, torch.zeros(2, 1)), TaskSet([Task("a", Binary())]))
    assert found.n_rows == 2
    assert type(found.inputs) is type(inputs) or isinstance(inputs, np.ndarray)
    assert all(tensor.dtype == torch.float32 for _, tensor in leaves(found.inputs))


def test_numbers_of_words_stay_whole() -> None:
    found = batch((torch.tensor([[3, 4]]), torch.zeros(1, 1)), TaskSet([Task("a", Binary())]))
    assert found.inputs.dtype == torch.int64


def test_rows_of_a_table_may_have_inputs_of_any_structure() -> None:
    inputs = {"a": torch.arange(5.0), "b": (torch.arange(5) * 10,)}
    mask = torch.ones(5, 1, dtype=torch.bool)
    rows = TableBatches(inputs, torch.arange(5.0)[:, None], mask, 2, seed=0)
    for found in rows:
        assert found.inputs["a"].tolist() == found.targets[:, 0].tolist()
        assert (10 * found.inputs["a"]).tolist() == found.inputs["b"][0].tolist()


TWO = TaskSet([Task("a", Binary()), Task("b", Regression())])
ZERO = torch.zeros(2, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input_ids": ZERO, "labels": ZERO}, "must have inputs and targets.* Got 'input_ids'"),
        ("text", r"must give \(inputs, targets\).* Got an object of type str"),
        (("text", ZERO), "inputs of a loader must be a tensor.* Got an element of type str"),
        (({}, ZERO), "must hold a tensor. Got an empty structure"),
        (({"x": ZERO, "y": ZERO[:1]}, ZERO), "Got 2 rows in 'x' and 1 row in 'y'"),
        (({"x": torch.tensor(1.0)}, ZERO), "Got a number in 'x'"),
        ((ZERO, ["a", "b"]), "targets must be tensors.* Got an object of type list"),
        ((ZERO, torch.zeros(2, 3)), "one column per task, 2. Got 3"),
        ((ZERO, {"c": torch.zeros(2)}), "must name tasks, 'a', 'b'. Got 'c'"),
        ((ZERO, {"a": torch.zeros(3)}), r"task 'a', .* of shape \(2,\). Got \(3,\)"),
        ((ZERO, {"a": torch.zeros(2)}, ZERO), "label_mask must be a dictionary"),
        ((ZERO, ZERO, -torch.ones(2, 2)), "label_mask must be True or False.* Got -1"),
        ((ZERO, ZERO, 0.5 * torch.ones(2, 2)), "Got 0.5; how much a label counts goes into `weig"),
        (
            {"inputs": ZERO, "targets": ZERO, "weights": -torch.ones(2, 2)},
            "weights must be finite and 0 or more .*Got -1",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(given: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        batch(given, TWO)
    assert "\n" not in str(caught.value)


def test_targets_of_several_units_must_be_named() -> None:
    with pytest.raises(InputError, match="tasks of rows and of tokens must be a dictionary"):
        batch((torch.zeros(2, 3), torch.zeros(2, 3, 3)))


@pytest.mark.parametrize(
    ("kind", "label", "message"),
    [
        (Binary(), -1.0, "from 0 to 1. Got -1"),
        (Binary(), 2.0, "from 0 to 1. Got 2"),
        (Binary(), 255.0, "from 0 to 1. Got 255"),
        (Multiclass(("x", "y", "z")), 3.0, "whole numbers from 0 to 2, .*multiclass labels. Got 3"),
        (Multiclass(("x", "y", "z")), 1.5, ".* Got 1.5"),
        (Ordinal(("low", "high")), 2.0, "whole numbers from 0 to 1, .*ordinal labels. Got 2"),
        (Ranking(), -1.0, "0 or more. Got -1"),
    ],
)
def test_a_label_out_of_range_names_its_task_and_what_it_must_be(
    kind: Kind, label: float, message: str
) -> None:
    tasks = TaskSet([Task("first", Regression()), Task("second", kind)])
    loader = DataLoader(TensorDataset(torch.zeros(4, 1), torch.tensor([[9.0, label]] * 4)), 2)
    with pytest.raises(InputError, match=f"labels of task 'second' must be {message}"):
        Trainer(Training(epochs=1)).fit(HardSharing(), [nn.Linear(1, 2)], tasks, loader)


def test_labels_that_are_not_observed_may_be_anything() -> None:
    targets, mask = torch.tensor([[255.0], [1.0]]), torch.tensor([[False], [True]])
    found = batch((torch.zeros(2, 1), targets, mask), TaskSet([Task("a", Binary())]))
    assert found.targets.tolist() == [[0], [1]]


def test_soft_labels_of_two_classes_are_labels() -> None:
    found = batch((torch.zeros(1, 1), torch.tensor([[0.3]])), TaskSet([Task("a", Binary())]))
    assert_close(found.targets, torch.tensor([[0.3]]))


@pytest.mark.parametrize("as_names", [False, True])
def test_numbers_in_a_unit_of_their_own_keep_their_digits(*, as_names: bool) -> None:
    tasks = TaskSet([Task("a", Regression(1.7e9, 1.0)), Task("b", Binary())])
    targets = torch.tensor([[1.7e9 + 0.125, 1], [1.7e9 - 1, 0]], dtype=torch.float64)
    given = {"a": targets[:, 0], "b": targets[:, 1]} if as_names else targets
    batch = next(iter(as_batches([(torch.zeros(2, 3), given)], tasks)))
    assert_close(batch.targets, targets, rtol=0, atol=0)
