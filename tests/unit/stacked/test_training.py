"""Networks of folds: what each learns from, and what their common step is."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError
from ramify.stacked import FoldFit, FoldTraining, fit_folds
from ramify.tasks import Binary, Multiclass, Ordinal, Ranking, Regression, Task, TaskSet

N = 90
FOLD = torch.arange(N) % 3
TASKS = TaskSet(
    [
        Task("bit", Binary()),
        Task("class", Multiclass(("a", "b", "c"))),
        Task("level", Ordinal(("low", "mid", "high"))),
        Task("number", Regression(3.0, 2.0)),
    ]
)
ONE_LOOK = FoldTraining((8,), dropout=0.0, most_steps=20, every=20, batch_size=16)


def table(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(N, 5, generator=generator)
    x = rows[:, 0]
    targets = torch.stack(
        [(x > 0).double(), (x > 0.5).double() + (x > -0.5), (x > 0).double() * 2, 3 + 2.0 * x], 1
    )
    mask = torch.rand(N, 4, generator=generator) < 0.8
    return rows, targets, mask


def fitted(
    rows: Tensor, targets: Tensor, mask: Tensor, settings: FoldTraining = ONE_LOOK, seed: int = 0
) -> FoldFit:
    return fit_folds(rows, targets, mask, FOLD, TASKS, settings, seed=seed)


def test_a_network_knows_nothing_of_the_labels_of_its_fold() -> None:
    rows, targets, mask = table()
    other = targets.clone()
    other[FOLD == 1] = other[FOLD == 1].flip(0)
    first, second = fitted(rows, targets, mask), fitted(rows, other, mask)
    for one, two in zip(first.networks.parameters(), second.networks.parameters(), strict=True):
        assert_close(one[1], two[1], rtol=0, atol=0)
        assert not torch.equal(one[0], two[0])
    assert_close(first.oof[FOLD == 1], second.oof[FOLD == 1], rtol=0, atol=0)


def test_rows_out_of_fold_are_predicted_by_the_network_that_left_them_out() -> None:
    rows, targets, mask = table()
    found = fitted(rows, targets, mask)
    outputs = found.networks(rows)
    assert_close(found.oof[:, 0], outputs[FOLD, torch.arange(N), 0].sigmoid().double())
    assert found.oof.isfinite().all()
    assert_close(found.oof[:, 1:4].sum(1), torch.ones(N).double(), atol=1e-6, rtol=0)


def test_it_learns_what_there_is_to_learn() -> None:
    rows, targets, mask = table()
    settings = FoldTraining((16,), most_steps=400, batch_size=32)
    found = fitted(rows, targets, mask, settings)
    error = (found.oof[:, 6] - targets[:, 3]).square().mean() / targets[:, 3].var()
    assert error < 0.3
    assert min(loss for _, loss in found.curve) == dict(found.curve)[found.step]
    assert found.last <= 400


def test_it_ends_some_steps_after_the_best() -> None:
    rows, targets, mask = table()
    noise = targets[torch.randperm(N, generator=torch.Generator().manual_seed(1))]
    settings = FoldTraining((32,), dropout=0.0, patience=20, every=10, warm_up=5, weight_decay=0.0)
    found = fitted(rows, noise, mask, settings)
    assert found.last < settings.most_steps
    assert found.last - found.step >= max(20, found.step // 2)


def test_rows_in_no_fold_are_learned_from_by_all_and_not_predicted() -> None:
    rows, targets, mask = table()
    fold = torch.where(FOLD == 0, 0, -1)
    found = fit_folds(rows, targets, mask, fold, TASKS, ONE_LOOK)
    assert found.networks.sizes[0] == 1
    assert found.oof[fold < 0].isnan().all()
    assert found.oof[fold == 0].isfinite().all()


def test_the_same_seed_gives_the_same_and_leaves_global_chance_alone() -> None:
    rows, targets, mask = table()
    before = torch.random.get_rng_state()
    first, second = fitted(rows, targets, mask), fitted(rows, targets, mask)
    assert torch.equal(before, torch.random.get_rng_state())
    assert_close(first.oof, second.oof, rtol=0, atol=0)
    assert not torch.equal(first.oof, fitted(rows, targets, mask, seed=1).oof)


def test_a_task_without_a_label_is_no_obstacle() -> None:
    rows, targets, mask = table()
    mask[:, 0] = False
    mask[FOLD == 0, 1] = False
    assert fitted(rows, targets, mask).oof.isfinite().all()


def test_refused_are_rankings_and_no_folds() -> None:
    rows, targets, mask = table()
    ranking = TaskSet([Task("order", Ranking())])
    with pytest.raises(InputError, match="compare rows"):
        fit_folds(rows, targets[:, :1], mask[:, :1], FOLD, ranking)
    with pytest.raises(InputError, match="folds"):
        fit_folds(rows, targets, mask, torch.full((N,), -1), TASKS)
