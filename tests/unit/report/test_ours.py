"""A run without a tree is not told of as one."""

import pytest
from tests.unit.report._records import record

from ramify.records import RunRecord, SharingInfo
from ramify.report import render
from ramify.report._verdict import verdict

NAMES = ["a", "b"]


def of(sharing: str, stages: list[list[list[str]]]) -> RunRecord:
    made = record(NAMES, stages, against_shared=0.02)
    return made.model_copy(update={"sharing": SharingInfo(name=sharing, settings={})})


@pytest.mark.parametrize(
    ("sharing", "word"), [("linear:clustered", "linear model"), ("cross-stitch", "network")]
)
def test_it_is_called_what_it_is(sharing: str, word: str) -> None:
    made = of(sharing, [[["a"], ["b"]]])
    assert f"The {word} beats one shared network" in verdict(made)
    assert "the tree" not in verdict(made).lower()
    assert f'<th scope="row">the {word}</th>' in render(made)


def test_linear_models_share_no_layer() -> None:
    assert "linear weights of its own" in verdict(of("linear:clustered", [[NAMES]]))
    assert "found 2 groups" in verdict(of("linear:clustered", [[["a"], ["b"]]]))


def test_a_tree_stays_a_tree() -> None:
    assert "The tree beats one shared network" in verdict(of("fully-adaptive", [[["a"], ["b"]]]))


@pytest.mark.parametrize(
    ("sharing", "stages", "not_said"),
    [
        ("cross-stitch", [[["a"], ["b"]]], "itself one network per task"),
        ("mmoe", [[NAMES]], "itself one shared network"),
    ],
)
def test_what_shares_without_a_tree_is_no_second_training_of_a_baseline(
    sharing: str, stages: list[list[list[str]]], not_said: str
) -> None:
    assert not_said in verdict(of("fully-adaptive", stages))
    said = verdict(of(sharing, stages))
    assert not_said not in said
    assert "The network beats one shared network" in said
    assert "Sharing helped" in said
