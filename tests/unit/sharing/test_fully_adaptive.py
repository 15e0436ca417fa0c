import numpy as np
import pytest
import torch
from tests.toy import BINARY, backbone
from torch import nn

from ramify._core import InputError
from ramify.networks import BranchedNetwork, vgg16
from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, HeadGradients, StepEvidence
from ramify.sharing.fully_adaptive._widening_costs import widening_costs
from ramify.tasks import Binary, SharingTree, Task, TaskSet


def whole(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def shown(sharing: FullyAdaptive, n_batches: int = 60, *, groups: int = 2) -> BranchedNetwork:
    """Build, and show it margins in which the first half of the tasks goes together."""
    network = sharing.build(backbone(), BINARY)
    generator = torch.Generator().manual_seed(0)
    every = torch.ones(64, 4, dtype=torch.bool)
    group = torch.arange(4) * groups // 4
    for _ in range(n_batches):
        common = torch.randn(64, groups, generator=generator)[:, group]
        own = torch.randn(64, 4, generator=generator)
        sharing.observe(StepEvidence((common + 0.2 * own).sigmoid(), every, whole))
    return network


PLANT = (("a", "b"), ("c", "d"))


def test_the_planted_groups_are_the_clearest_proposal() -> None:
    sharing = FullyAdaptive()
    network = shown(sharing)
    proposals = sharing.proposals(network)
    assert proposals[0].tree == SharingTree.shared(BINARY.names, 2)
    clearest = max(proposals, key=lambda p: p.clarity)
    assert clearest.tree.stages[-1] == PLANT


def test_after_its_proposals_it_neither_observes_nor_proposes() -> None:
    sharing = FullyAdaptive()
    network = shown(sharing)
    sharing.proposals(network)
    before = sharing.affinities()
    every = torch.ones(8, 4, dtype=torch.bool)
    sharing.observe(StepEvidence(torch.rand(8, 4), every, whole))
    assert not sharing.proposals(network)
    for name, found in sharing.affinities().items():
        np.testing.assert_array_equal(found.matrix, before[name].matrix)


def test_with_alpha_the_last_shared_stage_is_divided_and_the_others_stay() -> None:
    sharing = FullyAdaptive(alpha=0.2)
    network = shown(sharing)
    (first,) = sharing.proposals(network)
    assert first.tree.stages == ((BINARY.names,), PLANT)
    wider = network.regrown(first.tree)
    further = FullyAdaptive(alpha=50.0)
    shown(further)
    (second,) = further.proposals(wider)
    assert second.tree.stages == (PLANT, PLANT)
    assert not further.proposals(network.regrown(second.tree))


def test_with_alpha_the_evidence_goes_on_after_a_division() -> None:
    sharing = FullyAdaptive(alpha=0.2)
    network = shown(sharing)
    sharing.proposals(network)
    before = sharing.state_tensors()["progress"].clone()
    sharing.observe(StepEvidence(torch.rand(8, 4), torch.ones(8, 4, dtype=torch.bool), whole))
    assert sharing.state_tensors()["progress"][0] == before[0] + 1


def test_a_budget_is_the_most_divided_tree_within_it() -> None:
    for budget in (196, 268, 300, 600):
        sharing = FullyAdaptive(max_parameters=budget)
        network = shown(sharing)
        (proposal,) = sharing.proposals(network)
        path = sharing.path(network)
        assert network.parameters_of(proposal.tree) <= budget
        larger = [s for s in path.steps if network.parameters_of(s.tree) <= budget]
        assert proposal.tree == larger[-1].tree


def test_what_it_learned_travels_with_its_state() -> None:
    one = FullyAdaptive()
    network = shown(one)
    two = FullyAdaptive()
    two.build(backbone(), BINARY)
    two.load_state_tensors({name: t.clone() for name, t in one.state_tensors().items()})
    np.testing.assert_array_equal(one.matrix(), two.matrix())
    assert one.proposals(network) == two.proposals(network)
    three = FullyAdaptive()
    three.build(backbone(), BINARY)
    three.load_state_tensors(one.state_tensors())
    assert not three.proposals(network)


def test_building_again_forgets() -> None:
    sharing = FullyAdaptive()
    sharing.proposals(shown(sharing))
    network = shown(sharing, groups=1)
    assert sharing.state_tensors()["progress"][0] == 60
    assert sharing.proposals(network)


def test_evidence_is_added_up_over_machines() -> None:
    one, two = FullyAdaptive(), FullyAdaptive()
    for each in (one, two):
        each.build(backbone(), BINARY)
    margins = torch.rand(32, 4)
    every = torch.ones(32, 4, dtype=torch.bool)
    twice = torch.cat([margins, margins]), torch.cat([every, every])
    for _ in range(3):
        one.observe(StepEvidence(margins, every, lambda tensor: 2 * tensor))
        two.observe(StepEvidence(*twice, whole))
    np.testing.assert_allclose(one.matrix(), two.matrix(), rtol=1e-6)


def test_the_plant_is_stable() -> None:
    sharing = FullyAdaptive()
    shown(sharing, 100)
    tree = SharingTree(BINARY.names, ((BINARY.names,), PLANT))
    again = sharing.observer()
    network = shown(again, 100)
    assert sharing.stability(tree, [again]) == [[1.0], [1.0, 1.0]]
    crossed = tree.reassigned([0, 2, 1, 3])
    assert max(sharing.stability(crossed, [again])[1]) == 0
    assert again.proposals(network) == []
    assert again.warm_up_epochs(4) == 0


def test_one_task_grows_nothing() -> None:
    tasks = TaskSet([Task("only", Binary())])
    sharing = FullyAdaptive()
    network = sharing.build(backbone(), tasks)
    assert sharing.warm_up_epochs(1) == 0
    assert not sharing.proposals(network)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1.0}, "`alpha` must be finite and 0 or more"),
        ({"alpha": float("nan")}, "`alpha` must be finite"),
        ({"alpha": 1.0, "max_parameters": 5}, "both decide the width; give one of them"),
        ({"max_parameters": 0}, "`max_parameters` must be a whole number of at least 1"),
        ({"growing_epochs": 0}, "`growing_epochs` must be 1 or more"),
        ({"n_candidates": 0}, "`n_candidates` must be 1 or more"),
        ({"interval": 0}, "`interval` must be 1 or more"),
    ],
)
def test_refuses_settings_out_of_range(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FullyAdaptive(**settings)  # type: ignore[arg-type]  # on purpose


def test_a_fixed_tree_must_fit() -> None:
    with pytest.raises(InputError, match=r"one level per stage of the backbone, 2\. Got 1"):
        FixedTree(SharingTree.shared(BINARY.names, 1)).build(backbone(), BINARY)
    with pytest.raises(InputError, match="`growing_epochs_first` must be 0 or more"):
        FixedTree(SharingTree.shared(BINARY.names, 2), growing_epochs_first=-1)
    wrong = FixedTree(SharingTree.shared(("x",), 2), growing_epochs_first=1)
    with pytest.raises(InputError, match=r"must hold every task\. It lacks"):
        wrong.build(backbone(), BINARY)
    more = SharingTree.shared((*BINARY.names, "x"), 2)
    with pytest.raises(InputError, match=r"must hold no other tasks\. It also has 'x'"):
        FixedTree(more).build(backbone(), BINARY)


def test_a_fixed_tree_may_name_its_tasks_in_another_order() -> None:
    first, *others = BINARY.names
    stages = (((*others, first),), ((*others,), (first,)))
    network = FixedTree(SharingTree((*others, first), stages)).build(backbone(), BINARY)
    assert network.tree == SharingTree(BINARY.names, stages)


def test_the_papers_caps_and_unit_costs_are_those_of_the_authors_code() -> None:
    sharing = FullyAdaptive.paper(32, 2.0)
    network = sharing.build(vgg16(width=32, input_size=32), BINARY)
    costs = widening_costs(network, 1 / 64, sharing.max_widths, by_size=False)
    from_the_top = [64 * cost.unit for cost in costs[::-1]]
    assert from_the_top == [1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 32, 32]
    caps = [cost.max_groups for cost in costs]
    assert caps == [2, 2, 4, 4, 8, 8, 8, *6 * [16], 64, 64]


def test_a_cap_holds_on_the_path_and_with_alpha() -> None:
    for alpha in (None, 1e6):
        sharing = FullyAdaptive(alpha=alpha, max_widths=[1, 3])
        network = shown(sharing)
        proposals = sharing.proposals(network)
        assert max(each.tree.widths[1] for each in proposals) == 3
        assert all(each.tree.widths[0] == 1 for each in proposals)


def test_the_last_round_divides_nothing() -> None:
    one = FullyAdaptive(alpha=1e6, max_rounds=1)
    assert not one.proposals(shown(one))
    two = FullyAdaptive(alpha=1e6, max_rounds=2)
    network = shown(two)
    (first,) = two.proposals(network)
    assert not two.proposals(network.regrown(first.tree))


def test_refuses_caps_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="`max_widths` must be 1 or more each"):
        FullyAdaptive(max_widths=[0, 1])
    sharing = FullyAdaptive(max_widths=[1, 1, 1])
    with pytest.raises(InputError, match="one number per stage of the backbone, 2"):
        sharing.proposals(shown(sharing))


