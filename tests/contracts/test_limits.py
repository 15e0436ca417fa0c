"""Ways of sharing that must coincide, on tables and on images."""

from collections.abc import Callable
from math import inf

import numpy as np
import pytest
import torch
from tests.toy import BINARY, MIXED, backbone, batches, held_out
from torch import Tensor, nn
from torch.testing import assert_close

from ramify.data import TableBatches
from ramify.networks import AttentionNetwork, network_from
from ramify.sharing import (
    CGC,
    MTAN,
    PLE,
    Anchored,
    CrossStitch,
    Factorised,
    HardSharing,
    LowLevel,
    MMoE,
    Relationship,
    SelectiveSharing,
    Sharing,
    SingleTask,
    Sluice,
    Soft,
    TraceNorm,
)
from ramify.tasks import TaskSet
from ramify.training import Fitted, Trainer, Training

SETTINGS = Training(epochs=2, learning_rate=0.01, weight_decay=0.1)

UNCOUPLED: dict[str, Sharing] = {
    "soft": Soft(alpha=0.0),
    "anchored": Anchored(0.0),
    "trace norm": TraceNorm(alpha=0.0),
    "cross-stitch": CrossStitch(self_weight=1.0, rate=0.0),
    "sluice": Sluice(self_weight=1.0, rate=0.0, mixes_stages=False, overlap=0.0),
    "cgc": CGC(n_shared=0, n_own=1),
    "ple": PLE(n_shared=0, n_own=1),
    "low-level": LowLevel(separate=True),
}
COUPLED: dict[str, Sharing] = {
    "relationship": Relationship(own_stages=0, alpha=0.0),
    "low-level": LowLevel(),
}


def conv() -> nn.Sequential:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            *(nn.Linear(4, 4), nn.ReLU()),
        )


def images(tasks: TaskSet, seed: int = 0) -> TableBatches:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((48, 2, 6, 6))
    y = (x.mean((2, 3)) @ rng.standard_normal((2, len(tasks))) > 0).astype(np.float64)
    mask = rng.random(y.shape) < 0.7
    inputs, targets = (torch.from_numpy(a).float() for a in (x, y * mask))
    return TableBatches(inputs, targets, torch.from_numpy(mask), 16, seed=1)


def fitted(way: Sharing, data: str, tasks: TaskSet = BINARY) -> Fitted:
    if data == "images":
        return Trainer(SETTINGS).fit(way, conv(), tasks, images(tasks), images(tasks, 5))
    return Trainer(SETTINGS).fit(way, backbone(), tasks, batches(tasks), held_out(tasks))


def outputs(result: Fitted, data: str) -> Tensor:
    x = torch.randn(9, 2, 6, 6) if data == "images" else torch.randn(9, 6)
    torch.manual_seed(3)
    y: Tensor = result.network(x)
    return y


def same(one: Sharing, two: Sharing, data: str, tasks: TaskSet = BINARY) -> None:
    first, second = fitted(one, data, tasks), fitted(two, data, tasks)
    torch.manual_seed(3)
    mine = outputs(first, data)
    torch.manual_seed(3)
    assert torch.equal(mine, outputs(second, data))
    assert [p.loss for p in first.curve] == [p.loss for p in second.curve]
    assert [p.validation_score for p in first.curve] == [p.validation_score for p in second.curve]


every_data = pytest.mark.parametrize("data", ["table", "images"])


@every_data
@pytest.mark.parametrize("way", UNCOUPLED.values(), ids=UNCOUPLED)
def test_without_coupling_it_is_one_network_per_task_bit_for_bit(way: Sharing, data: str) -> None:
    same(way, SingleTask(), data)


@every_data
@pytest.mark.parametrize("way", COUPLED.values(), ids=COUPLED)
def test_with_full_coupling_it_is_hard_sharing_bit_for_bit(way: Sharing, data: str) -> None:
    same(way, HardSharing(), data)


@every_data
@pytest.mark.parametrize("n_trunk", [0, 1])
def test_a_single_expert_is_hard_sharing(n_trunk: int, data: str) -> None:
    """But for the order in which gradients of the tasks are added."""
    one = fitted(MMoE(n_experts=1, trunk_stages=n_trunk), data)
    two = fitted(HardSharing(), data)
    torch.manual_seed(3)
    mine = outputs(one, data)
    torch.manual_seed(3)
    assert_close(mine, outputs(two, data), rtol=1e-3, atol=1e-4)


