"""What every way of sharing keeps to."""

import inspect
import json
from pathlib import Path

import pytest
import torch
from tests.toy import BINARY, MIXED, N_INPUTS, backbone, batches, held_out, tensors
from torch import nn
from torch.testing import assert_close

from ramify import sharing
from ramify._core import StoppedError
from ramify.data import TableBatches
from ramify.networks import StackedHeads, TaskNetwork, network_from
from ramify.sharing import Coupling, FullyAdaptive, Sharing
from ramify.tasks import Binary, Task, TaskSet
from ramify.training import SGD, AdamW, EpochEnded, Fitted, StepDecay, Trainer, Training

from ._cases import SHARINGS
from ._resuming import assert_same, fitted_in_parts, stop_after

BUILDERS = {name: build for cases in SHARINGS.values() for name, build in cases.items()}
every_sharing = pytest.mark.parametrize("name", BUILDERS)
SETTINGS = Training(epochs=2, learning_rate=0.01, weight_decay=0.1)


def trained(
    name: str,
    tasks: TaskSet,
    *,
    checkpoint: Path | None = None,
    train: TableBatches | None = None,
    seed: int = 0,
) -> Fitted:
    trainer = Trainer(SETTINGS, seed=seed, checkpoint=checkpoint, checkpoint_seconds=0)
    rows = batches(tasks) if train is None else train
    return trainer.fit(BUILDERS[name](tasks), backbone(), tasks, rows, held_out(tasks))


def test_every_exported_way_of_sharing_has_a_case() -> None:
    exported = [getattr(sharing, name) for name in sharing.__all__]
    classes = [each for each in exported if inspect.isclass(each)]
    concrete = {
        each for each in classes if issubclass(each, Sharing) and not inspect.isabstract(each)
    }
    assert concrete == set(SHARINGS)


def test_every_name_of_the_room_resolves() -> None:
    assert all(hasattr(sharing, name) for name in sharing.__all__)


@every_sharing
def test_trains_every_kind_with_partial_labels(name: str) -> None:
    fitted = trained(name, MIXED)
    assert fitted.tree.tasks == MIXED.names
    assert not fitted.network.training
    assert all(tensor.isfinite().all() for tensor in fitted.network.state_dict().values())
    assert fitted.network(torch.zeros(3, N_INPUTS)).shape == (3, MIXED.n_columns)
    assert {point.phase for point in fitted.curve}


@every_sharing
def test_one_task_is_one_network(name: str) -> None:
    tasks = TaskSet([Task("only", Binary())])
    fitted = trained(name, tasks)
    assert set(fitted.tree.widths) == {1}
    assert [point.widths for point in fitted.curve] == [[*fitted.tree.widths]] * len(fitted.curve)


@every_sharing
def test_a_task_without_any_label_harms_nobody(name: str) -> None:
    x, y, mask = tensors(MIXED)
    mask[:, 2] = False
    fitted = trained(name, MIXED, train=TableBatches(x, y * mask, mask, 16, seed=1))
    assert all(tensor.isfinite().all() for tensor in fitted.network.state_dict().values())
    assert all(point.loss == point.loss for point in fitted.curve)  # not NaN


@every_sharing
def test_is_deterministic(name: str) -> None:
    assert_same(trained(name, BINARY), trained(name, BINARY))


@every_sharing
def test_the_global_random_numbers_are_left_as_they_were(name: str) -> None:
    torch.manual_seed(123)
    before = torch.get_rng_state()
    first = trained(name, BINARY)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(456)
    assert_same(first, trained(name, BINARY))


@every_sharing
def test_settings_are_json(name: str) -> None:
    way = BUILDERS[name](BINARY)
    assert way.name
    assert json.loads(json.dumps(way.settings(), allow_nan=False)) == way.settings()