def test_statistics_are_carried_or_start_anew() -> None:
    layers = (nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.BatchNorm1d(4))
    network = HardSharing().build(nn.Sequential(*layers), BINARY)
    network.train()(torch.randn(16, 6) + 3)
    tree = SharingTree(BINARY.names, ((BINARY.names,), PLANT))
    x = torch.randn(5, 6)
    carried, anew = (network.regrown(tree, restart_statistics=r) for r in (False, True))
    torch.testing.assert_close(carried.eval()(x), network.eval()(x))
    state = anew.state_dict()
    assert all((v == 0).all() for name, v in state.items() if name.endswith("running_mean"))
    assert all((v == 1).all() for name, v in state.items() if name.endswith("running_var"))
    torch.testing.assert_close(anew.train()(x), network.train()(x))


def shown_gradients(sharing: FullyAdaptive) -> BranchedNetwork:
    """Build, and show it gradients in which the first half of the tasks goes together."""
    network = sharing.build(backbone(), BINARY)
    generator = torch.Generator().manual_seed(0)
    every, columns = torch.ones(64, 4, dtype=torch.bool), torch.arange(4)
    group = torch.arange(4) // 2
    for _ in range(30):
        rows = torch.randn(64, 2, generator=generator)[:, group]
        heads = torch.randn(2, 8, generator=generator)[group]
        sharing.observe(HeadGradients(rows, heads, columns, every, whole))
    return network


