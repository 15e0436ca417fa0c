"""What single ways of sharing promise beside the contracts of all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.toy import BINARY, backbone, batches, held_out
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import BranchedNetwork, StitchedNetwork, TaskNetwork
from ramify.sharing import (
    CGC,
    MTAN,
    Anchored,
    CrossStitch,
    Factorised,
    LowLevel,
    MMoE,
    Relationship,
    Sluice,
    Soft,
    TraceNorm,
    read_tree,
)
from ramify.tasks import SharingTree
from ramify.training import AdamW, Trainer, Training

SETTINGS = Training(epochs=3, learning_rate=0.01, weight_decay=0.1)


def test_stitch_weights_learn_at_their_own_rate_without_decay() -> None:
    network = CrossStitch(rate=25.0).build(backbone(), BINARY)
    assert isinstance(network, StitchedNetwork)
    groups = AdamW().build(network, 0.1, 3.0).param_groups
    own = {id(p) for p in network.units.parameters()}
    (group,) = [g for g in groups if own & {id(p) for p in g["params"]}]
    assert {id(p) for p in group["params"]} == own
    assert (group["rate"], group["weight_decay"]) == (25.0, 0.0)


def test_stitched_networks_start_from_those_trained_alone() -> None:
    way = CrossStitch(pretrain_epochs=1)
    alone = way.build(backbone(), BINARY)
    assert isinstance(alone, BranchedNetwork)
    alone.heads.weight.data += 1
    stitched = way.converted(alone)
    assert torch.equal(stitched.heads.weight, alone.heads.weight)
    phases = [
        point.phase
        for point in Trainer(SETTINGS)
        .fit(way, backbone(), BINARY, batches(BINARY), held_out(BINARY))
        .curve
    ]
    assert phases == ["growing", "training", "training", "training"]


def test_ranks_come_from_the_trained_networks() -> None:
    way = Factorised(error=0.05, pretrain_epochs=2)
    network = Trainer(SETTINGS).fit(way, backbone(), BINARY, batches(BINARY)).network
    ranks = network.settings()["ranks"]
    assert isinstance(ranks, list)
    assert all(1 <= int(rank) <= 4 for rank in ranks)
    assert max(map(int, ranks)) > 1


def test_related_tasks_are_seen_as_related() -> None:
    """Tasks a and b have one signal, c and d another."""
    way = Relationship(interval=5)
    settings = Training(epochs=25, learning_rate=0.02, weight_decay=0.01)
    Trainer(settings).fit(way, backbone(0.0), BINARY, batches(BINARY, 600, labelled=1.0))
    found = way.affinities()["task-covariance"].matrix
    assert np.allclose(np.diag(found), 1)
    within = min(found[0, 1], found[2, 3])
    assert within > np.abs(found[:2, 2:]).max()


def spread(way: Soft | TraceNorm, n_labels: float) -> float:
    """Of the tasks' weights after one pull on networks that had gone apart."""
    network = way.build(backbone(), BINARY)
    stacked = [p for name, p in network.named_parameters() if "stages" in name and p.ndim == 3]
    torch.manual_seed(0)
    for parameter in stacked:
        parameter.data += torch.randn_like(parameter)
    way.after_step(network, 0.01, n_labels)
    return sum(float(parameter.detach().std(0).sum()) for parameter in stacked)


@pytest.mark.parametrize("kind", [Soft, TraceNorm])
def test_a_pull_counts_less_the_more_labels_speak(kind: type[Soft] | type[TraceNorm]) -> None:
    assert spread(kind(alpha=200.0), 50) < 0.99 * spread(kind(alpha=200.0), 5000)
    assert_close(spread(kind(alpha=20.0), 50), spread(kind(alpha=200.0), 500))


@pytest.mark.parametrize("kind", ["soft", "anchored", "trace-norm"])
def test_a_proximal_step_is_as_long_as_the_learning_rate_says(kind: str) -> None:
    """Half the rate with twice the strength is the same step, and half the rate alone a shorter one."""

    def after(rate: float, alpha: float) -> Tensor:
        way = {"soft": Soft, "trace-norm": TraceNorm}.get(kind)
        coupling = Anchored(alpha=alpha) if way is None else way(alpha=alpha)
        torch.manual_seed(0)
        network = coupling.build(backbone(), BINARY)
        stacked = [p for name, p in network.named_parameters() if "stages" in name and p.ndim == 3]
        before = []
        for parameter in stacked:
            parameter.data += torch.randn_like(parameter)
            before.append(parameter.detach().clone())
        coupling.after_step(network, rate, 100.0)
        moved = [p.detach() - b for p, b in zip(stacked, before, strict=True)]
        return torch.cat([each.flatten() for each in moved])

    assert_close(after(0.01, 200.0), after(0.02, 100.0))
    assert after(0.01, 100.0).norm() < 0.9 * after(0.02, 100.0).norm()


