"""A user's own strategy and network are told of, saved and loaded as those that are built in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import ramify
from ramify._core import InputError, ModelFileError
from ramify.data import planted_table
from ramify.networks import NETWORKS, Backbone, BranchedNetwork, stages_of
from ramify.records import RunRecord
from ramify.report import verdict
from ramify.runs import STRATEGIES, Run
from ramify.sharing import CrossStitch, HardSharing, Sharing
from ramify.tasks import SharingTree, TaskSet
from ramify.training import Training


@dataclass(frozen=True)
class MyStitch(CrossStitch):
    """Stitches that are mine."""

    own: float = 0.5


@dataclass(frozen=True)
class NamedHard(HardSharing):
    name = "my-hard"
    label = "one network of my own"

    strength: float = 2.0


def fitted(way: Sharing) -> Run:
    frame, _ = planted_table(n_groups=2, tasks_per_group=2, rows=120, features=6)
    return ramify.fit(
        frame, "g*", sharing=way, hidden=(8,), training=Training(epochs=1), baselines=()
    )


def test_it_describes_itself_by_what_it_adds() -> None:
    made = MyStitch()
    assert (made.name, made.label, made.structure) == (
        "my-stitch",
        "Stitches that are mine",
        "network",
    )
    assert made.settings()["own"] == 0.5
    assert (NamedHard.name, NamedHard.label) == ("my-hard", "one network of my own")
    assert NamedHard.structure == "tree"
    assert NamedHard().settings() == {"strength": 2.0}


def test_a_report_tells_of_it_truthfully(tmp_path: Path) -> None:
    run = fitted(MyStitch())
    run.save(tmp_path / "run")
    record = RunRecord.load(tmp_path / "run" / "record.json")
    assert record.sharing == run.record.sharing
    told = verdict(record)
    assert "The tasks share by “my-stitch” (Stitches that are mine)" in told
    assert "No two tasks share a stage" not in told
    assert "All 4 tasks share everything" in verdict(fitted(NamedHard()).record)


class Doubled(BranchedNetwork):
    """What a plain network says, twice as loud."""

    def read(self, features: torch.Tensor) -> torch.Tensor:
        return 2 * super().read(features)


class Loud(HardSharing):
    """A shared network that is louder."""

    network = Doubled

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        tree = SharingTree.shared(tasks.names, len(stages_of(backbone)))
        return Doubled(backbone, tree, tasks, n_features=n_features)


def test_a_network_of_ones_own_is_loaded_again_once_it_is_registered(tmp_path: Path) -> None:
    frame, _ = planted_table(n_groups=2, tasks_per_group=2, rows=20, features=6, seed=3)
    run = fitted(Loud())
    run.save(tmp_path)
    assert Doubled.kind == "Doubled"  # not taken for what it derives from
    with pytest.raises(ModelFileError, match="Got 'Doubled'; if it is your own, call"):
        ramify.load(tmp_path)
    try:
        ramify.register(Loud)
        again = ramify.load(tmp_path)
        assert isinstance(again.model.network, Doubled)
        assert again.predict(frame).equals(run.predict(frame))
    finally:
        NETWORKS._classes.pop("Doubled", None)
        STRATEGIES._classes.pop("loud", None)


@pytest.mark.parametrize("added", [int, "soft", CrossStitch()])
def test_nothing_else_can_be_registered(added: object) -> None:
    with pytest.raises(InputError, match="`added` must be a class that derives from Strategy or"):
        ramify.register(added)  # type: ignore[arg-type]


@pytest.fixture
def registered() -> Iterator[type[MyStitch]]:
    STRATEGIES.add(MyStitch)
    yield MyStitch
    del STRATEGIES._classes["my-stitch"]


def test_it_can_be_registered_once_by_its_name(registered: type[MyStitch]) -> None:
    assert STRATEGIES["my-stitch"] is registered
    STRATEGIES.add(registered)  # a module may be run again
    other = type("MyStitch", (HardSharing,), {"name": "my-stitch", "__module__": "elsewhere"})
    with pytest.raises(InputError, match="is called 'my-stitch' already"):
        STRATEGIES.add(other)
