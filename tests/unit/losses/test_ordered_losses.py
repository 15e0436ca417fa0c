"""Levels that rise, and rows that are put in order."""

import numpy as np
import pytest
import torch
from tests.references import losses as reference
from torch import Tensor
from torch.testing import assert_close

from ramify.data import pairs_within
from ramify.losses import TaskLosses
from ramify.tasks import Binary, Ordinal, Ranking, Task, TaskSet

LEVELS = TaskSet([Task("a", Ordinal(tuple("pqrst")))])
ORDERS = TaskSet([Task("a", Ranking()), Task("b", Ranking())])
GROUPS = torch.tensor([3, 1, 3, 3, 2, 1, 2, 2, 2, 9, 1])


def rows(n_tasks: int, n: int = 11, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    scores = torch.from_numpy(2 * rng.standard_normal((n, n_tasks)))
    targets = torch.from_numpy(rng.integers(4, size=(n, n_tasks)).astype(np.float64))
    return scores, targets, torch.from_numpy(rng.random((n, n_tasks)) < 0.7)


def test_two_levels_are_two_classes() -> None:
    scores, targets, mask = rows(1)
    targets = (targets > 1).double()
    two = TaskLosses(TaskSet([Task("a", Ordinal(("no", "yes")))]))
    binary = TaskLosses(TaskSet([Task("a", Binary())]))
    assert_close(two(scores, targets, mask), binary(scores, targets, mask))
    assert_close(two.margins(scores, targets, mask), binary.margins(scores, targets, mask))
    assert_close(two.predictions(scores), binary.predictions(scores))


def test_the_probabilities_of_the_levels_sum_to_one() -> None:
    outputs = torch.randn(1, 4, dtype=torch.float64).expand(5, 4)
    every = torch.ones(5, 1, dtype=torch.bool)
    wrong, _ = TaskLosses(LEVELS).margins(outputs, torch.arange(5.0)[:, None].double(), every)
    assert_close((1 - wrong).sum(), torch.tensor(1.0, dtype=torch.float64))


def test_a_head_starts_at_the_rates_of_its_levels() -> None:
    rates = (0.05, 0.4, 0.15, 0.3, 0.1)
    kind = Ordinal(tuple("pqrst"), rates)
    reaching = TaskLosses(LEVELS).predictions(torch.tensor([kind.start_outputs]))
    assert_close(reaching, torch.tensor([[0.95, 0.55, 0.4, 0.1]]))


@pytest.mark.parametrize("size", [1e3, -1e3])
def test_a_network_that_is_sure_and_wrong_still_has_a_gradient(size: float) -> None:
    outputs = torch.full((5, 4), size, requires_grad=True)
    loss = TaskLosses(LEVELS)
    mask = torch.ones(5, 1, dtype=torch.bool)
    found = loss(outputs, torch.arange(5.0)[:, None], mask)
    found.sum().backward()
    assert outputs.grad is not None
    assert found.isfinite().all()
    assert outputs.grad.isfinite().all()
    assert outputs.grad.abs().max() > 0.01


def test_pairs_are_those_of_one_group() -> None:
    found = {tuple(sorted(pair)) for pair in pairs_within(GROUPS).T.tolist()}
    n = len(GROUPS)
    assert found == {(i, j) for j in range(n) for i in range(j) if GROUPS[i] == GROUPS[j]}
    assert pairs_within(GROUPS).shape[1] == len(found)
    assert pairs_within(torch.arange(4)).shape == (2, 0)


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("seed", range(3))
def test_a_ranking_equals_the_loop_over_pairs(groups: Tensor | None, seed: int) -> None:
    scores, targets, mask = rows(2, seed=seed)
    pairs = None if groups is None else pairs_within(groups)
    expected = reference.masked_losses(
        scores.numpy(),
        targets.numpy(),
        mask.numpy(),
        ORDERS,
        groups=None if groups is None else groups.double().numpy(),
    )
    assert_close(TaskLosses(ORDERS)(scores, targets, mask, pairs), torch.tensor(expected).double())


def test_the_gradient_of_pairs_is_right() -> None:
    scores, targets, mask = rows(2)
    loss, pairs = TaskLosses(ORDERS), pairs_within(GROUPS)
    assert torch.autograd.gradcheck(
        lambda x: loss(x, targets, mask, pairs), (scores.requires_grad_(),)
    )


def test_the_order_of_the_rows_does_not_matter() -> None:
    scores, targets, mask = rows(2)
    loss, order = TaskLosses(ORDERS), torch.randperm(11)
    pairs, turned = pairs_within(GROUPS), pairs_within(GROUPS[order])
    assert_close(
        loss(scores[order], targets[order], mask[order], turned), loss(scores, targets, mask, pairs)
    )
    margins, known = loss.margins(scores, targets, mask, pairs)
    others, also = loss.margins(scores[order], targets[order], mask[order], turned)
    assert_close(others, margins[order])
    assert torch.equal(also, known[order])


def test_a_level_added_to_all_scores_or_labels_of_a_group_changes_nothing() -> None:
    scores, targets, mask = rows(2)
    loss, pairs = TaskLosses(ORDERS), pairs_within(GROUPS)
    shift = GROUPS[:, None].double()
    found = loss(scores + shift, targets + shift, mask, pairs)
    assert_close(found, loss(scores, targets, mask, pairs))


def test_the_margin_is_the_chance_of_the_wrong_order() -> None:
    scores = torch.tensor([[0.0], [2.0], [5.0], [7.0]])
    targets, mask = torch.tensor([[1.0], [0.0], [0.0], [1.0]]), torch.ones(4, 1, dtype=torch.bool)
    loss = TaskLosses(TaskSet([ORDERS[0]]))
    margins, known = loss.margins(scores, targets, mask, pairs_within(torch.tensor([0, 0, 1, 2])))
    assert_close(margins[:2, 0], torch.sigmoid(torch.tensor([2.0, 2.0])))
    assert known[:, 0].tolist() == [True, True, False, False]


@pytest.mark.parametrize("targets", [torch.zeros(4, 1), torch.arange(4.0)[:, None]])
def test_without_a_pair_there_is_no_loss_and_no_gradient(targets: Tensor) -> None:
    scores, mask = torch.randn(4, 1, requires_grad=True), torch.ones(4, 1, dtype=torch.bool)
    alone = pairs_within(torch.arange(4)) if targets.any() else None
    loss = TaskLosses(TaskSet([ORDERS[0]]))(scores, targets, mask, alone)
    assert loss.item() == 0
    (gradient,) = torch.autograd.grad(loss.sum(), scores)
    assert (gradient == 0).all()
