"""Settings, learning rate, best weights, checkpoints."""

import json
from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.toy import BINARY, N_INPUTS, backbone

from ramify._core import InputError, ModelFileError
from ramify.networks import BranchedNetwork
from ramify.sharing import HardSharing, SingleTask
from ramify.tasks import SharingTree
from ramify.training import SGD, AdamW, OneCycle, StepDecay, Training
from ramify.training._best import BestWeights
from ramify.training._checkpoint import (
    load_optimiser_tensors,
    load_state,
    optimiser_tensors,
    save_state,
)


def test_the_learning_rate_rises_to_one_and_falls_to_nearly_nothing() -> None:
    settings = OneCycle(warmup=0.3)
    rates = [settings.rate_at(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.04)
    assert rates[30] == 1 == max(rates)
    assert all(a < b for a, b in pairwise(rates[:31]))
    assert all(a > b for a, b in pairwise(rates[30:]))
    assert 0 < rates[-1] < 0.002
    assert settings.rate_at(15, 100) == pytest.approx(0.52)  # half of the cosine


@pytest.mark.parametrize("n_steps", [1, 2, 5])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 0.99])
def test_the_learning_rate_is_in_range_however_short_the_training(
    n_steps: int, warmup: float
) -> None:
    for step in range(n_steps):
        assert 0 < OneCycle(warmup=warmup).rate_at(step, n_steps) <= 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("weight_decay", -1.0),
        ("iterations", 0),
        ("gradient_clip", 0.0),
        ("patience", 0),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"`{name}` must be"):
        Training(**{name: value})  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: OneCycle(warmup=1.0), "`warmup` must be 0 or more and below 1"),
        (lambda: OneCycle(warmup=-0.1), "`warmup` must be"),
        (lambda: StepDecay(0), "`every` must be 1 or more"),
        (lambda: StepDecay(1, factor=0.0), "`factor` must be above 0"),
        (lambda: StepDecay(1, factor=1.1), "`factor` must be above 0 and at most 1"),
        (lambda: SGD(momentum=1.0), "`momentum` must be 0 or more and below 1"),
        (lambda: SGD(bias_rate=0.0), "`bias_rate` must be finite and above 0"),
    ],
)
def test_a_rule_or_schedule_out_of_range_is_refused(
    build: Callable[[], object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build()


@pytest.mark.boundary
@pytest.mark.parametrize("name", ["optimiser", "schedule"])
def test_a_name_in_place_of_a_rule_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"`{name}` must be an? {name.title()}"):
        Training(**{name: "sgd"})  # type: ignore[arg-type]  # on purpose


def test_the_papers_steps_by_hand() -> None:
    """Momentum, L2 decay of weights only, and twice the rate for biases."""
    network = BranchedNetwork(backbone(), SharingTree.shared(BINARY.names, 2), BINARY)
    settings = Training.paper()
    optimiser = settings.optimiser.build(network, settings.rate, settings.decay)
    weight, bias = network.heads.weight, network.heads.bias
    velocity = [torch.zeros_like(weight), torch.zeros_like(bias)]
    expected = [weight.detach().clone(), bias.detach().clone()]
    for number in range(3):
        for group in optimiser.param_groups:
            group["lr"] = 0.001 * group["rate"]
        gradients = [torch.full_like(weight, 1.0 + number), torch.full_like(bias, 2.0)]
        weight.grad, bias.grad = (each.clone() for each in gradients)
        optimiser.step()
        for i, (rate, decay) in enumerate([(0.001, 5e-4), (0.002, 0.0)]):
            velocity[i] = 0.9 * velocity[i] + gradients[i] + decay * expected[i]
            expected[i] -= rate * velocity[i]
    torch.testing.assert_close(weight.detach(), expected[0])
    torch.testing.assert_close(bias.detach(), expected[1])


def test_the_papers_training_is_that_of_the_authors_code() -> None:
    settings = Training.paper()
    assert settings.length(100).n_steps == 60_000
    rates = [settings.course.rate_at(step, 60_000) for step in (0, 19_999, 20_000, 59_999)]
    assert rates == pytest.approx([1.0, 1.0, 0.1, 0.01])
    assert (settings.learning_rate, settings.weight_decay) == (1e-3, 5e-4)
    assert settings.gradient_clip == 20
    assert settings.optimiser == SGD(momentum=0.9, bias_rate=2.0)
    assert settings.sum_over_tasks
    assert not settings.keep_best


def test_settings_are_plain_and_tell_every_field() -> None:
    for settings in (Training(), Training.paper()):
        told = settings.settings()
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        # What belongs to a length that follows from the data says nothing of another one.
        of_another = set() if settings.stops_by_itself else {"steps", "effort"}
        assert {field.name for field in fields(Training)} - of_another <= set(told)


def moved(network: BranchedNetwork, by: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(by)


def first_of_task(network: BranchedNetwork) -> list[float]:
    """A weight of each task's own network: its head's bias."""
    return network.heads.bias.detach().tolist()


def test_separate_networks_keep_their_own_best_epoch() -> None:
    network = SingleTask().build(backbone(), BINARY)
    best = BestWeights(network)
    history = [[0.5, 0.9, 0.5, 0.5], [0.9, 0.1, 0.5, 0.6], [0.9, 0.1, 0.4, 0.7]]
    for epoch, skills in enumerate(history, 1):
        moved(network, float(epoch))
        best.update(np.array(skills), epoch)
    assert best.epochs.tolist() == [3, 1, 1, 3]
    moved(network, 9.0)
    best.load_into_network()
    assert first_of_task(network) == [3, 1, 1, 3]
    weight = network.stages[1].get_submodule("joined").state_dict()
    for tensor in weight.values():
        assert tensor.flatten(1)[:, 0].tolist() == [3, 1, 1, 3]


def test_a_shared_network_keeps_the_best_mean() -> None:
    network = HardSharing().build(backbone(), BINARY)
    best = BestWeights(network)
    for epoch, skills in enumerate([[0.9, 0.5], [0.8, 0.8], [0.9, 0.1]], 1):
        moved(network, float(epoch))
        improved = best.update(np.array([*skills, np.nan, np.nan]), epoch)
        assert improved == (epoch != 3)
    best.load_into_network()
    assert first_of_task(network) == [2, 2, 2, 2]


def test_an_epoch_is_judged_with_the_two_before_it() -> None:
    best = BestWeights(HardSharing().build(backbone(), BINARY))
    for epoch, skill in enumerate([0.6, 0.3, 0.9, 0.9, 0.9, 0.2], 1):
        best.update(np.full(4, skill), epoch)
    assert best.epochs.tolist() == [5]
    assert best.scores.tolist() == pytest.approx([0.9])


def test_without_scores_the_last_epoch_is_the_best() -> None:
    network = HardSharing().build(backbone(), BINARY)
    best = BestWeights(network)
    for epoch in (1, 2, 3):
        moved(network, float(epoch))
        assert best.update(np.full(4, np.nan), epoch)
    best.load_into_network()
    assert first_of_task(network) == [3, 3, 3, 3]


def test_the_best_weights_survive_a_checkpoint(tmp_path: Path) -> None:
    network = SingleTask().build(backbone(), BINARY)
    best = BestWeights(network)
    best.update(np.array([0.5, np.nan, 0.2, 0.3]), 1)
    save_state(tmp_path / "state", best.weights(), {"best": best.numbers()})
    tensors, found = load_state(tmp_path / "state")
    again = BestWeights(network)
    again.load_weights(tensors)
    again.load_numbers(found["best"])
    for each in (best, again):
        each.update(np.array([0.4, 0.4, 0.6, np.nan]), 2)
    assert best.scores.tolist() == again.scores.tolist()
    assert best.epochs.tolist() == again.epochs.tolist()


def test_the_optimisers_state_goes_round() -> None:
    one, two = (
        BranchedNetwork(backbone(), SharingTree.separate(BINARY.names, 2), BINARY) for _ in range(2)
    )
    two.load_state_dict(one.state_dict())
    first, second = AdamW().build(one, 0.1, 0.5), AdamW().build(two, 0.1, 0.5)

    def step(network: BranchedNetwork, optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad()
        network.eval()(torch.ones(4, N_INPUTS)).square().sum().backward()
        optimiser.step()

    step(one, first)
    two.load_state_dict(one.state_dict())
    kept = {name: tensor.clone() for name, tensor in optimiser_tensors(first).items()}
    load_optimiser_tensors(second, kept)
    step(one, first)
    step(two, second)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "state", {"a": torch.zeros(1)}, {"version": 99})
    with pytest.raises(ModelFileError, match="is of another version of ramify"):
        load_state(tmp_path / "state")


@pytest.mark.parametrize("kept", [0, 5, 60])
def test_a_cut_off_state_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "state"
    save_state(path, {"a": torch.zeros(100)}, {})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelFileError, match="is damaged"):
        load_state(path)
