"""The rules on Gram matrices against their papers' formulas, solved another way."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.references import weighting as reference
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError
from ramify.tasks import Regression, Task, TaskSet
from ramify.weighting import (
    MGDA,
    CAGrad,
    FairGrad,
    GradNorm,
    GradVac,
    GramFunction,
    GramWeighting,
    UPGrad,
    aligned_mtl,
    as_weighting,
    cagrad,
    db_mtl,
    fair_grad,
    grad_norm_gradient,
    gradvac,
    imtl_g,
    mgda,
    nash_mtl,
    pcgrad,
    upgrad,
)

Array = NDArray[np.float64]
THREE = TaskSet([Task(name, Regression()) for name in "abc"])
SHAPES = [(2, 5), (3, 2), (5, 3), (6, 20)]
every_shape = pytest.mark.parametrize("shape", SHAPES)


def gradients(shape: tuple[int, int], seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) * np.exp(rng.standard_normal((shape[0], 1)))


def direction(rows: Array, weights: Array) -> Array:
    """What the weighted mean of the losses has as gradient."""
    return rows.T @ weights / len(rows)


def assert_near(found: Array, expected: Array, rtol: float = 1e-6) -> None:
    scale = float(np.abs(expected).max()) + 1e-3
    assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=rtol * scale)


def orders(n_tasks: int, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(n_tasks), (n_tasks, 1)), axis=1)


@every_shape
@pytest.mark.parametrize("seed", range(4))
def test_mgda_is_the_shortest_vector_of_the_hull(shape: tuple[int, int], seed: int) -> None:
    rows = gradients(shape, seed)
    assert_near(direction(rows, mgda(rows @ rows.T)), reference.shortest(rows), 1e-4)


def test_mgda_of_two_tasks_is_the_closed_form() -> None:
    for seed in range(20):
        a, b = gradients((2, 3), seed)
        share = float(np.clip((b - a) @ b / ((a - b) @ (a - b)), 0, 1))
        rows = np.stack([a, b])
        assert_near(mgda(rows @ rows.T), np.array([2 * share, 2 - 2 * share]))


@every_shape
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("radius", [0.1, 0.4, 0.9])
def test_cagrad_is_the_best_worst_direction_in_the_ball(
    shape: tuple[int, int], seed: int, radius: float
) -> None:
    rows = gradients(shape, seed)
    found = direction(rows, cagrad(rows @ rows.T, radius))
    expected = reference.conflict_averse(rows, radius)
    mean = rows.mean(axis=0)
    assert np.linalg.norm(found - mean) <= radius * np.linalg.norm(mean) * (1 + 1e-6)
    # The worst improvement is what counts: where several directions share it, any will do.
    worst = float((rows @ found).min() - (rows @ expected).min())
    assert worst >= -1e-4 * float(np.linalg.norm(rows, axis=1).max() ** 2)


@every_shape
@pytest.mark.parametrize("seed", range(4))
def test_upgrad_is_the_mean_projection_onto_the_dual_cone(
    shape: tuple[int, int], seed: int
) -> None:
    rows = gradients(shape, seed)
    assert_near(
        direction(rows, upgrad(rows @ rows.T, noise=0)), reference.unconflicting(rows), 1e-5
    )


@every_shape
@pytest.mark.parametrize("seed", range(4))
def test_upgrad_without_noise_harms_no_task(shape: tuple[int, int], seed: int) -> None:
    rows = gradients(shape, seed)
    along = rows @ direction(rows, upgrad(rows @ rows.T, noise=0))
    assert (along >= -1e-7 * np.linalg.norm(rows, axis=1) * np.linalg.norm(rows)).all()


def test_upgrad_keeps_the_weights_of_nearly_dependent_gradients_in_bounds() -> None:
    rows = np.array([[1.0, 0.0], [-1.0, 1e-7], [-1.0, -1e-7], [0.0, 1.0]])
    gram = rows @ rows.T + 1e-16 * np.eye(4)
    assert upgrad(gram).max() < 500


@pytest.mark.parametrize("shape", [(2, 5), (4, 9), (6, 20)])
@pytest.mark.parametrize("fairness", [0.3, 1.0, 2.0, 10.0])
def test_fair_grad_is_where_gains_are_a_power_of_weights(
    shape: tuple[int, int], fairness: float
) -> None:
    rows = gradients(shape, 0)
    gram = rows @ rows.T
    weights = fair_grad(gram, fairness)
    gains = gram @ weights * weights ** (1 / fairness)
    assert (weights > 0).all()
    assert_near(gains / gains.mean(), np.ones(shape[0]), 1e-4)
    assert_close(float(weights @ np.sqrt(gram.diagonal())), float(np.sqrt(gram.diagonal()).sum()))


def test_fair_grad_goes_from_equal_weights_over_nash_to_the_worst_task() -> None:
    rows = gradients((4, 9), 0)
    gram = rows @ rows.T
    equal = fair_grad(gram, 0.01)
    assert equal.max() < 1.1 * equal.min()
    assert_near(fair_grad(gram, 1.0), nash_mtl(gram), 1e-6)
    # What gains least gains most: that is the shortest mixture.
    fairest = fair_grad(gram, 100.0)
    assert_near(fairest / fairest.sum(), mgda(gram) / 4, 2e-2)


@every_shape
@pytest.mark.parametrize("seed", range(4))
def test_aligned_mtl_levels_the_singular_values(shape: tuple[int, int], seed: int) -> None:
    rows = gradients(shape, seed)
    assert_near(direction(rows, aligned_mtl(rows @ rows.T)), reference.aligned(rows))


@every_shape
@pytest.mark.parametrize("seed", range(4))
def test_pcgrad_projects_one_by_one(shape: tuple[int, int], seed: int) -> None:
    rows, meetings = gradients(shape, seed), orders(shape[0], seed)
    found = direction(rows, pcgrad(rows @ rows.T, meetings))
    assert_near(found, reference.projected(rows, meetings.tolist()))


def test_pcgrad_never_projects_a_task_off_itself() -> None:
    """After two projections the first gradient points away from what it was."""
    rows = np.array([[1.0, 0.0], [-(3**0.5) / 2, 0.5], [-(3**0.5) / 2, -0.5]])
    meetings = np.array([[1, 2, 0], [1, 0, 2], [2, 0, 1]])
    found = direction(rows, pcgrad(rows @ rows.T, meetings))
    assert_near(found, reference.projected(rows, meetings.tolist()))


@every_shape
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_gradvac_turns_one_by_one_and_remembers(shape: tuple[int, int], rate: float) -> None:
    targets = np.random.default_rng(7).uniform(-0.5, 0.9, (shape[0], shape[0]))
    expected_targets = targets.copy()
    for seed in range(3):
        rows, meetings = gradients(shape, seed), orders(shape[0], seed)
        expected = reference.vaccinated(rows, meetings.tolist(), expected_targets, rate)
        weights, targets = gradvac(rows @ rows.T, meetings, targets, rate)
        assert_near(direction(rows, weights), expected, 1e-5)
        assert_near(targets, expected_targets, 1e-6)


@every_shape
def test_gradvac_that_aims_at_right_angles_is_pcgrad(shape: tuple[int, int]) -> None:
    rows, meetings = gradients(shape, 0), orders(shape[0], 0)
    gram = rows @ rows.T
    weights, _ = gradvac(gram, meetings, np.zeros_like(gram), 0.0)
    assert_near(weights, pcgrad(gram, meetings), 1e-5)


@pytest.mark.parametrize("shape", [(2, 5), (4, 9), (6, 20)])
def test_imtl_g_projects_alike_onto_all_unit_gradients(shape: tuple[int, int]) -> None:
    rows = gradients(shape, 1)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    along = units @ direction(rows, imtl_g(rows @ rows.T))
    assert_near(along, np.full(shape[0], along.mean()))


@pytest.mark.parametrize("shape", [(2, 5), (4, 9), (6, 20)])
@pytest.mark.parametrize("seed", range(4))
def test_nash_mtl_is_where_each_task_gains_what_its_weight_says(
    shape: tuple[int, int], seed: int
) -> None:
    rows = gradients(shape, seed)
    gram = rows @ rows.T
    weights = nash_mtl(gram)
    gains = weights * (gram @ weights)
    assert (weights > 0).all()
    assert_near(gains, np.full(shape[0], gains.mean()), 1e-4)
    lengths = np.sqrt(gram.diagonal())
    assert_close(float(weights @ lengths), float(lengths.sum()))


def test_rules_on_directions_do_not_mind_a_task_in_another_unit() -> None:
    """What is scaled is the task's gradient; its part of the direction stays in proportion."""
    rows = gradients((4, 9), 0)
    scale = np.array([1.0, 1e3, 1e-3, 1.0])
    for rule in (imtl_g, nash_mtl):
        one = rule(rows @ rows.T)
        two = scale * rule(scale[:, None] * rows @ rows.T * scale)
        assert_near(two / two.sum(), one / one.sum(), 1e-5)


