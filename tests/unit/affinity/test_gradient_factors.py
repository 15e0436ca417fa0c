import numpy as np
import pytest
import torch
from tests.settings import DEVICE, DTYPE
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.affinity import CountSketch, GradientFactors, factors_of_gram, nonnegative_factors
from ramify.affinity._gradient_factors import Accumulation

EVERY = torch.ones(5, dtype=torch.bool, device=DEVICE)


def steps(n_steps: int = 12, n_tasks: int = 5, n_parameters: int = 40, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(n_steps, n_tasks, n_parameters, generator=generator, dtype=DTYPE)
    return found.to(DEVICE)


def filled(accumulate: Accumulation = "unit", *, projection: int | None = None) -> GradientFactors:
    sums = GradientFactors(5, accumulate=accumulate, projection=projection)
    for gradients in steps():
        sums.update(gradients, EVERY)
    return sums


def test_sums_are_those_of_the_gradients_or_of_their_directions() -> None:
    gradients = steps().double()
    whole = gradients.sum(0)
    assert_close(filled("sum").gram(), whole @ whole.T, rtol=1e-4, atol=1e-4)
    directions = (gradients / gradients.norm(dim=2, keepdim=True)).sum(0)
    assert_close(filled("unit").gram(), directions @ directions.T, rtol=1e-4, atol=1e-4)


def test_factors_are_those_of_a_singular_value_decomposition() -> None:
    rows = steps().double().sum(0).cpu().numpy()
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    left, values, _ = np.linalg.svd(rows, full_matrices=False)
    shares = values**2 / (values**2).sum()
    n_kept = int(np.searchsorted(np.cumsum(shares), 0.8)) + 1
    kept = left[:, :n_kept] * values[:n_kept]
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    found = filled("sum").factors(0.8)
    np.testing.assert_allclose(found.energy, shares[:n_kept], rtol=1e-4)
    np.testing.assert_allclose(
        found.loadings @ found.loadings.T, kept @ kept.T, rtol=1e-3, atol=1e-4
    )


def test_with_all_energy_the_loadings_have_the_cosines_of_the_gradients() -> None:
    sums = filled()
    gram = sums.gram().cpu().numpy()
    lengths = np.sqrt(gram.diagonal())
    loadings = sums.factors(1.0).loadings
    np.testing.assert_allclose(loadings @ loadings.T, gram / lengths[:, None] / lengths, atol=1e-6)


def test_fewer_parameters_than_tasks_give_no_more_factors_than_parameters() -> None:
    sums = GradientFactors(5)
    sums.update(steps(n_parameters=2)[0], EVERY)
    found = sums.factors(1.0)
    assert found.loadings.shape[1] <= 2
    np.testing.assert_allclose(np.linalg.norm(found.loadings, axis=1), 1, rtol=1e-6)


def test_scales_do_not_matter_to_directions() -> None:
    scaled = GradientFactors(5)
    scales = torch.tensor([1e-6, 1e-2, 1.0, 1e2, 1e6], dtype=DTYPE, device=DEVICE)
    for gradients in steps():
        scaled.update(gradients * scales[:, None], EVERY)
    assert_close(scaled.gram(), filled().gram(), rtol=1e-4, atol=1e-4)


def test_an_absent_task_adds_nothing_whatever_its_row_holds() -> None:
    one, two = GradientFactors(5), GradientFactors(5)
    present = torch.tensor([True, False, True, True, False], device=DEVICE)
    for gradients in steps():
        one.update(torch.where(present[:, None], gradients, 0.0), EVERY)
        two.update(torch.where(present[:, None], gradients, float("nan")), present)
    assert_close(one.gram(), two.gram())
    found = two.factors()
    assert found.known.tolist() == present.tolist()
    assert np.isnan(found.loadings).all(axis=1).tolist() == (~present).tolist()
    assert np.isnan(found.loadings).any(axis=1).tolist() == (~present).tolist()


def test_without_any_gradient_no_task_is_known() -> None:
    for sums in (GradientFactors(5), filled()):
        sums.reset()
        sums.update(torch.zeros(5, 3, dtype=DTYPE, device=DEVICE), EVERY)
        found = sums.factors()
        assert not found.known.any()
        assert found.loadings.shape == (5, 0)


def test_factors_follow_the_order_of_tasks() -> None:
    order = [3, 0, 4, 1, 2]
    turned = GradientFactors(5)
    for gradients in steps():
        turned.update(gradients[order], EVERY)
    rows, again = filled().factors().loadings, turned.factors().loadings
    np.testing.assert_allclose(again @ again.T, (rows @ rows.T)[np.ix_(order, order)], atol=1e-6)


def test_parts_of_like_size_are_alike_whatever_their_signs() -> None:
    rng = np.random.default_rng(0)
    rows = np.zeros((6, 30))
    rows[:3, :15] = rng.standard_normal(15) * np.array([[1.0], [-2.0], [3.0]])
    rows[3:5, 15:] = rng.standard_normal(15) * np.array([[-1.0], [1.0]])
    found = nonnegative_factors(rows, 2)
    assert found.known.tolist() == [True] * 5 + [False]
    expected = np.kron(np.eye(2), np.ones((3, 3)))[:5, :5]
    np.testing.assert_allclose((found.loadings @ found.loadings.T)[:5, :5], expected, atol=1e-3)
    np.testing.assert_allclose(found.energy, [0.6, 0.4], atol=1e-3)
    again = nonnegative_factors(rows, 2)
    np.testing.assert_array_equal(again.loadings, found.loadings)
    assert nonnegative_factors(np.zeros((2, 3)), 2).loadings.shape == (2, 0)
    with pytest.raises(InputError, match="n_factors"):
        nonnegative_factors(rows, 0)
    with pytest.raises(InputError, match="finite"):
        nonnegative_factors(rows * np.nan, 2)


def test_rows_are_the_sums() -> None:
    sums = filled("sum")
    assert_close(sums.rows().double() @ sums.rows().double().T, sums.gram())


def test_a_projection_keeps_cosines_within_its_error() -> None:
    generator = torch.Generator().manual_seed(1)
    pairs = torch.randn(60, 20_000, generator=generator) + 0.2  # signs keep a mean from adding up
    pairs[1::2] += pairs[::2]
    exact = torch.cosine_similarity(pairs[::2], pairs[1::2])
    errors = []
    for seed in range(4):
        short = CountSketch(512, seed=seed).of(pairs)
        errors.append(torch.cosine_similarity(short[::2], short[1::2]) - exact)
    found = torch.cat(errors)
    assert found.abs().mean() > 0
    assert found.square().mean().sqrt() < (2 / 512) ** 0.5
    assert found.mean().abs() < 0.01


def test_a_projection_bounds_the_memory() -> None:
    sums = filled(projection=8)
    assert sums.n_bytes == 5 * 8 * torch.finfo(DTYPE).bits // 8
    assert filled().n_bytes == 5 * sums.n_bytes


@pytest.mark.parametrize("projection", [None, 16])
def test_from_a_saved_state_it_goes_on_as_if_never_stopped(projection: int | None) -> None:
    whole = filled(projection=projection)
    first, then = (GradientFactors(5, projection=projection) for _ in range(2))
    for gradients in steps()[:5]:
        first.update(gradients, EVERY)
    then.load_state_dict(first.state_dict())
    for gradients in steps()[5:]:
        then.update(gradients, EVERY)
    assert_close(then.gram(), whole.gram(), rtol=0, atol=0)


def test_after_a_reset_nothing_is_left() -> None:
    sums = filled()
    sums.reset()
    sums.update(steps(n_parameters=7)[0], EVERY)
    fresh = GradientFactors(5)
    fresh.update(steps(n_parameters=7)[0], EVERY)
    assert_close(sums.gram(), fresh.gram(), rtol=0, atol=0)


def test_a_task_whose_gradients_are_forgotten_had_none() -> None:
    one, two = filled(), GradientFactors(5)
    gone = torch.tensor([False, True, False, False, True])
    one.forget(gone)
    for gradients in steps():
        two.update(gradients, ~gone.to(DEVICE))
    assert_close(one.gram(), two.gram(), rtol=0, atol=0)
    assert one.factors().known.tolist() == (~gone).tolist()


def test_a_state_lists_its_own_copy() -> None:
    sums = GradientFactors(5).load_state_dict(state := filled().state_dict())
    before = state["sums"].clone()
    sums.update(steps()[0], EVERY)
    assert_close(state["sums"], before, rtol=0, atol=0)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ShapeError, match="must keep 40 parameters"):
        filled().update(steps(n_parameters=41)[0], EVERY)
    with pytest.raises(ShapeError, match=r"must be \(5, parameter\)"):
        GradientFactors(5).update(steps(n_tasks=4)[0], EVERY)
    with pytest.raises(ShapeError, match="must have 5 rows"):
        GradientFactors(5).load_state_dict({"sums": torch.zeros(4, 3)})
    with pytest.raises(InputError, match="n_tasks"):
        GradientFactors(0)
    with pytest.raises(InputError, match="n_tasks"):
        GradientFactors(2.5)  # type: ignore[arg-type]  # on purpose
    for accumulate in ("mean", ["unit"], None):
        with pytest.raises(InputError, match="accumulate"):
            GradientFactors(2, accumulate=accumulate)  # type: ignore[arg-type]  # on purpose
    for projection in (0, 2.5, "8", True):
        with pytest.raises(InputError, match="projection"):
            GradientFactors(2, projection=projection)  # type: ignore[arg-type]  # on purpose
    for energy in (0.0, 1.1, "all", True, float("nan")):
        with pytest.raises(InputError, match="energy"):
            filled().factors(energy)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ShapeError, match="square"):
        factors_of_gram(np.zeros((2, 3)))
    with pytest.raises(InputError, match="finite"):
        factors_of_gram(np.full((2, 2), np.nan))
