"""A run is told of by its structure, whatever its way of sharing is called."""

from typing import get_args

import pytest
from tests.unit.report._records import record

from ramify.records import RunRecord, SharingInfo, Structure
from ramify.report import render
from ramify.report.words._verdict import verdict

NAMES = ["a", "b"]
APART = [[["a"], ["b"]]]
WORDS = {
    "tree": "the tree",
    "network": "the network",
    "linear": "the linear model",
    "forest": "the forests",
    "other": "the model",
}


def of(structure: Structure, stages: list[list[list[str]]], *, shares: bool = True) -> RunRecord:
    made = record(NAMES, stages, against_shared=0.02)
    sharing = SharingInfo(
        name="mine", label="as I like it", structure=structure, shares=shares, settings={}
    )
    return made.model_copy(update={"sharing": sharing})


@pytest.mark.parametrize("structure", get_args(Structure))
def test_it_is_called_what_it_is(structure: Structure) -> None:
    made, word = of(structure, APART), WORDS[structure]
    verb = "beat" if structure == "forest" else "beats"
    assert f"{word} {verb} one shared network".lower() in verdict(made).lower()
    others = [each for each in ("the tree", "the linear model", "the forests") if each != word]
    assert not any(each in verdict(made).lower() for each in others)
    assert f'<th scope="row">{word}</th>' in render(made)
    assert "as I like it" in render(made)


def test_what_no_tree_shows_is_told_by_its_label() -> None:
    assert "The tasks share by “mine” (as I like it), which no tree" in verdict(
        of("network", APART)
    )


def test_a_model_of_another_kind_is_told_by_its_label() -> None:
    assert "The tasks share by “mine” (as I like it)." in verdict(of("other", APART))
    alone = verdict(of("other", APART, shares=False))
    assert "Each task has a model of its own: “mine” (as I like it)." in alone


def test_linear_models_share_no_layer() -> None:
    assert "linear weights of its own" in verdict(of("linear", [[NAMES]]))
    assert "found 2 groups" in verdict(of("linear", APART))


@pytest.mark.parametrize(
    ("structure", "said"),
    [("linear", "estimated from its labels alone"), ("forest", "a forest of its own")],
)
def test_what_shares_nothing_says_nothing_of_sharing(structure: Structure, said: str) -> None:
    told = verdict(of(structure, APART, shares=False))
    assert said in told
    assert "Sharing" not in told
    assert f"{WORDS[structure]} beat".lower() in told.lower()


@pytest.mark.parametrize(
    ("stages", "not_said"),
    [(APART, "itself one network per task"), ([[NAMES]], "itself one shared network")],
)
def test_what_shares_without_a_tree_is_no_second_training_of_a_baseline(
    stages: list[list[list[str]]], not_said: str
) -> None:
    assert not_said in verdict(of("tree", stages))
    said = verdict(of("network", stages))
    assert not_said not in said
    assert "The network beats one shared network" in said
    assert "Sharing helped" in said