def test_gradvac_remembers_its_targets_between_steps() -> None:
    """Two tasks: the order is none, so the rule is the function with its own targets."""
    two, targets = TaskSet(THREE[:2]), np.zeros((2, 2))
    rule = GradVac(rate=0.3)
    rule.start(two, seed=0)
    for seed in range(6):
        rows = gradients((2, 3), seed)
        weights, targets = gradvac(rows @ rows.T, np.array([[0, 1], [1, 0]]), targets, 0.3)
        ones = torch.ones(2).double()
        found = rule.weights(torch.tensor(rows @ rows.T), ones, ones.bool())
        assert_near(found.numpy(), weights)
        assert_near(rule.state_tensors()["targets"].numpy(), targets)


def test_grad_norm_measures_progress_from_the_first_loss() -> None:
    """The first task's loss halves, the second one's stays: it gets the longer gradient."""
    rule = GradNorm()
    rule.start(THREE, seed=0)
    gram, here = torch.eye(3).double(), torch.tensor([True, True, False])
    for step in range(200):
        losses = torch.tensor([1.0 if step == 0 else 0.5, 8.0, 1.0]).double()
        weights = rule.weights(gram, losses, here)
    assert weights[1] > 1.5 * weights[0]


def test_opposed_gradients_have_the_weights_that_cancel_them() -> None:
    gram = np.array([[1.0, -2.0], [-2.0, 4.0]])
    assert_near(mgda(gram), np.array([4 / 3, 2 / 3]))
    assert_near(imtl_g(np.array([[1.0, -1.0], [-1.0, 1.0]])), np.ones(2))
    assert_near(nash_mtl(gram), np.array([1.5, 0.75]), 1e-3)
    assert (cagrad(gram, 0.4) >= 1).all()


