import math

import pytest
import torch
from tests.references import sharing_networks as reference
from tests.settings import DEVICE, DTYPE
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.networks import BranchedNetwork, n_parameters
from ramify.networks.architectures._factorised import (
    FORMS,
    FactorisedNetwork,
    Factors,
    TaskAxisFactors,
    ranks_for,
    ranks_of,
)
from ramify.networks.branched._stacked_weights import spread, stacked_layers
from ramify.tasks import Binary, SharingTree, Task, TaskSet

from ._columns import BACKBONES, TASKS, columns, inputs

every_form = pytest.mark.parametrize("form", FORMS)
every_backbone = pytest.mark.parametrize("backbone", BACKBONES)
SHAPES = [(4, 3, 5), (3, 4, 2, 3, 3)]


def weights(shape: tuple[int, ...], rank: int | None = None) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    full = torch.randn(shape, generator=generator, dtype=torch.float64)
    if rank is None:
        return full
    share = torch.randn(shape[0], rank, generator=generator, dtype=torch.float64)
    low: Tensor = torch.tensordot(share, full[:rank], dims=1)
    return low


def factors_of(
    form: str, shape: tuple[int, ...], error: float = 0.0
) -> tuple[Factors, list[Tensor]]:
    w = weights(shape)
    module = FORMS[form](ranks_for(FORMS[form], w, error))
    return module, list(module.right_inverse(w))


@every_form
@pytest.mark.parametrize("shape", SHAPES)
def test_factors_of_full_rank_make_the_weights(form: str, shape: tuple[int, ...]) -> None:
    module, factors = factors_of(form, shape)
    assert_close(module(*factors), weights(shape), rtol=1e-8, atol=1e-10)


@every_form
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("error", [0.1, 0.5, 0.8])
def test_factors_are_within_the_error(form: str, shape: tuple[int, ...], error: float) -> None:
    module, factors = factors_of(form, shape, error)
    w = weights(shape)
    assert (module(*factors) - w).norm() <= error * w.norm() * (1 + 1e-9)
    assert sum(f.numel() for f in factors) <= sum(f.numel() for f in factors_of(form, shape)[1])


@every_form
def test_planted_ranks_are_found(form: str) -> None:
    ranks = ranks_for(FORMS[form], weights((5, 4, 6), rank=2), 1e-6)
    assert ranks[0] == 2


@pytest.mark.parametrize("shape", SHAPES)
@every_form
def test_weights_are_those_of_the_sums(form: str, shape: tuple[int, ...]) -> None:
    module, factors = factors_of(form, shape, 0.5)
    wanted = {
        "laf": lambda: reference.from_task_axis(factors[0], factors[1]),
        "tucker": lambda: reference.from_tucker(factors[:-1], factors[-1]),
        "tt": lambda: reference.from_train(factors),
    }[form]()
    assert_close(module(*factors), wanted)


@every_form
def test_forms_pass_the_gradient_check(form: str) -> None:
    module, factors = factors_of(form, (3, 2, 3), 0.3)
    inputs = tuple(factor.requires_grad_() for factor in factors)
    assert torch.autograd.gradcheck(module, inputs)


@every_form
@pytest.mark.parametrize("shape", SHAPES)
def test_factors_have_one_length(form: str, shape: tuple[int, ...]) -> None:
    lengths = torch.stack([factor.norm() for factor in factors_of(form, shape, 0.3)[1]])
    assert_close(lengths, lengths.mean().expand_as(lengths))


@every_backbone
@every_form
def test_with_full_ranks_it_is_the_separate_networks(backbone: str, form: str) -> None:
    apart = columns(backbone)
    network = FactorisedNetwork(apart, form, ranks_of(apart, form, error=0.0)).eval()
    assert_close(network(inputs(backbone)), apart(inputs(backbone)), rtol=1e-8, atol=1e-9)


@every_form
def test_of_equal_networks_one_basis_is_enough(form: str) -> None:
    alike = columns("table", alike=True)
    ranks = ranks_of(alike, form, error=1e-6)
    network = FactorisedNetwork(alike, form, ranks)
    n_ranks = FORMS[form].n_ranks(3)
    assert ranks[::n_ranks] == [1, 1, 1]
    assert_close(network(inputs("table")), alike(inputs("table")), rtol=1e-5, atol=1e-6)
    assert_close(torch.tensor(network.sharing_strength()), torch.ones(3))