@every_data
def test_a_prior_without_strength_leaves_networks_separate_bit_for_bit(data: str) -> None:
    same(Relationship(0.0, own_stages=3 if data == "images" else 2), SingleTask(), data)


def test_without_coupling_mixed_kinds_are_separate_too() -> None:
    same(CrossStitch(self_weight=1.0, rate=0.0), SingleTask(), "table", MIXED)


def test_pulled_without_end_the_networks_stay_equal() -> None:
    network = fitted(Soft(alpha=inf), "table").network
    own = [p for name, p in network.named_parameters() if "heads" not in name]
    for parameter in own:
        assert_close(parameter, parameter[:1].expand_as(parameter), rtol=0, atol=1e-6)
    start = list(backbone().parameters())
    assert any(not torch.equal(p[0], s) for p, s in zip(own, start, strict=True))


def test_anchored_without_end_the_networks_stay_where_they_start() -> None:
    network = fitted(Anchored(inf), "table").network
    own = [p for name, p in network.named_parameters() if "heads" not in name]
    for parameter, start in zip(own, backbone().parameters(), strict=True):
        assert torch.equal(parameter, start.expand_as(parameter))


def test_pulled_more_the_networks_are_nearer() -> None:
    spreads = []
    for alpha in (0.0, 700.0, 7000.0):
        parameters = fitted(Soft(alpha=alpha), "table").network.state_dict()
        spreads.append(sum(float(p.std(0).sum()) for n, p in parameters.items() if "stages" in n))
    assert spreads[0] > spreads[1] > spreads[2]


@pytest.mark.parametrize("form", ["last-axis", "tucker", "tt"])
def test_the_trace_norm_leaves_few_directions(form: str) -> None:
    def rank(alpha: float) -> int:
        network = fitted(TraceNorm(alpha=alpha, form=form), "table").network
        weights = [p for n, p in network.named_parameters() if p.ndim == 3]
        return max(int(torch.linalg.matrix_rank(w.flatten(1), rtol=1e-4)) for w in weights)

    assert rank(0.0) == 4
    assert rank(70.0) < 4


def test_heads_at_different_stages_are_those_of_the_plan() -> None:
    way = LowLevel((("a", 0), ("b", -2)))
    network = way.build(backbone(), BINARY)
    assert network.settings() == {"attached": [0, 0, 1, 1]}


def test_in_turns_every_step_belongs_to_one_task_and_all_get_theirs() -> None:
    way = LowLevel(in_turns=True)
    turns = [way.turn(step, 4) for step in range(100)]
    assert turns == [way.turn(step, 4) for step in range(100)]
    assert {tuple(turn or ()) for turn in turns} == {(0,), (1,), (2,), (3,)}
    assert LowLevel().turn(0, 4) is None


EVERY: dict[str, Callable[[], Sharing]] = {
    "selective": lambda: SelectiveSharing(estimator_width=4, estimator_layers=2, interval=2),
    "soft": Soft,
    "anchored": Anchored,
    "trace-norm": TraceNorm,
    "tt": lambda: TraceNorm(form="tt"),
    "relationship": lambda: Relationship(interval=2, own_stages=2),
    "cross-stitch": lambda: CrossStitch(per_channel=True, pretrain_epochs=1),
    "sluice": Sluice,
    "laf": lambda: Factorised(pretrain_epochs=1),
    "tucker": lambda: Factorised("tucker", pretrain_epochs=1),
    "train": lambda: Factorised("tt", pretrain_epochs=0, rank=2),
    "mmoe": lambda: MMoE(trunk_stages=1),
    "cgc": CGC,
    "ple": lambda: PLE(trunk_stages=1),
    "mtan": MTAN,
    "low-level": lambda: LowLevel((("a", 0), ("c", 1))),
}


@pytest.mark.parametrize("name", EVERY)
def test_images_are_learned_and_the_network_built_again(name: str) -> None:
    network = fitted(EVERY[name](), "images").network
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    again = network_from(network.kind, network.settings(), conv(), network.tree, BINARY)
    again.load_state_dict(network.state_dict())
    x = torch.randn(3, 2, 6, 6)
    assert torch.equal(again.eval()(x), network(x))


def test_attention_starts_as_hard_sharing() -> None:
    torch.manual_seed(1)
    shared = HardSharing().build(backbone(), BINARY)
    torch.manual_seed(1)
    network = MTAN().build(backbone(), BINARY)
    assert isinstance(network, AttentionNetwork)
    x = torch.randn(5, 6)
    assert_close(network.eval()(x), shared.eval()(x))
