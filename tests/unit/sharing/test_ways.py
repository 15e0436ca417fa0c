"""What single ways of sharing promise beside the contracts of all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.toy import BINARY, backbone, batches, held_out
from torch import nn

from ramify._core import InputError
from ramify.networks import BranchedNetwork, StitchedNetwork
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
    way = CrossStitch(alone=1)
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
    way = Factorised(error=0.05, alone=2)
    network = Trainer(SETTINGS).fit(way, backbone(), BINARY, batches(BINARY)).network
    ranks = network.settings()["ranks"]
    assert isinstance(ranks, list)
    assert all(1 <= rank <= 4 for rank in ranks)
    assert max(ranks) > 1


def test_related_tasks_are_seen_as_related() -> None:
    """Tasks a and b have one signal, c and d another."""
    way = Relationship(1e-3, interval=5)
    settings = Training(epochs=25, learning_rate=0.02, weight_decay=0.01)
    Trainer(settings).fit(way, backbone(0.0), BINARY, batches(BINARY, 600, labelled=1.0))
    found = way.affinities()["task-covariance"]
    assert np.allclose(np.diag(found), 1)
    within = min(found[0, 1], found[2, 3])
    assert within > np.abs(found[:2, 2:]).max()


def test_overlap_of_subspaces_falls_with_its_strength() -> None:
    def overlap(strength: float) -> float:
        way = Sluice(overlap=strength)
        network = Trainer(SETTINGS).fit(way, backbone(), BINARY, batches(BINARY)).network
        value = Sluice(overlap=1.0).penalty(network)
        assert value is not None
        return float(value.detach())

    assert overlap(10.0) < 0.5 * overlap(0.0)


def test_a_tree_is_read_from_its_file(tmp_path: Path) -> None:
    tree = SharingTree.separate("ab", 2)
    (tmp_path / "tree.json").write_text(tree.to_json(), encoding="utf-8")
    assert read_tree(tmp_path / "tree.json") == tree
    with pytest.raises(InputError, match="cannot read a tree from"):
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
    "relationship": (lambda: Relationship(interval=0), "`interval` 1 or more"),
    "own": (
        lambda: Relationship(own_stages=3).build(backbone(), BINARY),
        "at most the number of stages, 2. Got 3",
    ),
    "alone": (lambda: CrossStitch(alone=-1), "`alone` must be 0 or more epochs. Got -1"),
    "subspaces": (
        lambda: Sluice(n_subspaces=3).build(backbone(), BINARY),
        "`n_subspaces` must divide the width of every layer. Got 3 for a width of 8",
    ),
    "rank": (lambda: Factorised(alone=0), "`rank` must be given with `alone=0`"),
    "error": (lambda: Factorised(error=1.0), "`error` must be in"),
    "experts": (lambda: MMoE(n_experts=0), "there is no expert"),
    "shared": (lambda: CGC(n_shared=-1), "`n_shared` must be 0 or more. Got -1"),
    "hidden": (lambda: MTAN(hidden=0), "`hidden` must be 1 or more. Got 0"),
    "twice": (lambda: LowLevel((("a", 0), ("a", 1))), "name each task once"),
    "nobody": (lambda: LowLevel((("x", 0),)).build(backbone(), BINARY), "unknown ones: 'x'"),
    "low": (lambda: LowLevel((("a", 9),)).build(backbone(), BINARY), "from 0 to 1. Got 9"),
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
