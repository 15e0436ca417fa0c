"""The rules on losses against their papers' formulas, and what uncertainty learns."""

from math import exp, log

import pytest
import torch
from tests.references import weighting as reference
from torch import Tensor, nn
from torch.testing import assert_close

from ramify import tasks as kinds
from ramify._core import InputError, ShapeError
from ramify.tasks import Binary, Kind, Multiclass, Regression, Task, TaskSet
from ramify.weighting import (
    ABSOLUTE_ERROR,
    CROSS_ENTROPY,
    DWA,
    FAMO,
    HALF_SQUARED_ERROR,
    IMTLL,
    NOISE_MODELS,
    SQUARED_ERROR,
    Fixed,
    NoiseModel,
    Random,
    SmoothTchebycheff,
    Uncertainty,
    dwa_weights,
    famo_gradient,
    famo_weights,
    geometric_weights,
    smooth_tchebycheff_weights,
    uncertainty_objective,
)

NAMES = "abcd"
TASKS = TaskSet([Task(name, Regression()) for name in NAMES])
LOSSES = torch.tensor([0.2, 3.0, 0.7, 1.1], dtype=torch.float64)
ALL = torch.ones(4, dtype=torch.bool)
FORMS = [SQUARED_ERROR, HALF_SQUARED_ERROR, ABSOLUTE_ERROR, CROSS_ENTROPY]


def gradient(total: Tensor, losses: Tensor) -> Tensor:
    """Of the mean over tasks, which is what weights multiply the losses of."""
    return len(losses) * torch.autograd.grad(total, losses)[0]


def test_every_kind_of_task_has_a_noise_model() -> None:
    exported = [getattr(kinds, name) for name in kinds.__all__]
    concrete = {
        each
        for each in exported
        if isinstance(each, type) and issubclass(each, Kind) and each is not Kind
    }
    assert concrete == set(NOISE_MODELS)


def learned(losses: Tensor, models: tuple[NoiseModel, ...], steps: int = 600) -> Tensor:
    rule = Uncertainty(0.05, noise_models=models)
    rule.start(TASKS, seed=0)
    for _ in range(steps):
        rule.weights(losses, ALL)
    return rule.state_tensors()["log_variances"]


@pytest.mark.parametrize("form", FORMS)
def test_log_variances_go_to_their_closed_form(form: NoiseModel) -> None:
    """Gaussian log ℓ, classification log 2ℓ, Laplace log ℓ, half squared error log 2ℓ."""
    doubled = form in (HALF_SQUARED_ERROR, CROSS_ENTROPY)
    expected = (LOSSES * (2 if doubled else 1)).log()
    assert_close(form.optimum(LOSSES), expected)
    assert_close(learned(LOSSES, (form,) * 4), expected, atol=0.01, rtol=0)


def test_noise_is_known_after_a_hundred_steps() -> None:
    """A training of a small table has a few hundred."""
    rule = Uncertainty()
    rule.start(TASKS, seed=0)
    for _ in range(100):
        rule.weights(LOSSES, ALL)
    found = rule.state_tensors()["log_variances"]
    assert_close(found, (2 * LOSSES).log(), atol=0.05, rtol=0)


@pytest.mark.parametrize("form", FORMS)
def test_the_objective_is_least_at_the_closed_form(form: NoiseModel) -> None:
    best = form.optimum(LOSSES).requires_grad_()
    full = torch.full_like(LOSSES, 1.0)
    terms = uncertainty_objective(LOSSES, best, form.factor * full, form.penalty * full)
    assert_close(torch.autograd.grad(terms.sum(), best)[0], 0 * LOSSES)
    assert (terms[LOSSES < 0.1] < 0).all()  # it may be negative


def test_scaling_a_loss_shifts_its_log_variance_and_leaves_the_gradient() -> None:
    scale = torch.tensor([1.0, 100.0, 1.0, 1e-2], dtype=torch.float64)
    one = learned(LOSSES, (HALF_SQUARED_ERROR,) * 4, 800)
    two = learned(scale * LOSSES, (HALF_SQUARED_ERROR,) * 4, 800)
    assert_close(two - one, scale.log(), atol=0.01, rtol=0)
    assert_close(torch.exp(-two) * scale, torch.exp(-one), atol=0, rtol=0.02)


def test_log_variances_stay_within_ten() -> None:
    values = torch.tensor([0.0, 1e-30, 1e30, 1.0], dtype=torch.float64)
    found = learned(values, (HALF_SQUARED_ERROR,) * 4, 800)
    assert_close(found[:3], torch.tensor([-10.0, -10.0, 10.0]).double(), atol=1e-6, rtol=0)


