import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramify._core import InputError
from ramify.tasks import SharingTree, tree_lines, tree_mermaid

# The shape hook picks the elements that it checks at random.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

Stage = tuple[tuple[str, ...], ...]


@st.composite
def trees(draw: st.DrawFn) -> SharingTree:
    """Any tree: each stage divides some groups of the one before, members in any order."""
    n_tasks = draw(st.integers(1, 7))
    tasks = tuple(draw(st.permutations([f"t{i}" for i in range(n_tasks)])))
    stages: list[Stage] = []
    groups: list[list[str]] = [list(tasks)]
    for _ in range(draw(st.integers(1, 4))):
        groups = [part for group in groups for part in _divided(draw, group)]
        stages.append(tuple(tuple(g) for g in draw(st.permutations(groups))))
    return SharingTree(tasks, tuple(stages))


def _divided(draw: st.DrawFn, group: list[str]) -> list[list[str]]:
    labels = draw(st.lists(st.integers(0, 2), min_size=len(group), max_size=len(group)))
    parts = [[name for name, x in zip(group, labels, strict=True) if x == k] for k in range(3)]
    return [part for part in parts if part]


@given(trees())
def test_every_stage_is_a_partition_of_the_tasks(tree: SharingTree) -> None:
    for stage in tree.stages:
        assert sorted(name for group in stage for name in group) == sorted(tree.tasks)
        assert all(stage)


@given(trees())
def test_groups_only_divide_towards_the_output(tree: SharingTree) -> None:
    assert list(tree.widths) == sorted(tree.widths)
    for i in range(1, tree.n_stages):
        for group, parent in zip(tree.stages[i], tree.parents(i), strict=True):
            assert set(group) <= set(tree.stages[i - 1][parent])


@given(trees())
def test_members_and_groups_stand_in_the_order_of_the_tasks(tree: SharingTree) -> None:
    for stage in tree.stages:
        places = [[tree.tasks.index(name) for name in group] for group in stage]
        assert places == sorted(sorted(group) for group in places)


@given(trees(), st.randoms(use_true_random=False))
def test_the_order_of_writing_does_not_matter(tree: SharingTree, rng: random.Random) -> None:
    stages = []
    for stage in tree.stages:
        groups = [rng.sample(group, len(group)) for group in stage]
        stages.append(tuple(tuple(group) for group in rng.sample(groups, len(groups))))
    again = SharingTree(tree.tasks, tuple(stages))
    assert again == tree
    assert hash(again) == hash(tree)


@given(trees())
def test_json_round_trip(tree: SharingTree) -> None:
    assert SharingTree.from_json(tree.to_json()) == tree
    assert set(json.loads(tree.to_json())) == {"tasks", "stages"}


@given(trees())
def test_a_task_is_in_the_group_that_it_is_assigned_to(tree: SharingTree) -> None:
    for i, stage in enumerate(tree.stages):
        for name, group in zip(tree.tasks, tree.assignment(i), strict=True):
            assert name in stage[group]


@given(trees())
def test_a_tree_divides_itself_and_the_shared_one_and_is_divided_by_the_separate_one(
    tree: SharingTree,
) -> None:
    shared = SharingTree.shared(tree.tasks, tree.n_stages)
    separate = SharingTree.separate(tree.tasks, tree.n_stages)
    assert tree.divides(tree)
    assert tree.divides(shared)
    assert separate.divides(tree)
    assert shared.divides(tree) == (tree == shared)
    assert tree.divides(separate) == (tree == separate)


@given(trees())
def test_trees_of_other_tasks_or_stages_do_not_divide_each_other(tree: SharingTree) -> None:
    assert not tree.divides(SharingTree.shared(tree.tasks, tree.n_stages + 1))
    assert not tree.divides(SharingTree.shared((*tree.tasks, "x"), tree.n_stages))


@given(trees(), st.randoms(use_true_random=False))
def test_reassigning_keeps_the_shape_and_can_be_undone(
    tree: SharingTree, rng: random.Random
) -> None:
    order = rng.sample(range(len(tree.tasks)), len(tree.tasks))
    other = tree.reassigned(order)
    assert other.widths == tree.widths
    assert [sorted(map(len, s)) for s in other.stages] == [sorted(map(len, s)) for s in tree.stages]
    assert other.reassigned(np.argsort(order).tolist()) == tree


@given(trees())
def test_as_text_every_task_stands_once(tree: SharingTree) -> None:
    lines = tree_lines(tree)
    leaves = [line for line in lines if "tasks" not in line]
    for name in tree.tasks:
        assert sum(f"'{name}'" in line for line in leaves) == 1
    assert tree_mermaid(tree).count(" --> t") == len(tree.tasks)


def test_dividing_a_stage_changes_that_stage() -> None:
    tree = SharingTree.shared("abc", 3).divided(2, [["c"], ["b", "a"]])
    assert tree.stages[2] == (("a", "b"), ("c",))
    assert tree.widths == (1, 1, 2)
    assert tree.parents(2).tolist() == [0, 0]
    assert tree.parents(0).tolist() == [0]


@pytest.mark.parametrize(
    ("tasks", "stages", "message"),
    [
        ((), ((("a",),),), "one or more different names"),
        (("a", "a"), ((("a",),),), "one or more different names"),
        (("a",), (), "at least one stage"),
        (("a", "b"), ((("a",),),), "each of the 2 tasks in exactly one group"),
        (("a", "b"), ((("a", "b"), ("b",)),), "each of the 2 tasks in exactly one"),
        (("a", "b"), ((("a", "b"), ()),), "must have no empty group. Group 2 is"),
        (("a",), ((("a", "z"),),), "names unknown tasks: 'z'"),
        (("a", "b"), ((("a",), ("b",)), (("a", "b"),)), "stage 1 joins tasks that stage 0"),
    ],
)
def test_what_is_no_tree_is_refused(
    tasks: tuple[str, ...], stages: tuple[Stage, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        SharingTree(tasks, stages)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"tasks": ["a"]}', '{"tasks": 3, "stages": []}', "[" * 100_000],
    ids=lambda text: text[:30],
)
def test_what_is_no_json_of_a_tree_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="a tree must be JSON of the form"):
        SharingTree.from_json(text)


def test_hostile_names_survive() -> None:
    names = ("<script>", 'a"b', "x\ny", "ä" * 10_000, " ")
    tree = SharingTree.separate(names, 2)
    assert SharingTree.from_json(tree.to_json()) == tree
    assert "<script>" not in tree_mermaid(tree)
    assert all("\n" not in line for line in tree_lines(tree))