@pytest.mark.parametrize("affinity", ["gradient-cosine", "gradient-factors"])
def test_gradients_show_the_planted_groups_from_heads_that_start_at_zero(affinity: str) -> None:
    sharing = FullyAdaptive(affinity=affinity)
    network = shown_gradients(sharing)
    assert sharing.needs_gradients
    assert not network.heads.weight.any()
    clearest = max(sharing.proposals(network), key=lambda p: p.clarity)
    assert clearest.tree.stages[-1] == PLANT
    assert set(sharing.affinities()) == {"gradient-cosine", "gradient-factors"}
    assert min(min(stage) for stage in sharing.stability(clearest.tree, [sharing])) == 1


def test_margins_need_no_gradients_and_leave_the_heads_as_they_are() -> None:
    for sharing in (FullyAdaptive(), FullyAdaptive(affinity="margins")):
        assert not sharing.needs_gradients
        assert sharing.build(backbone(), BINARY).heads.weight.all()
    assert FullyAdaptive().affinity == "margins-corrected"


def test_evidence_of_the_other_sort_is_refused() -> None:
    every = torch.ones(8, 4, dtype=torch.bool)
    gradients = HeadGradients(torch.ones(8, 4), torch.ones(4, 8), torch.arange(4), every, whole)
    one, two = FullyAdaptive(), FullyAdaptive(affinity="gradient-cosine")
    for sharing in (one, two):
        sharing.build(backbone(), BINARY)
    with pytest.raises(InputError, match=r"must hold margins\. Got HeadGradients"):
        one.observe(gradients)
    with pytest.raises(InputError, match=r"must hold gradients\. Got StepEvidence"):
        two.observe(StepEvidence(torch.rand(8, 4), every, whole))


def test_an_affinity_is_one_of_the_known() -> None:
    with pytest.raises(InputError, match="`affinity` must be one of 'margins', "):
        FullyAdaptive(affinity="gradients")