def test_a_prior_counts_less_the_more_labels_speak_and_the_better_the_fit() -> None:
    way = Relationship()
    network = way.build(backbone(), BINARY)

    def strength(n_labels: float, loss: float) -> float:
        value = way.penalty(network, n_labels, torch.tensor(loss))
        assert value is not None
        return float(value.detach())

    assert strength(50, 0.5) == pytest.approx(10 * strength(500, 0.5))
    assert strength(50, 0.5) == pytest.approx(5 * strength(50, 0.1))


def test_a_strong_prior_does_not_shrink_weights_away() -> None:
    """Its scale is that of the start, whatever the weights become."""
    way = Relationship(30.0, interval=1)
    settings = Training(epochs=20, learning_rate=0.02, weight_decay=0.0)
    rows = batches(BINARY, 200, labelled=1.0)

    def size(network: TaskNetwork) -> float:
        assert isinstance(network, BranchedNetwork)
        return float(network.heads.weight.detach().square().mean())

    network = Trainer(settings).fit(way, backbone(0.0), BINARY, rows).network
    assert size(network) > 0.1 * size(way.build(backbone(), BINARY))


def test_overlap_of_subspaces_falls_with_its_strength() -> None:
    def overlap(strength: float) -> float:
        way = Sluice(overlap=strength)
        network = Trainer(SETTINGS).fit(way, backbone(), BINARY, batches(BINARY)).network
        value = Sluice(overlap=1.0).penalty(network, 60.0, torch.tensor(1.0))
        assert value is not None
        return float(value.detach())

    assert overlap(10.0) < 0.5 * overlap(0.0)


def test_a_tree_is_read_from_its_file(tmp_path: Path) -> None:
    tree = SharingTree.separate("ab", 2)
    (tmp_path / "tree.json").write_text(tree.to_json(), encoding="utf-8")
    assert read_tree(tmp_path / "tree.json") == tree
    with pytest.raises(InputError, match=r"`tree` '.* cannot be read: No such file"):
        read_tree(tmp_path / "none.json")


HOSTILE: dict[str, tuple[Callable[[], object], str]] = {
    "soft": (lambda: Soft(alpha=-1.0), "`alpha` must be 0 or more. Got -1.0"),
    "edges": (lambda: Soft(edges=(("a", "a", 1.0),)), "two different tasks"),
    "unknown": (
        lambda: Soft(edges=(("a", "x", 1.0),)).build(backbone(), BINARY),
        "Got unknown ones: 'x'",
    ),
    "stage": (lambda: Soft(stages=(5,)).build(backbone(), BINARY), "from 0 to 1. Got 5"),
    "anchor": (lambda: Anchored(float("nan")), "`alpha` must be 0 or more. Got nan"),
    "trace": (lambda: TraceNorm(alpha=float("inf")), "`alpha` must be finite"),
    "form": (lambda: TraceNorm(form="cp"), "`form` must be one of"),
    "relationship": (
        lambda: Relationship(interval=0),
        "`interval` must be a whole number of at least 1",
    ),
    "own": (
        lambda: Relationship(own_stages=3).build(backbone(), BINARY),
        "at most the number of stages, 2. Got 3",
    ),
    "pretrain_epochs": (
        lambda: CrossStitch(pretrain_epochs=-1),
        "`pretrain_epochs` must be 0 or more epochs. Got -1",
    ),
    "subspaces": (
        lambda: Sluice(n_subspaces=3).build(backbone(), BINARY),
        "`n_subspaces` must divide the width of every layer. Got 3 for a width of 8",
    ),
    "rank": (
        lambda: Factorised(pretrain_epochs=0),
        "`rank` must be given with `pretrain_epochs=0`",
    ),
    "error": (lambda: Factorised(error=1.0), "`error` must be in"),
    "experts": (lambda: MMoE(n_experts=0), "there is no expert"),
    "shared": (lambda: CGC(n_shared=-1), "`n_shared` must be 0 or more. Got -1"),
    "hidden": (lambda: MTAN(hidden=0), "`hidden` must be 1 or more. Got 0"),
    "twice": (lambda: LowLevel((("a", 0), ("a", 1))), "name each task once"),
    "nobody": (lambda: LowLevel((("x", 0),)).build(backbone(), BINARY), "unknown ones: 'x'"),
    "low": (
        lambda: LowLevel((("a", 9),)).build(backbone(), BINARY),
        "from 0 to 1, or counted back from -1 to -2. Got 9",
    ),
    "loose": (
        lambda: Soft().build([nn.Linear(6, 4), nn.Softmax(dim=1)], BINARY, 4),
        "only have layers with a stacked form",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_settings_are_named(name: str) -> None:
    build, message = HOSTILE[name]
    with pytest.raises(InputError) as error:
        build()
    assert message in str(error.value)
    assert "\n" not in str(error.value)
