"""Weights of tasks in a training step, against one backward pass per task."""

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from tests.hooks import context, step_of
from tests.toy import BINARY, MIXED, backbone, tensors
from torch import Tensor, nn
from torch.testing import assert_close

from ramify.losses import TaskLosses
from ramify.networks import (
    AttachedNetwork,
    AttentionNetwork,
    BranchedNetwork,
    ExpertNetwork,
    ExpertPlan,
    FactorisedNetwork,
    StitchedNetwork,
    Stitching,
    TaskNetwork,
    ranks_of,
)
from ramify.tasks import Binary, SharingTree, Task, TaskSet
from ramify.training._task_weighting import TaskWeighting, weighting_hook
from ramify.weighting import (
    IMTLG,
    MGDA,
    Equal,
    Fixed,
    GramFunction,
    GramWeighting,
    LossWeighting,
    UPGrad,
    Weighting,
)

Array = NDArray[np.float64]
FABRIC = Fabric(accelerator="cpu", devices=1)
TREES = {
    "shared": lambda names: SharingTree.shared(names, 2),
    "tree": lambda names: SharingTree(names, ((names,), (names[:1], names[1:]))),
    "two pairs": lambda names: SharingTree(names, ((names[:2], names[2:]),) * 2),
    "fan": lambda names: SharingTree(names, ((names,), tuple((name,) for name in names))),
    "separate": lambda names: SharingTree.separate(names, 2),
}
every_tree = pytest.mark.parametrize("shape", TREES)


class Step:
    """One forward and backward pass of a small network in float64."""

    def __init__(self, tasks: TaskSet, shape: str = "shared", *, stack: bool = True) -> None:
        torch.manual_seed(0)
        self.tasks = tasks
        tree = TREES[shape](tasks.names)
        self.network = BranchedNetwork(backbone(0.0), tree, tasks, stack=stack).double()
        for parameter in self.network.parameters():
            nn.init.normal_(parameter, std=0.5)
        self.losses = TaskLosses(tasks).double()
        x, y, self.mask = tensors(tasks, 24)
        self.x, self.y = x.double(), y.double()

    def balance(self, rule: Weighting, *, exact: bool = False) -> TaskWeighting:
        found = weighting_hook(rule, self.network, FABRIC, exact=exact, summed_up=False)
        assert found is not None
        found.start(context(self.network, self.losses))
        return found

    def gradients(self, balance: TaskWeighting | None) -> dict[str, Tensor]:
        self.network.zero_grad()
        step = step_of(self.x, self.y, self.mask)
        if balance is None:
            losses = self.losses(self.network(self.x), self.y, self.mask)
        else:
            with balance.forward_context(step):
                outputs = self.network(self.x)
            losses = self.losses(outputs, self.y, self.mask)
            step.counted = self.mask.any(0)
            losses = balance.weigh(step, losses)
        torch.autograd.backward(self.losses.total(losses))
        if balance is not None:
            balance.after_backward(step)
        return {
            name: parameter.grad.clone()
            for name, parameter in self.network.named_parameters()
            if parameter.grad is not None
        }

    def single_losses(self) -> list[Tensor]:
        """Weight × loss of each task, with a graph."""
        losses = self.losses(self.network(self.x), self.y, self.mask)
        return [task.weight * loss for task, loss in zip(self.tasks, losses, strict=True)]

    def by_hand(self, weights: dict[str, list[float]]) -> dict[str, Tensor]:
        """Gradients of weighted losses, by the start of the parameter's name; else of plain ones."""
        losses = torch.stack(self.single_losses())
        found = {}
        for name, parameter in self.network.named_parameters():
            chosen = [values for start, values in weights.items() if name.startswith(start)]
            values = torch.tensor(chosen[0] if chosen else [1.0] * len(losses)).double()
            total = losses.dot(values) / len(losses)
            (found[name],) = torch.autograd.grad(total, parameter, retain_graph=True)
        return found

    def rows(self, features: Tensor) -> Tensor:
        """Each task's gradient at the features, by one backward pass each."""
        found = [
            torch.autograd.grad(loss, features, retain_graph=True, materialize_grads=True)[0]
            for loss in self.step_losses
        ]
        return torch.stack(found).flatten(1)

    def features_after_first_stage(self) -> Tensor:
        """What all branches read, from a forward pass whose losses `rows` goes back from."""
        seen: list[Tensor] = []
        first = self.network.stages[0].get_submodule("copies.0")
        handle = first.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        self.step_losses = self.single_losses()
        handle.remove()
        return seen[0]


