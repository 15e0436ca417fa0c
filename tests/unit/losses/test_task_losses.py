import numpy as np
import pytest
import torch
from tests.references import losses as reference
from tests.settings import DEVICE, DTYPE
from torch import Tensor
from torch.testing import assert_close

from ramify._core import ShapeError
from ramify.data import pairs_within
from ramify.losses import BinaryLoss, TaskLosses
from ramify.tasks import (
    Binary,
    Multiclass,
    Ordinal,
    Ranking,
    Regression,
    Task,
    TaskSet,
)

TASKS = TaskSet(
    [
        Task("a", Multiclass(("x", "y", "z"))),
        Task("b", Binary()),
        Task("c", Regression(3.0, 2.0), weight=0.5),
        Task("d", Multiclass(("p", "q")), weight=2.0),
        Task("e", Binary(), weight=0.0),
    ]
)
SETS = {
    "mixed": TASKS,
    "binary": TaskSet([Task(n, Binary()) for n in "ab"]),
    "multiclass": TaskSet([TASKS[0], TASKS[3]]),
    "every kind": TaskSet(
        [Task("f", Ordinal(("low", "mid", "high"))), Task("g", Ranking()), *TASKS]
    ),
    "ordinal": TaskSet([Task("a", Ordinal(tuple("pqrst"))), Task("b", Ordinal(tuple("pq")))]),
    "ranking": TaskSet([Task("a", Ranking()), Task("b", Ranking())]),
    "regression": TaskSet([Task("a", Regression(1.0, 0.25)), Task("b", Regression())]),
}
every_set = pytest.mark.parametrize("tasks", SETS.values(), ids=SETS)


