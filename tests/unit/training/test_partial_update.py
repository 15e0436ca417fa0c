"""A batch without labels of a task leaves alone all that serves only that task."""

import copy

import pytest
import torch
from tests.toy import BINARY, N_INPUTS, tensors
from torch import Tensor, nn

from ramify.data import TableBatches
from ramify.networks import BranchedNetwork
from ramify.sharing import FixedTree
from ramify.tasks import SharingTree
from ramify.training import SGD, AdamW, Trainer, Training
from ramify.training._partial_update import PartialUpdate

TREE = SharingTree(
    BINARY.names,
    ((("a", "b", "c", "d"),), (("a", "b"), ("c",), ("d",))),
)


def backbone(kind: str) -> nn.Sequential:
    if kind == "convolutional":
        return nn.Sequential(
            *(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)),
            *(nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
    second: list[nn.Module] = [nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU()]
    if kind == "looped":
        second.append(nn.Softmax(dim=1))
    return nn.Sequential(nn.Linear(N_INPUTS, 8), nn.BatchNorm1d(8), nn.ReLU(), *second)


def network_of(kind: str) -> BranchedNetwork:
    torch.manual_seed(0)
    return BranchedNetwork(backbone(kind), TREE, BINARY, n_features=8)


def step(
    network: BranchedNetwork, optimiser: torch.optim.Optimizer, labelled: tuple[bool, ...]
) -> None:
    untouched = PartialUpdate()
    untouched.watch(network, optimiser)
    untouched.save(labelled)
    outputs = network(torch.randn(9, N_INPUTS))
    wanted = torch.tensor(labelled).float()
    optimiser.zero_grad()
    ((outputs - 3).square() * wanted).sum().backward()
    optimiser.step()
    untouched.restore()


def snapshot(network: BranchedNetwork, optimiser: torch.optim.Optimizer) -> list[list[Tensor]]:
    """Per owned tensor: itself and the optimiser's state of the same shape."""
    found = []
    for tensor, _ in network.owned_weights():
        state = optimiser.state.get(tensor, {})
        parts = [tensor, *(v for v in state.values() if v.shape == tensor.shape)]
        found.append([part.detach().clone() for part in parts])
    return found


RULES = {"AdamW": AdamW(), "SGD": SGD(momentum=0.9, bias_rate=2.0)}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["stacked", "looped", "convolutional"])
@pytest.mark.parametrize(
    "labelled",
    [(True, True, False, True), (False, True, False, False), (True, False, True, True)],
)
def test_rows_without_a_label_stay_bit_for_bit_and_the_others_move(
    rule: str, kind: str, labelled: tuple[bool, ...]
) -> None:
    network = network_of(kind)
    optimiser = RULES[rule].build(network, 0.01, weight_decay=1.0)
    for _ in range(3):
        step(network, optimiser, (True,) * 4)  # momentum to be kept
    before = snapshot(network, optimiser)
    assert any(len(parts) == (3 if rule == "AdamW" else 2) for parts in before)
    step(network, optimiser, labelled)
    after = snapshot(network, optimiser)
    owned = network.owned_weights()
    for (_, owners), old, new in zip(owned, before, after, strict=True):
        for row, serves in enumerate(owners):
            some = bool((serves & torch.tensor(labelled)).any())
            for then, now in zip(old, new, strict=True):
                one, two = (then, now) if len(owners) == 1 else (then[row], now[row])
                if some:
                    continue
                assert torch.equal(one, two)
        served = (owners & torch.tensor(labelled)).any(dim=1)
        if served.any():
            assert not torch.equal(old[0], new[0])


def test_the_first_step_gives_no_momentum_to_what_it_leaves_alone() -> None:
    network = network_of("stacked")
    optimiser = SGD().build(network, 0.1, weight_decay=1.0)
    step(network, optimiser, (True, True, True, False))
    momentum = optimiser.state[network.heads.weight]["momentum_buffer"]
    assert (momentum[3] == 0).all()
    assert (momentum[:3] != 0).any()


def test_the_shared_stage_learns_from_every_batch() -> None:
    network = network_of("stacked")
    optimiser = AdamW().build(network, 0.1, weight_decay=0.0)
    before = [parameter.detach().clone() for parameter in network.stages[0].parameters()]
    step(network, optimiser, (False, False, False, True))
    moved = zip(before, network.stages[0].parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in moved)


class Snapshots(TableBatches):
    """Notes the network between steps."""

    network: BranchedNetwork
    notes: list[dict[str, Tensor]]

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
        for batch in super().__iter__():
            self.notes.append(copy.deepcopy(self.network.state_dict()))
            yield batch
        self.notes.append(copy.deepcopy(self.network.state_dict()))


class Noticed(FixedTree):
    """A fixed tree that lets the test look at the network that trains."""

    def build(self, backbone, tasks, n_features=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        network = super().build(backbone, tasks, n_features)
        ROWS[0].network = network
        return network


ROWS: list[Snapshots] = []


def test_the_trainer_leaves_a_task_untouched_over_a_whole_epoch() -> None:
    x, y, mask = tensors(BINARY, 48, labelled=1.0)
    mask[16:32, 2] = False  # the second of three batches has no label of task c
    rows = Snapshots(x, y, mask, 16, 0, shuffle=False)
    rows.notes = []
    ROWS[:] = [rows]
    trainer = Trainer(Training(epochs=1, learning_rate=0.05, weight_decay=1.0))
    trainer.fit(Noticed(TREE), backbone("stacked"), BINARY, rows)
    start, first, second, third = rows.notes
    names = [name for name in start if name.startswith(("stages.1.joined", "heads"))]
    assert any("running_mean" in name for name in names)
    for name in names:
        row = 2 if name.startswith("heads") else 1
        assert not torch.equal(start[name][row], first[name][row])
        assert torch.equal(first[name][row], second[name][row])
        assert not torch.equal(first[name][0], second[name][0])
        assert not torch.equal(second[name][row], third[name][row])


def test_a_batch_without_any_label_changes_nothing() -> None:
    x, y, mask = tensors(BINARY, 32, labelled=1.0)
    mask[16:] = False
    rows = Snapshots(x, y, mask, 16, 0, shuffle=False)
    rows.notes = []
    ROWS[:] = [rows]
    Trainer(Training(epochs=1)).fit(Noticed(TREE), backbone("stacked"), BINARY, rows)
    _, first, second = rows.notes
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_only_weight_matrices_decay() -> None:
    network = network_of("stacked")
    optimiser = AdamW().build(network, 0.1, weight_decay=1.0)
    decayed = {
        id(p) for group in optimiser.param_groups if group["weight_decay"] for p in group["params"]
    }
    names = {name for name, p in network.named_parameters() if id(p) in decayed}
    assert names == {
        "stages.0.copies.0.0.weight",
        "stages.1.joined.0.weight",
        "heads.weight",
    }
    every = [id(p) for group in optimiser.param_groups for p in group["params"]]
    assert sorted(every) == sorted(id(p) for p in network.parameters())
