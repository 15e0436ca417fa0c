"""Networks of subsets: each is what it would be alone, and knows its own labels only."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError
from ramify.losses import TaskLosses
from ramify.stacked import FoldTraining, SubsetRows, fit_subsets, shared_margins
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression, Task, TaskSet

N = 80
TASKS = TaskSet(
    [
        Task("number", Regression(location=2.0, scale=3.0)),
        Task("class", Multiclass(("a", "b", "c"))),
        Task("yes", Binary()),
        Task("level", Ordinal(("low", "mid", "high"))),
    ]
)
SHORT = FoldTraining((6, 6), dropout=0.0, batch_size=16, most_steps=40, every=10, warm_up=10)
TEST = torch.arange(60, N)


def rows(tasks: TaskSet = TASKS) -> SubsetRows:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(N, 4, generator=generator)
    signal = inputs[:, :1]
    targets = torch.cat(
        [2 + 3 * signal, (signal > 0) + (signal > 0.5), signal > 0, (signal > -0.5) + 0.0], dim=1
    ).double()
    mask = torch.rand(N, 4, generator=generator) < 0.7
    n = len(tasks)
    return SubsetRows(inputs, targets[:, :n], mask[:, :n], torch.arange(40), torch.arange(40, 60))


def test_each_network_is_what_it_would_be_alone() -> None:
    subsets = [(0,), (1, 3), (2,), (0, 1, 2, 3)]
    together = fit_subsets(rows(), TASKS, subsets, [TEST], SHORT, seeds=[3]).losses[0]
    for i, subset in enumerate(subsets):
        alone = fit_subsets(rows(), TASKS, [subset], [TEST], SHORT, seeds=[3]).losses[0, 0]
        others = [t for t in range(4) if t not in subset]
        assert torch.isnan(torch.tensor(together[i])[others]).all()
        chosen = list(subset)
        assert_close(together[i][chosen], alone[chosen], rtol=1e-3, atol=1e-5)


def test_what_has_no_label_is_not_looked_at() -> None:
    first = rows()
    other = first._replace(targets=torch.where(first.label_mask, first.targets, 1.0))
    found = [
        fit_subsets(each, TASKS, [(0, 1, 2, 3)], [TEST], SHORT).losses for each in (first, other)
    ]
    assert_close(found[0], found[1])


def test_it_learns_and_is_judged_against_base_rates() -> None:
    longer = replace(SHORT, most_steps=150, learning_rate=0.01)
    found = fit_subsets(rows(), TASKS, [(0, 2)], [TEST, TEST[:0]], longer, seeds=[0, 1])
    assert (found.losses[:, 0, 0, 0] < 0.7 * found.start[0, 0]).all()
    level = torch.tensor([v for task in TASKS for v in task.kind.start_outputs])
    data = rows()
    expected = TaskLosses(TASKS)(
        level.expand(len(TEST), -1), data.targets[TEST], data.label_mask[TEST]
    )
    assert_close(torch.tensor(found.start[:, 0]), expected.double())
    assert found.counts[:, 1].sum() == 0
    assert math.isnan(found.losses[0, 0, 0, 1])


def test_the_random_numbers_of_others_are_left_alone() -> None:
    before: Tensor = torch.get_rng_state()
    fit_subsets(rows(), TASKS, [(0,)], [TEST], SHORT)
    assert torch.equal(before, torch.get_rng_state())


def test_no_time_is_a_step_at_least() -> None:
    steps: list[tuple[int, int]] = []
    fit_subsets(
        rows(),
        TASKS,
        [(0,)],
        [TEST],
        FoldTraining((6,), seconds=1e-6),
        watch=lambda done, most: steps.append((done, most)),
    )
    assert steps == [(1, 1)]


def test_margins_of_the_shared_network() -> None:
    found = shared_margins(rows(), TASKS, TEST, SHORT)
    assert found.shape == (20, 4)
    assert (found >= 0).all()


def test_rankings_and_empty_sides_are_refused() -> None:
    ranked = TaskSet([Task("order", Ranking())])
    with pytest.raises(InputError, match="rankings"):
        fit_subsets(rows(ranked), ranked, [(0,)], [TEST], SHORT)
    with pytest.raises(InputError, match="validation rows"):
        fit_subsets(rows()._replace(validation=TEST[:0]), TASKS, [(0,)], [TEST], SHORT)