def test_db_mtl_makes_log_gradients_as_long_as_the_longest() -> None:
    rows = gradients((5, 8), 0)
    losses = [0.2, 1.0, 3.0, 0.5, 10.0]
    found = direction(rows, db_mtl(rows @ rows.T, np.array(losses)))
    assert_near(found, reference.dual_balanced(rows, losses))


def test_grad_norm_steps_down_the_papers_loss() -> None:
    weights = torch.tensor([0.5, 1.2, 1.3], dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([2.0, 0.3, 1.0], dtype=torch.float64)
    ratios = torch.tensor([0.9, 0.2, 0.5], dtype=torch.float64)
    aims = (weights * lengths).mean().detach() * (ratios / ratios.mean()) ** 1.5
    torch.autograd.backward((weights * lengths - aims).abs().sum())
    found = grad_norm_gradient(
        weights.detach().numpy(), lengths.numpy(), ratios.numpy(), asymmetry=1.5
    )
    assert weights.grad is not None
    assert_close(torch.tensor(found), weights.grad)


def test_grad_norm_brings_steady_gradients_to_one_length() -> None:
    rule = GradNorm(asymmetry=0.0)
    rule.start(THREE, seed=0)
    lengths = torch.tensor([4.0, 1.0, 0.5], dtype=torch.float64)
    ones = torch.ones(3, dtype=torch.float64)
    for _ in range(2000):
        weights = rule.weights(lengths.square().diag(), ones, ones.bool())
    assert_close(weights * lengths, (weights * lengths).mean() * ones, rtol=0.1, atol=0)
    assert_close(float(weights.sum()), 3.0)


def test_a_function_gets_the_present_tasks_and_multiplies_the_sum() -> None:
    seen = []

    def first_only(gram: Tensor) -> Tensor:
        seen.append(gram)
        return torch.eye(len(gram))[0]

    rule = as_weighting(first_only)
    assert isinstance(rule, GramFunction)
    gram = torch.diag(torch.tensor([4.0, 2.0, 8.0]))
    found = rule.weights(gram, torch.ones(3), torch.tensor([False, True, True]))
    assert rule.word == "first_only"
    assert_close(seen[0], torch.diag(torch.tensor([0.25, 1.0])).double())
    assert_close(found, torch.tensor([0.0, 2.0, 0.0]))


def test_a_function_that_gives_nonsense_is_refused() -> None:
    for nonsense in (torch.ones(2), torch.full((3,), float("nan"))):

        def gives(_gram: Tensor, found: Tensor = nonsense) -> Tensor:
            return found

        with pytest.raises(InputError, match="one finite weight for each of 3 tasks"):
            GramFunction(gives).weights(torch.eye(3), torch.ones(3), torch.ones(3).bool())


@pytest.mark.boundary
def test_what_is_no_weighting_is_refused() -> None:
    assert as_weighting(UPGrad()) == UPGrad()
    for wrong in ("upgrad", MGDA, 3):
        with pytest.raises(InputError, match="`weighting` must be a weighting such as UPGrad"):
            as_weighting(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("build", [CAGrad, FairGrad, GradVac, GradNorm, UPGrad])
@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_settings_out_of_range_are_refused(
    build: Callable[[float], GramWeighting], value: float
) -> None:
    with pytest.raises(InputError, match="must be"):
        build(value)
