"""Networks whose tasks are grouped anew, and the gradients that tell how."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import (
    BranchedNetwork,
    BranchGradients,
    TaskGradients,
    n_parameters,
)
from ramify.tasks import Binary, Multiclass, SharingTree, Task, TaskSet

NAMES = tuple("abcd")
TASKS = TaskSet(
    [Task(name, Multiclass(("x", "y", "z")) if name == "b" else Binary()) for name in NAMES]
)
EACH = ("a", "b", "c", "d")
GROUPINGS: dict[str, tuple[str, ...]] = {
    "each": EACH,
    "some": ("ac", "b", "d"),
    "pairs": ("ad", "bc"),
    "one": ("abcd",),
}
every_grouping = pytest.mark.parametrize("groups", GROUPINGS.values(), ids=GROUPINGS)


def backbone(kind: str) -> nn.Sequential:
    if kind == "dense":
        return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 5), nn.ReLU())
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
    )


def tree(groups: Sequence[str], kind: str = "dense", layers: int = 1) -> SharingTree:
    trunk = ((NAMES,),) * (2 if kind == "dense" else 1)
    return SharingTree(NAMES, (*trunk, *(tuple(map(tuple, groups)),) * layers))


def network(kind: str = "dense", layers: int = 1) -> BranchedNetwork:
    torch.manual_seed(0)
    made = BranchedNetwork(
        backbone(kind),
        tree(EACH, kind, layers),
        TASKS,
        n_features=5 if kind == "dense" else 4,
        estimator=[3] * layers,
    ).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made


def rows(n: int = 7) -> Tensor:
    return torch.randn(n, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def columns(task: str) -> list[int]:
    return [i for i, t in enumerate(TASKS.task_of_column) if NAMES[t] == task]


@every_grouping
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_what_is_said_of_the_keepers_stays_and_of_the_others_changes(
    groups: tuple[str, ...], kind: str
) -> None:
    before = network(kind).eval()
    keepers = [group[-1] for group in groups]
    after = before.regrouped(tree(groups, kind), keepers)
    x = rows()
    for task in NAMES:
        one, two = before(x)[:, columns(task)], after(x)[:, columns(task)]
        if task in keepers:
            assert_close(two, one, rtol=1e-12, atol=1e-12)
        else:
            assert not torch.allclose(two, one)
    assert torch.equal(after.heads.weight, before.heads.weight)


@every_grouping
def test_parameters_are_those_of_trunk_estimators_and_outputs(groups: tuple[str, ...]) -> None:
    before = network()
    after = before.regrouped(tree(groups), [group[0] for group in groups])
    trunk, estimator, outputs = 6 * 5 + 5 + 5 * 5 + 5, 5 * 3 + 3, 6 * (3 + 1)
    assert n_parameters(after) == trunk + len(groups) * estimator + outputs
    assert n_parameters(after) == before.parameters_of(tree(groups))


@every_grouping
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_the_network_is_that_of_its_tree(groups: tuple[str, ...], kind: str) -> None:
    after = network(kind).regrouped(tree(groups, kind), [group[0] for group in groups])
    fresh = BranchedNetwork(
        backbone(kind), after.tree, TASKS, n_features=5 if kind == "dense" else 4, estimator=[3]
    ).double()
    fresh.load_state_dict(after.state_dict())
    assert torch.equal(fresh.eval()(rows()), after.eval()(rows()))


def test_a_lower_stage_with_statistics_is_joined_too() -> None:
    tasks = TaskSet([Task(name, Binary()) for name in NAMES])
    apart = SharingTree.separate(NAMES, 2)
    with torch.random.fork_rng([]):
        before = BranchedNetwork(backbone("conv"), apart, tasks, n_features=4, estimator=[3])
    before(rows().float())  # the statistics move
    after = before.regrouped(SharingTree.shared(NAMES, 2), ["c"]).eval()
    one, two = before.eval()(rows().float()), after(rows().float())
    assert_close(two[:, 2], one[:, 2])


def test_what_was_joined_can_be_divided_again_into_copies() -> None:
    joined = network().regrouped(tree(("abcd",)), ["b"])
    again = joined.regrouped(tree(("ab", "cd")), ["a", "c"])
    assert again.tree.widths == (1, 1, 2)
    assert_close(again(rows()), joined(rows()), rtol=1e-12, atol=1e-12)


def test_the_network_before_stays_as_it_was() -> None:
    before = network()
    said = before(rows())
    after = before.regrouped(tree(("ab", "cd")), ["a", "c"])
    with torch.no_grad():
        for parameter in after.parameters():
            parameter.add_(1)
    assert torch.equal(before(rows()), said)


HOSTILE: dict[str, tuple[SharingTree, list[str], str]] = {
    "other stages": (SharingTree.shared(NAMES, 2), ["a"], "stages"),
    "other tasks": (SharingTree.shared("xyzw", 3), ["x"], "tasks"),
    "too few keepers": (tree(("ab", "cd")), ["a"], "one task per group, 2"),
    "keepers of other groups": (tree(("ab", "cd")), ["c", "a"], "in the order of the groups"),
    "keepers apart at a joined stage": (
        SharingTree(NAMES, ((NAMES,), (NAMES,), (("a", "b"), ("c", "d")))),
        ["a", "c"],
        "several keepers need",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_does_not_fit_is_refused(case: str) -> None:
    wanted, keepers, words = HOSTILE[case]
    before = network()
    if case == "keepers apart at a joined stage":
        with torch.random.fork_rng([]):
            before = BranchedNetwork(
                backbone("dense"), SharingTree.separate(NAMES, 3), TASKS, estimator=[3]
            )
    with pytest.raises(InputError, match=words):
        before.regrouped(wanted, keepers)


def slow_gradient(made: BranchedNetwork, task: str, layers: int) -> Tensor:
    """One backward pass for the task alone."""
    made.zero_grad()
    made(rows())[:, columns(task)].square().sum().backward()
    parts = []
    for i in range(made.tree.n_stages - layers, made.tree.n_stages):
        group = int(made.tree.assignment(i)[NAMES.index(task)])
        stage = list(made.branches())[i]
        found = [p.grad for p in stage.parameters() if p.ndim == (2 if stage.joined is None else 3)]
        parts += [g if stage.joined is None else g[group] for g in found if g is not None]
    return torch.cat([part.flatten() for part in parts])


@every_grouping
@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_of_tasks_are_those_of_a_pass_per_task(
    groups: tuple[str, ...], layers: int
) -> None:
    made = network(layers=layers).regrouped(tree(groups, layers=layers), [g[0] for g in groups])
    expected = torch.stack([slow_gradient(made, task, layers) for task in NAMES])
    plain = made(rows())
    made.zero_grad()
    plain.square().sum().backward()
    whole = [p.grad.clone() for p in made.parameters() if p.grad is not None]
    made.zero_grad()
    gradients = TaskGradients(made, made.tree.n_stages - layers)
    with gradients.at_forward():
        said = made(rows())
    said.square().sum().backward()
    assert_close(gradients.rows(), expected)
    assert_close(said, plain)
    assert_close([p.grad for p in made.parameters()], whole)
    assert torch.equal(made(rows()), plain)  # afterwards it runs as before


@every_grouping
def test_gradients_of_branches_are_the_sums_of_their_tasks(groups: tuple[str, ...]) -> None:
    made = network().regrouped(tree(groups), [group[0] for group in groups])
    tasks = torch.stack([slow_gradient(made, task, 1) for task in NAMES])
    made.zero_grad()
    gradients = BranchGradients(made, 2)
    made(rows())[
        :, columns("a") + columns("b") + columns("c") + columns("d")
    ].square().sum().backward()
    expected = torch.zeros(len(groups), tasks.shape[1], dtype=tasks.dtype)
    expected.index_add_(0, torch.from_numpy(made.tree.assignment(2)), tasks)
    assert_close(gradients.rows(), expected)


def test_gradients_are_only_of_stages_that_exist_and_stack() -> None:
    with pytest.raises(InputError, match="from 0 to 2"):
        TaskGradients(network(), 3)
    with pytest.raises(InputError, match="stacked form"):
        TaskGradients(network("conv"), 0)  # running statistics
    with pytest.raises(InputError, match="stacked form"):
        BranchGradients(network(), 3)


def test_an_estimator_has_widths_of_one_or_more() -> None:
    with pytest.raises(InputError, match="widths of 1 or more"):
        BranchedNetwork(backbone("dense"), tree(EACH), TASKS, estimator=[0])