class Seen(GramWeighting):
    """Remembers the Gram matrices, and gives every task its number, from 1, as weight."""

    def __init__(self) -> None:
        self.grams: list[Tensor] = []

    def __deepcopy__(self, _: object) -> "Seen":
        return self  # all copies remember in one place

    def solve(self, gram: Array, losses: Array, places: NDArray[np.int64]) -> Array:
        self.grams.append(torch.from_numpy(gram))
        return 1.0 + places.astype(np.float64)


def scaled(rows: Tensor) -> Tensor:
    gram = rows @ rows.T
    return gram / gram.diagonal().max()


def test_equal_weights_need_nothing() -> None:
    network = Step(MIXED).network
    for exact in (False, True):
        assert weighting_hook(Equal(), network, FABRIC, exact=exact, summed_up=False) is None


@every_tree
@pytest.mark.parametrize("exact", [False, True])
def test_weights_of_one_are_plain_training(shape: str, exact: bool) -> None:
    step = Step(MIXED, shape)
    ones = GramFunction(lambda gram: torch.full((len(gram),), 1 / len(gram)))
    plain = step.gradients(None)
    assert_close(step.gradients(step.balance(ones, exact=exact)), plain)
    assert_close(step.gradients(step.balance(Fixed([1.0] * 4))), plain)


def test_branches_that_run_one_by_one_are_weighed_alike() -> None:
    step = Step(MIXED, "fan", stack=False)
    found = step.gradients(step.balance(Seen()))
    assert_close(found, step.by_hand({"stages.0": [1.0, 2.0, 3.0, 4.0]}))


def test_weights_of_losses_multiply_everything() -> None:
    step = Step(MIXED)
    weights = [2.0, 0.5, 0.0, 1.0]
    found = step.gradients(step.balance(Fixed(weights)))
    total = torch.stack(step.single_losses()).dot(torch.tensor(weights).double()) / 4
    for name, parameter in step.network.named_parameters():
        assert_close(found[name], torch.autograd.grad(total, parameter, retain_graph=True)[0])


@pytest.mark.parametrize("tasks", [BINARY, MIXED], ids=["binary", "mixed"])
def test_the_gram_is_that_of_the_gradients_at_the_features(tasks: TaskSet) -> None:
    step, rule = Step(tasks), Seen()
    found = step.gradients(step.balance(rule))
    features = step.network.features(step.x)
    losses = step.losses(step.network.heads(features), step.y, step.mask)
    rows = [torch.autograd.grad(loss, features, retain_graph=True)[0] for loss in losses]
    assert_close(rule.grams, [scaled(torch.stack(rows).flatten(1))])
    assert_close(found, step.by_hand({"stages": [1.0, 2.0, 3.0, 4.0]}))


def test_where_every_task_has_a_branch_they_are_weighed_below() -> None:
    step, rule = Step(MIXED, "fan"), Seen()
    found = step.gradients(step.balance(rule))
    rows = step.rows(step.features_after_first_stage())
    assert_close(rule.grams, [scaled(rows)])
    assert_close(found, step.by_hand({"stages.0": [1.0, 2.0, 3.0, 4.0]}))


def test_branches_are_weighed_where_they_meet_and_tasks_within_them() -> None:
    """The first task is alone on its branch; the others share one, which counts twice below."""
    step, rule = Step(MIXED, "tree"), Seen()
    found = step.gradients(step.balance(rule))
    rows = step.rows(step.features_after_first_stage())
    branches = torch.stack([rows[0], 2 * rows[1] + 3 * rows[2] + 4 * rows[3]])
    assert_close(rule.grams[1], scaled(branches))
    weights = {"stages.0": [1.0, 4.0, 6.0, 8.0], "stages.1": [1.0, 2.0, 3.0, 4.0]}
    assert_close(found, step.by_hand(weights))


