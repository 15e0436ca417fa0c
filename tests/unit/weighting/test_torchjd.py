"""TorchJD as the oracle of ours, and its weightings as weightings of ours."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ramify.tasks import Regression, Task, TaskSet
from ramify.weighting import (
    DWA,
    FAMO,
    GramFunction,
    aligned_mtl,
    as_weighting,
    cagrad,
    geometric_weights,
    gradvac,
    imtl_g,
    mgda,
    pcgrad,
    smooth_tchebycheff_weights,
    uncertainty_objective,
)

aggregation = pytest.importorskip("torchjd.aggregation", reason="TorchJD is not installed")
scalarization = pytest.importorskip("torchjd.scalarization", reason="TorchJD is not installed")

TASKS = TaskSet([Task(name, Regression()) for name in "abcd"])
ALL = torch.ones(4, dtype=torch.bool)
seeds = pytest.mark.parametrize("seed", range(6))


def gram(n_tasks: int = 4, n_parameters: int = 9, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(n_tasks, n_parameters, generator=generator, dtype=torch.float64)
    return rows @ rows.T


def losses(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 + torch.rand(4, generator=generator, dtype=torch.float64)


def gradient(total: Tensor, values: Tensor) -> Tensor:
    return torch.autograd.grad(total, values)[0]


@seeds
def test_mgda(seed: int) -> None:
    """Its Frank-Wolfe steps come near; ours is never longer."""
    inner = gram(seed=seed)
    ours = torch.from_numpy(mgda(inner.numpy())) / 4
    theirs = aggregation.MGDAWeighting(epsilon=1e-9, max_iters=5000)(inner)
    assert ours @ inner @ ours <= theirs @ inner @ theirs + 1e-12
    assert_close(ours, theirs, atol=2e-2, rtol=0)


@seeds
def test_cagrad(seed: int) -> None:
    inner = gram(seed=seed)
    theirs = aggregation.CAGradWeighting(c=0.4, norm_eps=0.0)(inner)
    ours = torch.from_numpy(cagrad(inner.numpy(), 0.4)) / 4
    assert_close(ours, theirs, atol=1e-3, rtol=0)


@seeds
def test_imtl_g(seed: int) -> None:
    inner = gram(seed=seed)
    ours = torch.from_numpy(imtl_g(inner.numpy())) / 4
    assert_close(ours, aggregation.IMTLGWeighting()(inner))


@seeds
def test_aligned_mtl(seed: int) -> None:
    inner = gram(seed=seed)
    ours = torch.from_numpy(aligned_mtl(inner.numpy())) / 4
    assert_close(ours, aggregation.AlignedMTLWeighting()(inner))


@seeds
def test_pcgrad_of_two_tasks_has_no_order(seed: int) -> None:
    inner = gram(2, 3, seed)
    ours = torch.from_numpy(pcgrad(inner.numpy(), torch.tensor([[0, 1], [1, 0]]).numpy()))
    assert_close(ours, aggregation.PCGradWeighting()(inner))


def test_gradvac_of_two_tasks_has_no_order() -> None:
    theirs, targets = aggregation.GradVacWeighting(beta=0.3), torch.zeros(2, 2).double().numpy()
    orders = torch.tensor([[0, 1], [1, 0]]).numpy()
    for seed in range(6):
        inner = gram(2, 3, seed)
        ours, targets = gradvac(inner.numpy(), orders, targets, 0.3)
        assert_close(torch.from_numpy(ours), theirs(inner), rtol=1e-5, atol=0)


@seeds
def test_geometric_mean(seed: int) -> None:
    values = losses(seed).requires_grad_()
    theirs = gradient(scalarization.GeometricMean()(values), values)
    assert_close(geometric_weights(values.detach(), ALL) / 4, theirs)


@seeds
def test_smooth_tchebycheff(seed: int) -> None:
    values = losses(seed).requires_grad_()
    maximum = scalarization.STCH(mu=0.5, weights=torch.ones(4).double())(values)
    ours = smooth_tchebycheff_weights(values.detach(), ALL, 0.5) / 4
    assert_close(ours, gradient(maximum, values))


def test_uncertainty() -> None:
    theirs, values = scalarization.UW(4).double(), losses(0)
    with torch.no_grad():
        theirs.log_var.copy_(torch.tensor([0.1, -1.0, 2.0, 0.0]))
    half = torch.full((4,), 0.5).double()
    ours = uncertainty_objective(values, theirs.log_var, half, half).sum()
    assert_close(ours, theirs(values))


def test_dwa_over_epochs() -> None:
    theirs, ours = scalarization.DWA(), DWA()
    ours.start(TASKS, seed=0)
    for epoch in range(5):
        for batch in range(3):
            values = losses(10 * epoch + batch).requires_grad_()
            found = ours.weights(values, ALL)
            assert_close(found, gradient(theirs(values), values))
        theirs.step()
        ours.end_epoch()


def test_famo_over_steps_whose_next_losses_are_those_of_the_next_step() -> None:
    theirs, ours = scalarization.FAMO(4).double(), FAMO()
    ours.start(TASKS, seed=0)
    for step in range(30):
        values = losses(step).requires_grad_()
        if step:
            theirs.update(values.detach())
        found = ours.weights(values, ALL)
        assert_close(found / 4, gradient(theirs(values), values), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "name", ["MeanWeighting", "MGDAWeighting", "IMTLGWeighting", "AlignedMTLWeighting"]
)
def test_its_weightings_are_taken_as_they_are(name: str) -> None:
    rule = as_weighting(getattr(aggregation, name)())
    assert isinstance(rule, GramFunction)
    assert rule.name == name
    inner = gram()
    expected = 4 * getattr(aggregation, name)()(inner / inner.diagonal().max())
    assert_close(rule.weights(inner, losses(0), ALL), expected)
    some = torch.tensor([True, False, True, True])
    assert rule.weights(inner, losses(0), some)[1] == 0
