"""TorchJD as the oracle of ours, and its weightings as weightings of ours."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.testing import assert_close

from ramify.tasks import Regression, Task, TaskSet
from ramify.weighting import (
    DWA,
    FAMO,
    IMTLL,
    GramFunction,
    aligned_mtl,
    as_weighting,
    cagrad,
    fair_grad,
    geometric_weights,
    gradvac,
    imtl_g,
    mgda,
    pcgrad,
    smooth_tchebycheff_weights,
    uncertainty_objective,
    upgrad,
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


def in_basis(m: int, n: int, rank: int, left: NDArray[np.float64], seed: int) -> Tensor:
    """A matrix whose left singular vectors are the given ones and what completes them."""
    rng = np.random.default_rng([seed, m, n])
    basis, _ = np.linalg.qr(np.hstack([left, rng.standard_normal((m, m - left.shape[1]))]))
    basis[:, : left.shape[1]] *= np.sign((basis[:, : left.shape[1]] * left).sum(axis=0))
    right, _ = np.linalg.qr(rng.standard_normal((n, n)))
    values = np.abs(rng.standard_normal(rank))
    return torch.from_numpy(basis[:, :rank] * values @ right[:, :rank].T)


def positive(m: int, seed: int) -> NDArray[np.float64]:
    drawn = np.abs(np.random.default_rng([seed, m]).standard_normal((m, 1)))
    return np.asarray(drawn / np.linalg.norm(drawn), dtype=np.float64)


def jacobians() -> dict[str, Tensor]:
    """The kinds of matrices that TorchJD's own tests use, by how their rows can cancel."""
    found = {"two rows": torch.tensor([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]).double()}
    for m, n, rank in ((4, 3, 1), (4, 3, 2), (4, 3, 3), (9, 11, 5), (9, 11, 9)):
        found[f"any {m}x{n} of rank {rank}"] = in_basis(m, n, rank, np.zeros((m, 0)), seed=0)
    for m, n, rank in ((5, 3, 3), (9, 11, 6), (7, 13, 2)):
        away, place = positive(m, seed=1), f"{m}x{n} of rank {rank}"
        found[f"rows that cancel in no mixture, {place}"] = in_basis(m, n, rank, away, seed=1)
        # Without the direction of a positive mixture: that mixture is 0.
        whole = in_basis(m, n, min(m, n), away, seed=2)
        mixture = torch.from_numpy(away)
        found[f"rows that cancel in a mixture of all, {place}"] = whole - mixture @ (
            mixture.T @ whole
        )
        first = mixture * (torch.arange(m) < m // 2)[:, None]
        first = first / first.norm()
        found[f"rows that cancel in a mixture of some, {place}"] = whole - first @ (first.T @ whole)
    return found


every_jacobian = pytest.mark.parametrize("rows", jacobians().values(), ids=jacobians())


def assert_same_direction(
    rows: Tensor, ours: NDArray[np.float64], theirs: Tensor, rtol: float
) -> None:
    """Relative to the longest row; ours are weights of the mean."""
    found, longest = rows.T @ torch.from_numpy(ours) / len(rows), float(rows.norm(dim=1).max())
    assert_close(found, theirs, rtol=0, atol=rtol * longest)


@every_jacobian
def test_upgrad_at_its_own_matrices(rows: Tensor) -> None:
    pytest.importorskip("quadprog", reason="TorchJD's solver is not installed")
    weights = upgrad((rows @ rows.T).numpy())
    assert_same_direction(rows, weights, aggregation.UPGrad()(rows), 1e-8)
    assert 1 <= weights.min() <= weights.max() <= 1 + 100 * len(rows)


@every_jacobian
def test_imtl_g_at_its_own_matrices(rows: Tensor) -> None:
    theirs = aggregation.IMTLG()(rows)
    assert_same_direction(
        rows, imtl_g((rows @ rows.T).numpy()), theirs, 1e-6 * (1 + float(theirs.norm()))
    )


@every_jacobian
def test_aligned_mtl_at_its_own_matrices(rows: Tensor) -> None:
    assert_same_direction(
        rows, aligned_mtl((rows @ rows.T).numpy()), aggregation.AlignedMTL()(rows), 1e-8
    )


@every_jacobian
@pytest.mark.parametrize("radius", [0.5, 1.0, 2.0])
def test_cagrad_at_its_own_matrices(rows: Tensor, radius: float) -> None:
    """From 1 on no row is harmed, also where rows cancel."""
    gram = (rows @ rows.T).numpy()
    weights = cagrad(gram, radius)
    assert_same_direction(rows, weights, aggregation.CAGrad(c=radius)(rows), 1e-3)
    along = gram @ weights / len(rows) / gram.diagonal().max()
    assert radius < 1 or along.min() >= -1e-9


@every_jacobian
def test_mgda_at_its_own_matrices(rows: Tensor) -> None:
    theirs = aggregation.MGDA(epsilon=1e-9, max_iters=2000)(rows)
    ours = rows.T @ torch.from_numpy(mgda((rows @ rows.T).numpy())) / len(rows)
    assert ours.norm() <= theirs.norm() + 1e-9
    assert_close(ours, theirs, rtol=0, atol=2e-2 * float(rows.norm(dim=1).max()))


@seeds
@pytest.mark.parametrize("fairness", [0.5, 1.0, 2.0, 5.0])
def test_fair_grad_up_to_a_factor(seed: int, fairness: float) -> None:
    inner = gram(seed=seed)
    ours = torch.from_numpy(fair_grad(inner.numpy(), fairness))
    theirs = aggregation.FairGradWeighting(alpha=fairness)(inner)
    assert_close(ours / ours.sum(), theirs / theirs.sum(), rtol=1e-4, atol=1e-6)


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


def test_imtl_l_over_steps() -> None:
    """The same slopes, as long as none is longer than 1."""
    theirs, ours = scalarization.IMTLL(4).double(), IMTLL(learning_rate=0.1)
    ours.start(TASKS, seed=0)
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.1)
    for step in range(30):
        values = losses(step).requires_grad_()
        total = theirs(values)
        assert_close(ours.weights(values, ALL), gradient(total, values))
        optimiser.zero_grad()
        theirs(values.detach()).backward()
        optimiser.step()


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
    assert rule.word == name
    inner = gram()
    expected = 4 * getattr(aggregation, name)()(inner / inner.diagonal().max())
    assert_close(rule.weights(inner, losses(0), ALL), expected)
    some = torch.tensor([True, False, True, True])
    assert rule.weights(inner, losses(0), some)[1] == 0