@every_tree
def test_exact_gradients_are_those_of_all_that_two_tasks_share(shape: str) -> None:
    step, rule = Step(MIXED, shape), Seen()
    found = step.gradients(step.balance(rule, exact=True))
    every = [1.0, 2.0, 3.0, 4.0]
    both, first = {"stages": every}, {"stages.0": every}
    weights = {"shared": both, "tree": both, "two pairs": both, "fan": first, "separate": {}}
    expected = step.by_hand(weights[shape])
    if shape == "tree":  # the first task's branch of its own keeps the plain gradient
        for name, plain in step.gradients(None).items():
            if name.startswith("stages.1"):
                expected[name][0] = plain[0]
    assert_close(found, expected)
    if shape == "separate":
        assert (found["heads.weight"] != 0).any()
        assert not rule.grams
        return
    rows = shared_gradients(step, shape)
    assert_close(rule.grams, [scaled(rows)])


def shared_gradients(step: Step, shape: str) -> Tensor:
    """Each task's gradient of the stages that it shares with another."""
    parts = []
    for name, parameter in step.network.named_parameters():
        if name.startswith("heads") or (shape == "fan" and name.startswith("stages.1")):
            continue
        found = [
            torch.autograd.grad(loss, parameter, retain_graph=True)[0]
            for loss in step.single_losses()
        ]
        rows = torch.stack(found)
        if shape == "tree" and name.startswith("stages.1"):
            rows = rows[:, 1:]
        parts.append(rows.flatten(1))
    return torch.cat(parts, dim=1)


def test_each_branch_is_balanced_for_itself() -> None:
    step = Step(BINARY, "two pairs")
    found = step.gradients(step.balance(UPGrad()))
    for pair in (slice(0, 2), slice(2, 4)):
        alone = Step(BINARY, "two pairs")
        kept = torch.zeros(4, dtype=torch.bool)
        kept[pair] = True
        alone.mask &= kept
        part = alone.gradients(alone.balance(UPGrad()))
        group = pair.start // 2
        for name in found:
            if not name.startswith("heads"):
                assert_close(found[name][group], part[name][group])


def test_networks_that_share_nothing_are_left_alone() -> None:
    step = Step(MIXED, "separate")
    assert_close(step.gradients(step.balance(MGDA())), step.gradients(None))
    assert weighting_hook(MGDA(), one_task(), FABRIC, exact=False, summed_up=False) is None


ONE = TaskSet([Task("only", Binary())])


def one_task() -> BranchedNetwork:
    return BranchedNetwork(backbone(), SharingTree.shared(ONE.names, 2), ONE)


def test_the_users_own_weights_are_part_of_the_losses() -> None:
    """Tasks that weigh 4, 0 and 1: the rule sees longer, no, and plain gradients."""
    heavy = TaskSet(
        [Task(t.name, t.kind, weight=w) for t, w in zip(BINARY, (4.0, 0.0, 1.0, 1.0), strict=True)]
    )
    one, two = Step(BINARY), Step(heavy)
    first, second = Seen(), Seen()
    one.gradients(one.balance(first))
    found = two.gradients(two.balance(second))
    scale = torch.tensor([4.0, 1.0, 1.0]).double()
    rest = torch.tensor([0, 2, 3])
    expected = first.grams[0][rest][:, rest] * scale * scale[:, None]
    assert_close(second.grams, [expected / expected.diagonal().max()])
    assert_close(found, two.by_hand({"stages": [1.0, 0.0, 3.0, 4.0]}))


class SeenLosses(LossWeighting):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Tensor] = []

    def __deepcopy__(self, _: object) -> "SeenLosses":
        return self

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        self.given += [losses, present]
        return torch.ones_like(losses)


