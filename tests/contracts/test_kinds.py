"""Every kind of task has a loss and a score, and they keep to the laws of losses."""

import inspect
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ramify import losses, metrics, tasks
from ramify.losses import KIND_LOSSES, KindLoss, RowLoss, TaskLosses
from ramify.metrics import GROUP_SCORES, SCORES
from ramify.tasks import (
    Kind,
    Metric,
    Multiclass,
    Ranking,
    Regression,
    Task,
    TaskSet,
)

from ._cases import KINDS

every_loss = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
every_row_loss = pytest.mark.parametrize(
    "kind", [k for k in KINDS if issubclass(k, RowLoss)], ids=lambda kind: kind.__name__
)


def exported(room: object, base: type) -> Iterator[type]:
    for name in room.__all__:  # type: ignore[attr-defined]  # a module
        found = getattr(room, name)
        if isinstance(found, type) and issubclass(found, base) and not inspect.isabstract(found):
            yield found


def test_every_exported_loss_has_a_case() -> None:
    assert set(exported(losses, KindLoss)) == set(KINDS)


def test_every_kind_has_a_loss() -> None:
    assert set(exported(tasks, Kind)) == set(KIND_LOSSES)
    assert set(KIND_LOSSES.values()) == set(KINDS)


def test_every_metric_has_a_score() -> None:
    found = {getattr(tasks, n) for n in tasks.__all__ if isinstance(getattr(tasks, n), Metric)}
    assert found == set(SCORES) | set(GROUP_SCORES)
    assert not set(SCORES) & set(GROUP_SCORES)
    scores = [*SCORES.values(), *GROUP_SCORES.values()]
    assert all(score.__name__ in metrics.__all__ for score in scores)


def test_every_kind_names_a_metric_and_starts_with_as_many_numbers_as_outputs() -> None:
    for kinds in KINDS.values():
        for kind in kinds:
            assert kind.metric in SCORES | GROUP_SCORES
            assert len(kind.start_outputs) == kind.n_outputs


def of(kind: type[KindLoss]) -> tuple[TaskSet, TaskLosses]:
    made = TaskSet([Task(f"t{i}", each) for i, each in enumerate(KINDS[kind])])
    return made, TaskLosses(made).double()


def sample(chosen: TaskSet, n: int = 9, size: float = 2.0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    outputs = size * torch.randn(n, chosen.n_columns, generator=generator, dtype=torch.float64)
    columns = []
    for task in chosen:
        if isinstance(task.kind, Regression):
            columns.append(task.kind.location + torch.randn(n, generator=generator))
        else:
            classes = len(task.kind.labels) or 4
            columns.append(torch.randint(classes, (n,), generator=generator).float())
    mask = torch.rand(n, len(chosen), generator=generator) < 0.6
    mask[0] = True
    return outputs, torch.stack(columns, dim=1).double(), mask


@every_loss
@pytest.mark.parametrize("size", [0.1, 2.0, 300.0])
def test_losses_and_margins_are_finite_and_0_or_more(kind: type[KindLoss], size: float) -> None:
    chosen, loss = of(kind)
    outputs, targets, mask = sample(chosen, size=size)
    margins, _ = loss.margins(outputs, targets, mask)
    for found in (loss(outputs, targets, mask), margins):
        assert found.isfinite().all()
        assert (found >= 0).all()
    if kind is not losses.RegressionLoss:
        assert (margins <= 1).all()


@every_loss
def test_the_gradient_is_right(kind: type[KindLoss]) -> None:
    chosen, loss = of(kind)
    outputs, targets, mask = sample(chosen)
    assert torch.autograd.gradcheck(
        lambda x: loss(x, targets, mask), (outputs.requires_grad_(),), eps=1e-6, atol=1e-6
    )


@every_loss
def test_targets_without_a_label_do_not_matter(kind: type[KindLoss]) -> None:
    chosen, loss = of(kind)
    outputs, targets, mask = sample(chosen)
    outputs.requires_grad_()
    other = torch.where(mask, targets, 1 - targets.clamp(0, 1))
    first, second = loss(outputs, targets, mask), loss(outputs, other, mask)
    assert torch.equal(first, second)
    one = torch.autograd.grad(first.sum(), outputs)[0]
    two = torch.autograd.grad(second.sum(), outputs)[0]
    assert torch.equal(one, two)


@every_loss
def test_a_task_without_a_label_has_no_loss_and_no_gradient(kind: type[KindLoss]) -> None:
    chosen, loss = of(kind)
    outputs, targets, mask = sample(chosen)
    mask[:, 0] = False
    found = loss(outputs.requires_grad_(), targets, mask)
    assert found[0] == 0
    found.sum().backward()
    assert outputs.grad is not None
    assert (outputs.grad[:, : chosen[0].kind.n_outputs] == 0).all()


@every_row_loss
def test_the_margin_is_smaller_where_the_loss_is_smaller(kind: type[KindLoss]) -> None:
    chosen, loss = of(kind)
    outputs, targets, _ = sample(chosen, n=40, size=0.2)
    every = torch.eye(40, dtype=torch.bool)
    per_row = torch.stack(
        [loss(outputs, targets, row[:, None].expand(40, len(chosen))) for row in every]
    )
    margins, _ = loss.margins(outputs, targets, torch.ones_like(targets, dtype=torch.bool))
    for t in range(len(chosen)):
        assert torch.equal(per_row[:, t].argsort(), margins[:, t].argsort())


@every_loss
def test_predictions_are_probabilities_or_values_of_the_target(kind: type[KindLoss]) -> None:
    chosen, loss = of(kind)
    outputs, _, _ = sample(chosen)
    found = loss.predictions(outputs)
    assert found.shape == outputs.shape
    for task, first in zip(chosen, chosen.first_columns, strict=True):
        own = found[:, first : first + task.kind.n_outputs]
        if isinstance(task.kind, Regression):
            back = (own - task.kind.location) / task.kind.scale
            assert_close(back, outputs[:, first : first + 1])
        elif isinstance(task.kind, Ranking):
            assert torch.equal(own, outputs[:, first : first + 1])
        elif isinstance(task.kind, Multiclass):
            assert_close(own.sum(dim=1), torch.ones(len(own), dtype=own.dtype))
        else:
            assert ((own >= 0) & (own <= 1)).all()
            assert (own.diff(dim=1) <= 0).all()  # of rising levels