def test_shares_of_one_basis_are_hard_sharing_and_of_ones_own_are_separate() -> None:
    bases = weights((3, 4, 5))
    form = TaskAxisFactors([3])
    hard = form(torch.tensor([[1.0, 0, 0]] * 3).double(), bases)
    assert torch.equal(hard, bases[:1].expand(3, -1, -1))
    assert torch.equal(form(torch.eye(3).double(), bases), bases)


@every_form
def test_gradients_reach_every_factor(form: str) -> None:
    apart = columns("image")
    network = FactorisedNetwork(apart, form, ranks_of(apart, form, error=0.2))
    network(inputs("image")).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.any(), name


@every_form
def test_no_gradient_of_a_task_reaches_what_others_own(form: str) -> None:
    apart = columns("image")
    network = FactorisedNetwork(apart, form, ranks_of(apart, form, error=0.2))
    network(inputs("image"))[:, 0].sum().backward()
    owned = network.owned_weights()
    own_factors = [rows.tensor for rows in owned if rows.tensor.ndim == 2]
    assert len(own_factors) > len(stacked_layers(apart))  # the tasks' factors, biases, heads
    for tensor, owners in owned:
        assert len(tensor) == len(owners)
        if tensor.grad is not None:
            assert not tensor.grad[~owners[:, 0]].any()


def test_the_number_of_parameters_is_that_of_the_paper() -> None:
    apart = columns("equal widths")
    network = FactorisedNetwork(apart, "laf", [2, 1])
    stages = n_parameters(network) - n_parameters(network.heads)
    n_tasks, n_weights, n_biases = 3, 36, 6
    assert stages == (n_weights * 2 + 2 * n_tasks) + (n_weights + n_tasks) + 2 * n_tasks * n_biases


def test_spread_networks_differ_and_are_as_large() -> None:
    alike = columns("table", alike=True)
    apart = spread(alike)
    for one, two in zip(stacked_layers(alike), stacked_layers(apart), strict=True):
        assert torch.equal(one.weight[0], one.weight[1])
        assert not torch.equal(two.weight[0], two.weight[1])
        assert_close(two.weight.std(), one.weight.std(), rtol=0.3, atol=0)


def test_a_rank_of_the_tasks_can_be_given() -> None:
    apart = spread(columns("table", alike=True))
    for form in FORMS:
        ranks = ranks_of(apart, form, error=0.1, of_tasks=2)
        assert ranks[:: FORMS[form].n_ranks(3)] == [2, 2, 2]
        FactorisedNetwork(apart, form, ranks)


def test_a_single_task_has_nothing_to_factorise() -> None:
    tasks = TaskSet([Task("only", Binary())])
    alone = columns("table", tasks)
    network = FactorisedNetwork(alone, "laf", ranks_of(alone, "laf"))
    assert torch.equal(network(inputs("table")), alone(inputs("table")))
    assert network.sharing_strength() == []


def test_a_copy_shares_no_memory() -> None:
    apart = columns("table")
    before = {name: tensor.clone() for name, tensor in apart.state_dict().items()}
    network = FactorisedNetwork(apart, "laf", ranks_of(apart, "laf"))
    for parameter in network.parameters():
        parameter.data.zero_()
    assert all(torch.equal(before[n], t) for n, t in apart.state_dict().items())


def test_hostile_arguments_are_named() -> None:
    apart = columns("table")
    with pytest.raises(InputError, match="`form` must be one of"):
        FactorisedNetwork(apart, "cp", [1, 1, 1])
    with pytest.raises(InputError, match="`ranks` must have 1 numbers"):
        FactorisedNetwork(apart, "laf", [1, 1])
    with pytest.raises(InputError, match=r"`ranks` must be 3 numbers. Got 4"):
        FactorisedNetwork(apart, "laf", [1, 1, 1, 1])
    with pytest.raises(InputError, match="Got nan and None"):
        ranks_of(apart, "laf", error=math.nan)
    softmax = nn.Sequential(nn.Linear(6, 4), nn.Softmax(dim=1))
    loose = BranchedNetwork(softmax, SharingTree.separate(TASKS.names, 1), TASKS).to(DEVICE, DTYPE)
    with pytest.raises(InputError, match="only have layers with a stacked form"):
        ranks_of(loose, "laf")