def test_an_absent_task_keeps_its_log_variance_bit_for_bit() -> None:
    rule = Uncertainty()
    rule.start(TASKS, seed=0)
    for _ in range(3):
        rule.weights(LOSSES, ALL)
    before = {name: tensor.clone() for name, tensor in rule.state_tensors().items()}
    for _ in range(3):
        rule.weights(LOSSES, torch.tensor([True, False, True, True]))
    for name, tensor in rule.state_tensors().items():
        assert torch.equal(tensor[1], before[name][1])
    assert not torch.equal(rule.state_tensors()["log_variances"], before["log_variances"])


def test_log_variances_step_down_their_gradient() -> None:
    rule = Uncertainty(0.02)
    rule.start(TASKS, seed=0)
    for step in range(20):
        before = rule.state_tensors()["log_variances"].double().requires_grad_()
        losses, full = LOSSES * (1 + step % 3) / 3, torch.ones(4).double()
        terms = uncertainty_objective(losses, before, full, full / 2)
        (slope,) = torch.autograd.grad(terms.sum(), before)
        weights = rule.weights(losses, ALL)
        assert_close(weights, torch.exp(-before.detach()))
        after = rule.state_tensors()["log_variances"]
        assert_close(after, before.detach() - 0.02 * slope.clamp(-1, 1))


def test_kinds_choose_the_form() -> None:
    rule = Uncertainty()
    rule.start(TaskSet([Task("a", Binary()), Task("b", Multiclass(("x", "y")))]), seed=0)
    assert rule.state_tensors()["penalties"].tolist() == [0.5, 0.5]
    with pytest.raises(InputError, match=r"`noise_models` must have one entry per task, 4. Got 1"):
        Uncertainty(noise_models=(SQUARED_ERROR,)).start(TASKS, seed=0)