def sample(tasks: TaskSet, dtype: torch.dtype = DTYPE) -> tuple[Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(0)
    outputs = torch.from_numpy(2 * rng.standard_normal((11, tasks.n_columns)))
    columns = [
        3 + rng.standard_normal(11)
        if isinstance(task.kind, Regression)
        else rng.integers(len(task.kind.labels) or 4, size=11)
        for task in tasks
    ]
    targets = torch.from_numpy(np.stack(columns, axis=1).astype(np.float64))
    mask = torch.from_numpy(rng.random((11, len(tasks))) < 0.6)
    mask[:, -1] &= torch.arange(11) < 2
    return outputs.to(DEVICE, dtype), targets.to(DEVICE, dtype), mask.to(DEVICE)


@every_set
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_loop_over_labels(tasks: TaskSet, dtype: torch.dtype) -> None:
    outputs, targets, mask = sample(tasks, dtype)
    expected = reference.masked_losses(
        outputs.cpu().double().numpy(),
        targets.cpu().double().numpy(),
        mask.cpu().numpy(),
        tasks,
    )
    found = TaskLosses(tasks).to(DEVICE, dtype)(outputs, targets, mask)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-9
    wanted = torch.tensor(expected, dtype=torch.float64)
    assert_close(found.cpu().double(), wanted, rtol=tolerance, atol=tolerance)


@every_set
def test_margins_and_predictions_equal_the_loop(tasks: TaskSet) -> None:
    outputs, targets, mask = sample(tasks)
    losses = TaskLosses(tasks).to(DEVICE, DTYPE)
    margins = losses.margins(outputs, targets, mask)[0].cpu()
    predictions = losses.predictions(outputs).cpu()
    for t, (task, first) in enumerate(zip(tasks, tasks.first_columns, strict=True)):
        for row in range(0 if isinstance(task.kind, Ranking) else len(outputs)):
            own = outputs[row, first : first + task.kind.n_outputs].cpu().double().numpy()
            margin = reference.sample_margin(task.kind, own, float(targets[row, t]))
            assert_close(margins[row, t].item(), margin, rtol=1e-7, atol=1e-9)
            expected = torch.tensor(reference.prediction(task.kind, own)).to(predictions)
            assert_close(predictions[row, first : first + len(expected)], expected)


def test_class_weights_weigh_positive_labels() -> None:
    tasks = SETS["binary"]
    outputs, targets, mask = sample(tasks)
    weights = torch.tensor([4.0, 0.5], dtype=DTYPE, device=DEVICE)
    found = TaskLosses(tasks, weights).to(DEVICE, DTYPE)(outputs, targets, mask)
    expected = reference.masked_losses(
        outputs.cpu().numpy(),
        targets.cpu().numpy(),
        mask.cpu().numpy(),
        tasks,
        weights.cpu().numpy(),
    )
    assert_close(found.cpu(), torch.tensor(expected, dtype=DTYPE))


@every_set
def test_sums_of_two_parts_are_those_of_the_whole(tasks: TaskSet) -> None:
    outputs, targets, mask = sample(tasks)
    losses = TaskLosses(tasks).to(DEVICE, DTYPE)
    groups = torch.tensor([0] * 4 + [1] * 7)  # parts hold whole groups
    whole = losses.sums(outputs, targets, mask, pairs_within(groups).to(DEVICE))
    first = losses.sums(outputs[:4], targets[:4], mask[:4])
    second = losses.sums(outputs[4:], targets[4:], mask[4:])
    for total, one, two in zip(whole, first, second, strict=True):
        assert_close(total, one + two)


def test_the_total_is_the_mean_of_weight_times_loss() -> None:
    per_task = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    expected = (1 + 2 + 0.5 * 3 + 2 * 4 + 0) / 5
    assert_close(TaskLosses(TASKS).total(per_task).item(), expected)


def test_a_task_of_no_weight_gets_no_gradient() -> None:
    outputs, targets, mask = sample(TASKS)
    losses = TaskLosses(TASKS).to(DEVICE, DTYPE)
    torch.autograd.backward(losses.total(losses(outputs.requires_grad_(), targets, mask)))
    assert outputs.grad is not None
    assert (outputs.grad[:, TASKS.first_columns[4]] == 0).all()


def test_a_task_of_any_weight_gets_no_gradient_without_a_label() -> None:
    tasks = TaskSet([Task("heavy", Binary(), weight=1e6), Task("light", Binary())])
    outputs, targets, mask = sample(tasks)
    mask[:, 0] = False
    losses = TaskLosses(tasks).to(DEVICE, torch.float32)
    outputs = outputs.float().requires_grad_()
    torch.autograd.backward(losses.total(losses(outputs, targets.float(), mask)))
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()
    assert (outputs.grad[:, 0] == 0).all()


@every_set
def test_renaming_tasks_renames_the_losses(tasks: TaskSet) -> None:
    outputs, targets, mask = sample(tasks)
    order = list(range(len(tasks)))[::-1]
    other = TaskSet([tasks[i] for i in order])
    columns = [c for i in order for c, t in enumerate(tasks.task_of_column) if t == i]
    one = TaskLosses(tasks).to(DEVICE, DTYPE)(outputs, targets, mask)
    two = TaskLosses(other).to(DEVICE, DTYPE)(
        outputs[:, columns], targets[:, order], mask[:, order]
    )
    assert_close(two, one[order])


def test_soft_binary_targets_are_cut_at_one_half_in_the_margin_only() -> None:
    outputs = torch.zeros(2, 1, 1, dtype=torch.float64)
    targets = torch.tensor([[0.3], [0.7]], dtype=torch.float64)
    loss = BinaryLoss.of([])
    outputs += 2
    probability = torch.sigmoid(torch.tensor(2.0, dtype=torch.float64))
    assert_close(
        loss.margin(outputs, targets).flatten(), torch.stack([probability, 1 - probability])
    )
    cross = -(targets * probability.log() + (1 - targets) * (1 - probability).log())
    assert_close(loss.loss(outputs, targets), cross)


def test_padded_classes_have_no_probability_and_no_gradient() -> None:
    tasks = SETS["multiclass"]
    outputs, targets, _ = sample(tasks)
    every = torch.ones(len(targets), 2, dtype=torch.bool, device=DEVICE)
    losses = TaskLosses(tasks).to(DEVICE, DTYPE)
    losses(outputs.requires_grad_(), targets, every).sum().backward()
    assert outputs.grad is not None
    # Gradients of cross-entropy sum to 0 over the classes of each task.
    assert_close(outputs.grad[:, :3].sum(1), torch.zeros(11, dtype=DTYPE, device=DEVICE))
    assert_close(outputs.grad[:, 3:].sum(1), torch.zeros(11, dtype=DTYPE, device=DEVICE))


@pytest.mark.boundary
@pytest.mark.parametrize(
    ("outputs", "targets", "mask"),
    [
        ((4, 7), (4, 5), (4, 5)),
        ((4, 8), (4, 4), (4, 5)),
        ((4, 8), (3, 5), (3, 5)),
        ((4, 8), (4, 1), (4, 1)),
    ],
)
def test_refuses_shapes_that_do_not_fit(
    outputs: tuple[int, ...], targets: tuple[int, ...], mask: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError, match=r"`outputs` must be \(unit, 8\)"):
        TaskLosses(TASKS)(torch.zeros(outputs), torch.zeros(targets), torch.ones(mask).bool())


@every_set
def test_the_unit_of_the_weights_of_labels_does_not_matter(tasks: TaskSet) -> None:
    """Also where they add up to less than 1."""
    outputs, targets, mask = sample(tasks)
    losses = TaskLosses(tasks).to(DEVICE, DTYPE)
    every = torch.zeros(len(targets), dtype=torch.long)
    pairs = pairs_within(every).to(DEVICE)

    def means(unit: float) -> Tensor:
        weights = torch.full_like(targets, unit)
        totals, counts = losses.sums(outputs, targets, mask, pairs, label_weights=weights)
        return losses.means(totals, counts)

    assert_close(means(1e-3), means(1.0))