def test_rules_on_losses_see_weight_times_loss_of_tasks_that_count() -> None:
    weights = torch.tensor([4.0, 0.0, 1.0, 1.0]).double()
    tasks = TaskSet(
        [Task(t.name, t.kind, weight=float(w)) for t, w in zip(MIXED, weights, strict=True)]
    )
    step, rule = Step(tasks), SeenLosses()
    step.gradients(step.balance(rule))
    losses = step.losses(step.network(step.x), step.y, step.mask)
    assert rule.given[1].tolist() == [True, False, True, True]
    assert_close(rule.given[0][[0, 2, 3]], (weights * losses)[[0, 2, 3]])


def test_heads_learn_from_their_own_loss_whatever_the_weights() -> None:
    step = Step(BINARY)
    plain, found = step.gradients(None), step.gradients(step.balance(IMTLG()))
    for name in plain:
        same = torch.allclose(plain[name], found[name])
        assert same == name.startswith("heads")


def test_outputs_are_the_same_with_and_without_a_balance() -> None:
    for shape in ("shared", "tree"):
        step = Step(MIXED, shape)
        now = step_of(step.x, step.y, step.mask)
        with step.balance(UPGrad()).forward_context(now):
            inside = step.network(step.x)
        assert_close(inside, step.network(step.x))
        with torch.no_grad(), step.balance(UPGrad()).forward_context(now):
            assert_close(step.network(step.x), inside)


def test_absent_tasks_leave_the_balance_of_the_others() -> None:
    step = Step(BINARY)
    step.mask[:, 1] = False
    rule = Seen()
    found = step.gradients(step.balance(rule))
    assert rule.grams[0].shape == (3, 3)
    assert_close(found, step.by_hand({"stages": [1.0, 0.0, 3.0, 4.0]}))


def test_a_branch_without_labels_takes_no_part() -> None:
    step = Step(BINARY, "two pairs")
    tree = SharingTree(BINARY.names, ((BINARY.names,), (("a", "b"), ("c", "d"))))
    step.network = BranchedNetwork(backbone(0.0), tree, BINARY).double()
    step.mask[:, 2:] = False
    rule = Seen()
    found = step.gradients(step.balance(rule))
    assert [gram.shape for gram in rule.grams] == [(2, 2), (1, 1)]
    expected = step.by_hand({"stages": [1.0, 2.0, 0.0, 0.0]})
    assert_close(found, expected)


def others() -> dict[str, TaskNetwork]:
    """Networks that share otherwise than by branches."""
    separate = BranchedNetwork(backbone(0.0), SharingTree.separate(MIXED.names, 2), MIXED)
    shared = SharingTree.shared(MIXED.names, 2)
    return {
        "stitched": StitchedNetwork(separate, Stitching()),
        "experts": ExpertNetwork(backbone(0.0), MIXED, ExpertPlan(n_shared=2, n_own=1)),
        "attention": AttentionNetwork(backbone(0.0), MIXED, hidden=4),
        "factorised": FactorisedNetwork(separate, "tucker", ranks_of(separate, "tucker")),
        "attached": AttachedNetwork(backbone(0.0), shared, MIXED, [0, 1, 1, 0]),
    }


@pytest.mark.parametrize("kind", others())
def test_networks_that_do_not_branch_are_weighed_by_their_shared_parameters(kind: str) -> None:
    step = Step(MIXED)
    step.network = others()[kind].double()  # type: ignore[assignment]  # it has what is needed
    found, plain = step.gradients(step.balance(Seen())), step.gradients(None)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0]).double()
    total = torch.stack(step.single_losses()).dot(weights) / 4
    owners = {id(tensor): rows.sum(1) > 1 for tensor, rows in step.network.owned_weights()}
    n_shared = 0
    for name, parameter in step.network.named_parameters():
        (weighted,) = torch.autograd.grad(
            total, parameter, retain_graph=True, materialize_grads=True
        )
        common = owners.get(id(parameter), torch.ones(1, dtype=torch.bool))
        shape = (-1, *(1,) * (parameter.ndim - 1))
        n_shared += int(common.sum())
        assert_close(found[name], torch.where(common.view(shape), weighted, plain[name]))
    assert n_shared > 0