def test_uncertainty_finds_the_noise_of_two_targets() -> None:
    """The toy of the paper's code: y = 2x + 8 + 10ε and y = 3x + 3 + ε, at a tenth of its width.

    The network is narrower and the step larger, so that it takes a second and not minutes.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(100, 1, generator=generator)
    noise = torch.randn(100, 2, generator=generator)
    noise = (noise - noise.mean(0)) / noise.std(0)
    y = torch.cat([2 * x + 8 + 10 * noise[:, :1], 3 * x + 3 + noise[:, 1:]], dim=1)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 2))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    rule = Uncertainty()
    two = TaskSet([Task(name, Regression()) for name in "ab"])
    rule.start(two, seed=0)
    present = torch.ones(2, dtype=torch.bool)
    for step in range(1500):
        rows = torch.randperm(100, generator=generator)[:20] if step % 2 else slice(None)
        losses = (network(x[rows]) - y[rows]).square().mean(0) / 2
        loss = losses.dot(rule.weights(losses, present)) / 2
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    deviations = (rule.state_tensors()["log_variances"] / 2).exp()
    assert_close(deviations, torch.tensor([10.0, 1.0]), rtol=0.15, atol=0)


def test_geometric_weights_give_the_gradient_of_the_geometric_mean() -> None:
    losses = LOSSES.clone().requires_grad_()
    mean = losses.prod() ** 0.25
    assert_close(geometric_weights(LOSSES, ALL), gradient(mean, losses))


@pytest.mark.parametrize("smoothing", [0.05, 0.5, 5.0])
def test_smooth_tchebycheff_weights_give_the_gradient_of_a_smooth_maximum(smoothing: float) -> None:
    losses = LOSSES.clone().requires_grad_()
    largest = smoothing * (losses / smoothing).logsumexp(0)
    assert_close(smooth_tchebycheff_weights(LOSSES, ALL, smoothing), gradient(largest, losses))


def test_limits_of_the_smooth_maximum_are_the_largest_and_the_mean() -> None:
    sharp = smooth_tchebycheff_weights(LOSSES, ALL, 1e-3)
    assert_close(sharp, 4.0 * (LOSSES.max() == LOSSES).double())
    flat = smooth_tchebycheff_weights(LOSSES, ALL, 1e6)
    assert_close(flat, torch.ones(4).double(), atol=1e-5, rtol=0)


def test_dwa_weighs_by_the_ratio_of_two_epochs() -> None:
    older = [1.0, 2.0, 0.5, 4.0]
    expected = reference.weight_average(LOSSES.tolist(), older, 2.0)
    found = dwa_weights(LOSSES, torch.tensor(older).double(), ALL, 2.0)
    assert_close(found, torch.from_numpy(expected))


def test_dwa_takes_the_mean_over_the_batches_that_had_labels() -> None:
    rule = DWA()
    rule.start(TASKS, seed=0)
    half = torch.tensor([True, False, True, True])
    means = []
    for epoch in range(2):
        scale = 1.0 + epoch
        rule.weights(scale * LOSSES, ALL)
        rule.weights(3 * scale * LOSSES, half if epoch else ALL)
        means.append(scale * LOSSES * (torch.where(half, 2.0, 1.0) if epoch else 2.0))
        rule.end_epoch()
    expected = reference.weight_average(means[1].tolist(), means[0].tolist(), 2.0)
    assert_close(rule.weights(LOSSES, ALL), torch.from_numpy(expected))


def test_dwa_treats_a_task_without_a_known_ratio_as_steady() -> None:
    nan = float("nan")
    newer = torch.tensor([1.0, nan, 2.0, 1.0])
    older = torch.tensor([1.0, 1.0, nan, 0.0])
    found = dwa_weights(newer, older, ALL & (older != 0), 2.0)
    assert_close(found, torch.tensor([1.0, 1.0, 1.0, 0.0]))


def test_famo_gradient_is_that_of_the_papers_sum() -> None:
    logits = torch.tensor([0.3, -0.2, 0.0, 1.0], dtype=torch.float64)
    after = LOSSES * torch.tensor([0.9, 1.1, 0.5, 1.0])
    expected = reference.famo_gradient(logits.tolist(), LOSSES.tolist(), after.tolist())
    assert_close(famo_gradient(logits, LOSSES, after, ALL), torch.from_numpy(expected))


def test_famo_gives_more_weight_to_what_falls_more_slowly() -> None:
    rule = FAMO()
    rule.start(TASKS, seed=0)
    losses = torch.ones(4)
    for _ in range(200):
        losses = losses * torch.tensor([0.999, 0.99, 0.999, 0.999])
        rule.weights(losses, ALL)
    assert rule.state_tensors()["logits"].argmin() == 1
    shares = famo_weights(torch.zeros(4).double(), LOSSES, ALL) * LOSSES
    assert_close(shares, shares.mean() * torch.ones(4).double())


def test_random_weights_are_drawn_anew_in_every_step() -> None:
    rule = Random()
    rule.start(TASKS, seed=0)
    drawn = torch.stack([rule.weights(LOSSES, ALL) for _ in range(400)])
    assert not torch.equal(drawn[0], drawn[1])
    assert_close(drawn.mean(0), torch.ones(4).double(), atol=0.15, rtol=0)


def test_fixed_weights_are_one_per_task() -> None:
    assert Fixed([2.0, 0.0]).weights(torch.ones(2), ALL[:2]).tolist() == [2.0, 0.0]
    with pytest.raises(ShapeError, match=r"one weight per task, 4, in their order. Got 2"):
        Fixed([2.0, 0.0]).weights(LOSSES, ALL)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_settings_out_of_range_are_refused(value: float) -> None:
    for build in (DWA, Uncertainty, IMTLL, SmoothTchebycheff, FAMO, lambda each: Fixed([each])):
        with pytest.raises(InputError, match=r"^`[a-z_]+` must be .*finite.* Got"):
            build(value)


def test_imtl_l_brings_steady_losses_to_one() -> None:
    rule = IMTLL()
    rule.start(TASKS, seed=0)
    for _ in range(400):
        found = rule.weights(LOSSES, ALL)
    assert_close(found * LOSSES, torch.ones_like(LOSSES), rtol=1e-3, atol=0)


def test_imtl_l_steps_by_its_rate_however_large_the_loss() -> None:
    rule = IMTLL(0.02)
    rule.start(TASKS, seed=0)
    rule.weights(1e6 * torch.ones(4), torch.tensor([True, False, True, True]))
    scales = rule.state_tensors()["log_scales"]
    assert_close(scales, torch.tensor([-0.02, 0.0, -0.02, -0.02]))
    for _ in range(2000):
        rule.weights(1e6 * torch.ones(4), ALL)
    assert rule.state_tensors()["log_scales"].min() == -10


def test_the_effective_objective_is_the_logarithm_of_the_loss() -> None:
    """At the best s the Gaussian term is ½ log ℓ + ½: its slope is ½ for a loss e times as large."""
    at_best = [
        float(
            uncertainty_objective(
                torch.tensor([size]),
                SQUARED_ERROR.optimum(torch.tensor([size])),
                torch.tensor([SQUARED_ERROR.factor]),
                torch.tensor([SQUARED_ERROR.penalty]),
            )
        )
        for size in (0.1, 0.1 * exp(1))
    ]
    assert_close(at_best[1] - at_best[0], 0.5, atol=1e-5, rtol=0)
    assert_close(at_best[0], 0.5 * log(0.1) + 0.5, atol=1e-5, rtol=0)