@every_sharing
def test_building_leaves_the_backbone_alone(name: str) -> None:
    given = backbone()
    before = [parameter.clone() for parameter in given.parameters()]
    network = BUILDERS[name](BINARY).build(given, BINARY)
    assert isinstance(network, TaskNetwork)
    assert network.tasks == BINARY
    for parameter in network.parameters():
        parameter.data += 1
    for old, new in zip(before, given.parameters(), strict=True):
        assert torch.equal(old, new)


@every_sharing
@pytest.mark.parametrize("steps", [1, 4, 6, 7])
def test_resumed_equals_uninterrupted_bit_for_bit(
    name: str, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after every so many steps until it is through; an epoch has 6."""
    whole = trained(name, BINARY)
    parts = fitted_in_parts(lambda: trained(name, BINARY, checkpoint=tmp_path), steps, monkeypatch)
    assert_same(whole, parts)


@pytest.mark.parametrize("name", ["hard", "single-task", "adaptive", "selective", "factorised"])
@pytest.mark.parametrize("steps", [13, 54])
def test_a_training_that_stops_by_itself_resumes_to_the_same_bits(
    name: str, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is scored after every 9 epochs of 6 steps, and keeps averaged weights."""

    def fit(folder: Path | None) -> Fitted:
        settings = Training(steps=150, learning_rate=0.01)
        trainer = Trainer(settings, checkpoint=folder, checkpoint_seconds=0)
        way = BUILDERS[name](BINARY)
        return trainer.fit(way, backbone(), BINARY, batches(BINARY), held_out(BINARY))

    assert_same(fit(None), fitted_in_parts(lambda: fit(tmp_path), steps, monkeypatch))


def images() -> nn.Sequential:
    """A small convolutional backbone, on the toy's six inputs as an image of 2 × 3."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Unflatten(1, (1, 2, 3)), nn.ZeroPad2d(1), nn.Conv2d(1, 4, 3, padding=1)),
            *(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)),
            *(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )


@pytest.mark.parametrize("restart_statistics", [False, True])
@pytest.mark.parametrize("steps", [1, 4, 5, 6])
def test_a_convolutional_network_resumes_around_its_widening_bit_for_bit(
    restart_statistics: bool, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first widening is after step 5; stopped before it, at it, after it, and at each step."""
    settings = Training(
        iterations=11, learning_rate=0.01, weight_decay=0.1, optimiser=SGD(), schedule=StepDecay(4)
    )

    def fit(folder: Path | None) -> Fitted:
        sharing = FullyAdaptive(
            alpha=20.0, interval=5, cost_by_size=False, restart_statistics=restart_statistics
        )
        trainer = Trainer(settings, checkpoint=folder, checkpoint_seconds=0)
        return trainer.fit(sharing, images(), BINARY, batches(BINARY), held_out(BINARY))

    whole = fit(None)
    assert whole.tree.widths[-1] > 1
    assert_same(whole, fitted_in_parts(lambda: fit(tmp_path), steps, monkeypatch))


@pytest.mark.parametrize("name", ["hard", "single-task"])
def test_resuming_remembers_the_best_epoch(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the best epoch, which is not the last one."""
    settings = Training(epochs=6, learning_rate=0.01, weight_decay=0.0)
    x, y, mask = tensors(BINARY, 64, seed=9)
    against = TableBatches(x, 1 - y, mask, 64, seed=1, shuffle=False)  # learning makes it worse

    def fit(folder: Path | None) -> Fitted:
        trainer = Trainer(settings, checkpoint=folder)
        return trainer.fit(BUILDERS[name](BINARY), backbone(), BINARY, batches(BINARY), against)

    whole = fit(None)
    scores = [point.validation_score or 0.0 for point in whole.curve]
    assert scores[0] == max(scores)
    assert scores[-1] < 0.8 * scores[0]
    stop_after(20, monkeypatch)
    with pytest.raises(StoppedError):
        fit(tmp_path)
    assert_same(whole, fit(tmp_path))


@every_sharing
def test_a_finished_training_is_not_done_again(name: str, tmp_path: Path) -> None:
    whole = trained(name, BINARY, checkpoint=tmp_path)
    seen: list[EpochEnded] = []
    again = Trainer(SETTINGS, checkpoint=tmp_path, watch=seen.append)
    fitted = again.fit(
        BUILDERS[name](BINARY), backbone(), BINARY, batches(BINARY), held_out(BINARY)
    )
    assert not seen
    assert_same(whole, fitted)


ORDER = [2, 0, 3, 1]


def stepped(way: Sharing, tasks: TaskSet, targets: torch.Tensor) -> torch.Tensor:
    """Outputs after three steps of plain gradient descent, from alike heads."""
    torch.manual_seed(0)
    network = way.build(backbone(0.0), tasks).double()
    with torch.no_grad():
        for heads in (m for m in network.modules() if isinstance(m, StackedHeads)):
            heads.weight.copy_(torch.linspace(-1, 1, heads.weight.shape[1]).expand_as(heads.weight))
            heads.bias.zero_()
    x = torch.randn(5, N_INPUTS, dtype=torch.float64)
    for _ in range(3):
        loss = (network(x) - targets).square().sum()
        penalty = (
            way.penalty(network, 40.0, torch.tensor(0.5)) if isinstance(way, Coupling) else None
        )
        parameters = [p for p in network.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(loss if penalty is None else loss + penalty, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(0.05 * gradient)
        if isinstance(way, Coupling):
            way.after_step(network, 0.05, 40.0)
    outputs: torch.Tensor = network(x)
    return outputs.detach()


# A given tree is over tasks in one order, and factors that start with noise give it to places.
UNORDERED = [name for name in BUILDERS if not name.startswith(("tree", "factorised, tt"))]


@pytest.mark.parametrize("name", UNORDERED)
def test_the_order_of_the_tasks_does_not_matter(name: str) -> None:
    targets = torch.rand(5, 4, dtype=torch.float64)
    other = TaskSet([BINARY[i] for i in ORDER])
    one = stepped(BUILDERS[name](BINARY), BINARY, targets)
    two = stepped(BUILDERS[name](BINARY), other, targets[:, ORDER])
    assert_close(two, one[:, ORDER])
    assert len({tuple(column.tolist()) for column in one.T}) == 4  # they did learn


@every_sharing
def test_a_network_is_built_again_from_what_it_says_of_itself(name: str) -> None:
    fitted = trained(name, MIXED)
    network = fitted.network
    settings = json.loads(json.dumps(dict(network.settings()), allow_nan=False))
    again = network_from(network.kind, settings, backbone(), network.tree, MIXED)
    again.load_state_dict(network.state_dict())
    x = torch.randn(5, N_INPUTS)
    assert torch.equal(again.eval()(x), network(x))
    assert network.settings() == again.settings()


@every_sharing
def test_every_parameter_has_one_place_in_the_optimiser(name: str) -> None:
    network = BUILDERS[name](BINARY).build(backbone(), BINARY)
    optimiser = AdamW().build(network, 0.1, 1.0)
    places = [id(p) for group in optimiser.param_groups for p in group["params"]]
    assert sorted(places) == sorted(id(p) for p in network.parameters())


@every_sharing
def test_the_tasks_of_a_batch_leave_alone_what_serves_only_others(name: str) -> None:
    """What is owned has no gradient of anybody else."""
    torch.manual_seed(0)
    network = BUILDERS[name](BINARY).build(backbone(0.0), BINARY)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x = torch.randn(5, N_INPUTS)
    for task in range(4):
        network.zero_grad()
        network(x)[:, task].square().sum().backward()
        for tensor, owners in network.owned_weights():
            if tensor.grad is not None:
                whole = tensor.grad if len(owners) > 1 else tensor.grad.unsqueeze(0)
                assert not whole[~owners[:, task]].any()


def test_one_task_trains_alike_in_every_way_bit_for_bit() -> None:
    tasks = TaskSet([Task("only", Binary())])
    hard = trained("hard", tasks)
    for name in ("single-task", "tree", "adaptive", "adaptive, alpha"):
        assert_same(hard, trained(name, tasks))
