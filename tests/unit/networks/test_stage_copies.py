"""A stage that does more than its layers do is divided as it is, or refused; never changed in silence."""

import types
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, spectral_norm
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import BranchedNetwork, fold_batch_norms, low_rank, n_parameters, thin_from
from ramify.tasks import Binary, SharingTree, Task, TaskSet

TASKS = TaskSet([Task(name, Binary()) for name in "abc"])


class Doubling(nn.Identity):
    def forward(self, x: Tensor) -> Tensor:
        doubled: Tensor = 2 * x
        return doubled


class Tripling(nn.Dropout):
    def forward(self, x: Tensor) -> Tensor:
        return 3 * x


class Shifted(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        shifted: Tensor = super().forward(x) + 1  # type: ignore[no-untyped-call]
        return shifted


class Scaled(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return 5 * super().forward(x)


def dense() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU())


def hooked() -> nn.Module:
    stage = dense()
    stage[0].register_forward_hook(lambda _module, _inputs, output: 3 * output)
    return stage


def hooked_before() -> nn.Module:
    stage = dense()
    stage.register_forward_pre_hook(lambda _module, inputs: (3 * inputs[0],))
    return stage


def replaced() -> nn.Module:
    stage = dense()
    vars(stage[0])["forward"] = types.MethodType(lambda self, x: 2 * (x @ self.weight.T), stage[0])
    return stage


def replaced_whole() -> nn.Module:
    stage = dense()
    vars(stage)["forward"] = types.MethodType(lambda self, x: 2 * self[0](x), stage)
    return stage


STAGES: dict[str, Callable[[], nn.Module]] = {
    "hook": hooked,
    "hook before": hooked_before,
    "forward replaced": replaced,
    "forward of the whole replaced": replaced_whole,
    "identity": lambda: nn.Sequential(nn.Linear(4, 4), Doubling()),
    "nested": lambda: nn.Sequential(nn.Linear(4, 4), nn.Sequential(Doubling(), nn.ReLU())),
    "dropout": lambda: nn.Sequential(nn.Linear(4, 4), Tripling()),
    "sequential": lambda: Shifted(nn.Linear(4, 4), nn.ReLU()),
    "layer": lambda: nn.Sequential(Scaled(4, 4), nn.ReLU()),
    "old spectral norm": lambda: nn.Sequential(spectral_norm(nn.Linear(4, 4)), nn.ReLU()),
    "spectral norm": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 4))),
    "weight norm": lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 4))),
}


@pytest.mark.parametrize("has_run", [False, True])
@pytest.mark.parametrize("name", STAGES)
def test_branches_compute_what_the_stage_computes(name: str, has_run: bool) -> None:
    torch.manual_seed(0)
    stage, x = STAGES[name](), torch.randn(7, 4)
    if has_run:  # older hooks leave what they made
        stage(x)
    stage.eval()
    separate = BranchedNetwork([stage], SharingTree.separate(TASKS.names, 1), TASKS).eval()
    shared = BranchedNetwork([stage], SharingTree.shared(TASKS.names, 1), TASKS).eval()
    assert_close(separate.features(x), stage(x).expand(3, 7, 4), rtol=0, atol=1e-6)
    assert_close(shared.widen(0, [["a"], ["b"], ["c"]])(x), shared(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", STAGES)
def test_every_branch_learns_by_itself_and_the_stage_stays(name: str) -> None:
    stage, x = STAGES[name](), torch.randn(7, 4)
    before = {n: t.clone() for n, t in stage.state_dict().items()}
    network = BranchedNetwork([stage], SharingTree.separate(TASKS.names, 1), TASKS)
    network(x)[:, 0].sum().backward()
    own = [g for branch in network.branches() for g in branch.copies]
    grads = [
        any(bool(p.grad is not None and p.grad.any()) for p in each.parameters()) for each in own
    ]
    assert grads == [True, False, False]
    assert all(torch.equal(before[n], t) for n, t in stage.state_dict().items())


def test_the_older_spectral_norm_trains_as_it_did() -> None:
    torch.manual_seed(0)
    stage, x = nn.Sequential(spectral_norm(nn.Linear(4, 4))), torch.randn(7, 4)
    tasks = TaskSet([Task("a", Binary())])
    network = BranchedNetwork([stage], SharingTree.shared("a", 1), tasks)
    for _ in range(200):  # each forward pass goes on with u and v, from where the stage had them
        found, expected = network.features(x)[0], stage(x)
    assert_close(found, expected)
    assert "weight_orig" not in " ".join(network.state_dict())


def old_weight_norm() -> nn.Module:
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(nn.Linear(4, 4))


def pruned() -> nn.Module:
    layer = nn.Linear(4, 4)
    prune.l1_unstructured(layer, "weight", 0.5)  # type: ignore[no-untyped-call]  # of torch
    return layer


def closing_over_itself() -> nn.Module:
    stage = dense()
    plain = stage[0].forward
    vars(stage[0])["forward"] = lambda x: 2 * plain(x)
    return stage


def with_weights_of_another() -> nn.Module:
    stage, other = dense(), nn.Linear(4, 4)
    stage[0].register_forward_hook(lambda _module, inputs, _output: other(inputs[0]))
    return stage


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (old_weight_norm, "older WeightNorm hook; use torch.nn.utils.parametrizations.weight_norm"),
        (pruned, "older pruning hook; make it permanent with torch.nn.utils.prune.remove"),
        (closing_over_itself, "Linear with a function that holds weights itself"),
        (with_weights_of_another, "Linear with a function that holds weights itself"),
    ],
)
def test_what_cannot_be_copied_names_the_stage(make: Callable[[], nn.Module], message: str) -> None:
    backbone = [nn.Linear(4, 4), nn.Sequential(make(), nn.ReLU())]
    with pytest.raises(InputError, match=rf"^stage 2 of `backbone` must .*{message}"):
        BranchedNetwork(backbone, SharingTree.shared(TASKS.names, 2), TASKS)


def test_a_backbone_with_a_forward_of_its_own_is_no_list_of_stages() -> None:
    hooked_list = dense()
    hooked_list.register_forward_hook(lambda _module, _inputs, output: 2 * output)
    for backbone in (Shifted(nn.Linear(4, 4)), hooked_list):
        with pytest.raises(InputError, match="`backbone` must run its modules in turn"):
            BranchedNetwork(backbone, SharingTree.shared(TASKS.names, 1), TASKS)


@pytest.mark.parametrize("tied", ["layer", "weight"])
def test_stages_that_use_one_weight_are_named(tied: str) -> None:
    first, last = nn.Linear(4, 4), nn.Linear(4, 4)
    if tied == "layer":
        last = first
    else:
        last.weight = first.weight
    backbone = [first, nn.Linear(4, 4), nn.Sequential(last, nn.ReLU())]
    with pytest.raises(InputError, match=r"Got one in stages 1 and 3 .*put the layers"):
        BranchedNetwork(backbone, SharingTree.separate(TASKS.names, 3), TASKS)
    inside = nn.Sequential(*backbone)
    network = BranchedNetwork([inside], SharingTree.separate(TASKS.names, 1), TASKS)
    assert n_parameters(network) == 3 * n_parameters(inside) + n_parameters(network.heads)


def test_norms_are_not_folded_past_a_hook() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
    network[1].get_buffer("running_mean").add_(1.0)
    network[0].register_forward_hook(lambda _module, _inputs, output: output**2)
    x = torch.randn(5, 3)
    assert_close(fold_batch_norms(network)(x), network(x))


def test_layers_with_a_forward_of_their_own_are_neither_factorised_nor_thinned() -> None:
    with pytest.raises(InputError, match="Got Scaled with a forward of its own"):
        low_rank([Scaled(6, 6)], ranks=(2,))
    with pytest.raises(InputError, match="Got Scaled with a forward of its own"):
        thin_from(nn.Sequential(Scaled(6, 6), nn.Linear(6, 6)), width=4)
