import itertools
import math

import numpy as np
import pytest
import torch
from tests.references import penalties as reference
from torch import Tensor
from torch.testing import assert_close

from ramify import penalties
from ramify._core import InputError, ShapeError
from ramify.penalties import (
    SPLITS,
    Splits,
    TensorNormal,
    anchor_distance,
    anchor_pulled,
    complete_graph,
    graph_distance,
    negative_log_prior,
    pull,
    pulled,
    subspace_overlap,
    trace_norm,
    trace_norm_shrunk,
)
from ramify.penalties._trace_norm import folded, unfolded

every_splits = pytest.mark.parametrize("splits", SPLITS.values(), ids=SPLITS)
GRAPH = torch.tensor([[0.0, 2, 0, 0], [2, 0, 0.5, 0], [0, 0.5, 0, 0], [0, 0, 0, 0]]).double()
SHAPES = [(4, 3), (4, 3, 5), (4, 3, 2, 3, 3)]


def weights(shape: tuple[int, ...] = (4, 3, 5), seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def spd(n: int, seed: int) -> Tensor:
    a = weights((n, n), seed)
    return a @ a.T + torch.eye(n, dtype=torch.float64)


def test_every_name_of_the_room_resolves() -> None:
    assert all(hasattr(penalties, name) for name in penalties.__all__)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_distance_is_that_of_the_loop(shape: tuple[int, ...]) -> None:
    w = weights(shape)
    assert_close(
        graph_distance(w, GRAPH).item(), reference.graph_distance(w.numpy(), GRAPH.numpy())
    )


def test_pairs_are_as_far_apart_as_tasks_from_their_mean() -> None:
    w = weights()
    from_mean = (w - w.mean(0)).square().sum() / 2
    assert_close(graph_distance(w, complete_graph(4)), 4 * from_mean)
    assert_close(graph_distance(w, complete_graph(4, 1 / 4)), from_mean)


def test_the_gradient_of_the_distance_is_the_laplacian() -> None:
    w = weights((4, 6)).requires_grad_()
    (gradient,) = torch.autograd.grad(graph_distance(w, GRAPH), w)
    assert_close(gradient, (torch.diag(GRAPH.sum(0)) - GRAPH) @ w)
    assert torch.autograd.gradcheck(lambda x: graph_distance(x, GRAPH), w)


def test_pulling_solves_its_own_problem() -> None:
    """At the proximal point, the gradient of ½‖x − w‖² + η·distance vanishes."""
    w, step = weights(), 0.7
    x = pulled(w, pull(GRAPH, step)).requires_grad_()
    objective = (x - w).square().sum() / 2 + step * graph_distance(x, GRAPH)
    (gradient,) = torch.autograd.grad(objective, x)
    assert_close(gradient, torch.zeros_like(w))


def test_without_a_step_nothing_is_pulled_and_without_end_all_meet_at_their_mean() -> None:
    w = weights()
    assert_close(pulled(w, pull(GRAPH, 0.0)), w)
    met = pulled(w, pull(GRAPH, math.inf))
    assert_close(met[:3], w[:3].mean(0).expand(3, -1, -1))
    assert_close(met[3], w[3])  # joined with nobody
    assert_close(pulled(w, pull(GRAPH, 1e12)), met, rtol=1e-6, atol=1e-6)


def test_an_anchor_stays_and_pulls() -> None:
    w, anchor = weights(), weights((3, 5), 1)
    before = anchor.clone()
    x = anchor_pulled(w, anchor, 0.5).requires_grad_()
    objective = (x - w).square().sum() / 2 + 0.5 * anchor_distance(x, anchor)
    (gradient,) = torch.autograd.grad(objective, x)
    assert_close(gradient, torch.zeros_like(w))
    assert torch.equal(anchor, before)
    assert_close(anchor_pulled(w, anchor, math.inf), anchor.expand_as(w))
    assert torch.equal(anchor_pulled(w, anchor, 0.0), w)


def test_a_graph_that_is_none_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"over 4 tasks. Got \(3, 3\)"):
        graph_distance(weights(), complete_graph(3))
    with pytest.raises(InputError, match="symmetric"):
        graph_distance(weights(), torch.triu(torch.ones(4, 4)))
    with pytest.raises(InputError, match="0 or more"):
        pull(-GRAPH, 1.0)


@every_splits
@pytest.mark.parametrize("shape", SHAPES)
def test_the_trace_norm_is_that_of_numpy(splits: Splits, shape: tuple[int, ...]) -> None:
    w = weights(shape)
    assert_close(trace_norm(w, splits).item(), reference.trace_norm(w.numpy(), splits(w.ndim)))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_chain_is_the_same_from_either_end(shape: tuple[int, ...]) -> None:
    """The papers have the task axis last; here it is first."""
    w = weights(shape)
    turned = w.permute(*reversed(range(w.ndim)))
    chain = SPLITS["tt"]
    assert_close(trace_norm(w, chain), trace_norm(turned, chain))


@every_splits
def test_unfolding_and_folding_back_changes_nothing(splits: Splits) -> None:
    w = weights((4, 3, 2, 5))
    for rows in splits(4):
        assert torch.equal(folded(unfolded(w, rows), rows, w), w)


@every_splits
def test_the_trace_norm_has_the_gradient_of_finite_differences(splits: Splits) -> None:
    assert torch.autograd.gradcheck(lambda x: trace_norm(x, splits), weights().requires_grad_())


def test_shrinking_is_the_proximal_point() -> None:
    """No other point is better: its objective lies below that of every neighbour."""
    w, step = weights((4, 7)), 0.8
    best = trace_norm_shrunk(w, step)

    def objective(x: Tensor) -> Tensor:
        return (x - w).square().sum() / 2 + step * trace_norm(x)

    for seed in range(20):
        assert objective(best) <= objective(best + 0.01 * weights((4, 7), seed + 1))


@every_splits
def test_shrinking_lowers_the_objective(splits: Splits) -> None:
    w, step = weights(), 0.05
    x = trace_norm_shrunk(w, step, splits)
    cost = (x - w).square().sum() / 2 + step * trace_norm(x, splits)
    assert cost < step * trace_norm(w, splits)


def test_shrinking_makes_the_rank_low() -> None:
    w = weights((6, 40))
    values = np.linalg.svd(w.numpy(), compute_uv=False)
    x = trace_norm_shrunk(w, float(values[2] + values[3]) / 2)
    assert np.linalg.matrix_rank(x.numpy()) == 3
    assert not trace_norm_shrunk(w, 100.0).any()
    assert_close(trace_norm_shrunk(w, 0.0), w)
    assert_close(trace_norm_shrunk(w.T.contiguous(), 1.0).T, trace_norm_shrunk(w, 1.0))


def test_the_log_prior_is_that_of_the_dense_covariance() -> None:
    w = weights((3, 2, 4))
    features, outputs, tasks = spd(4, 1), spd(2, 2), spd(3, 3)
    every = (features, outputs, tasks)
    logs = torch.stack([torch.linalg.slogdet(each).logabsdet for each in every])
    found = negative_log_prior(w, (features.inverse(), outputs.inverse(), tasks.inverse()), logs)
    wanted = reference.negative_log_prior(w.numpy(), *(each.numpy() for each in every))
    assert_close(found.item(), wanted)


def test_without_structure_the_prior_is_weight_decay() -> None:
    w = weights()
    prior = TensorNormal((4, 3, 5))
    assert_close(prior.penalty(w), w.square().sum() / 2)
    assert torch.autograd.gradcheck(prior.penalty, w.requires_grad_())


def test_covariances_become_those_of_kronecker_products() -> None:
    w = weights((3, 4, 5))
    prior = TensorNormal((3, 4, 5), ridge=1e-12, damping=0.0)
    prior.update(w)
    eye = [np.eye(n) for n in (5, 4, 3)]
    features = reference.best_covariances(w.numpy(), *eye)[0]
    outputs = reference.best_covariances(w.numpy(), features, eye[1], eye[2])[1]
    tasks = reference.best_covariances(w.numpy(), features, outputs, eye[2])[2]
    scale = features.trace() / 5 * outputs.trace() / 4
    assert_close(prior.features.numpy(), features / features.trace() * 5, rtol=1e-6, atol=1e-9)
    assert_close(prior.outputs.numpy(), outputs / outputs.trace() * 4, rtol=1e-6, atol=1e-9)
    assert_close(prior.tasks.numpy(), tasks * scale, rtol=1e-6, atol=1e-9)


def test_every_update_makes_the_weights_more_likely() -> None:
    w = weights((4, 6, 7))
    prior = TensorNormal((4, 6, 7), ridge=1e-9, damping=0.0)
    objectives = [prior.penalty(w)]
    for _ in range(5):
        prior.update(w)
        objectives.append(prior.penalty(w))
    assert all(after <= before + 1e-9 for before, after in itertools.pairwise(objectives))
    assert objectives[1] < objectives[0]


def test_planted_task_relations_are_found() -> None:
    """Two tasks alike, one opposed to them, one apart; features and outputs correlated too."""
    tasks = torch.tensor([[1.0, 0.9, -0.8, 0], [0.9, 1, -0.8, 0], [-0.8, -0.8, 1, 0], [0, 0, 0, 1]])
    roots = [torch.linalg.cholesky(each) for each in (tasks.double(), spd(30, 1), spd(40, 2))]
    w = torch.einsum("tj,jof->tof", roots[0], roots[1] @ weights((4, 30, 40)) @ roots[2].T)
    prior = TensorNormal((4, 30, 40), ridge=1e-6, damping=0.0)
    for _ in range(10):
        prior.update(w)
    scale = prior.tasks.diagonal().sqrt()
    assert_close(prior.tasks / scale / scale[:, None], tasks.double(), rtol=0, atol=0.12)


def test_covariances_stay_definite_when_all_tasks_are_one() -> None:
    w = weights((1, 3, 5)).expand(4, -1, -1)
    prior = TensorNormal((4, 3, 5))
    for _ in range(50):
        prior.update(w)
    assert prior.penalty(w).isfinite()
    assert torch.linalg.eigvalsh(prior.tasks).min() > 0
    assert_close(prior.features.diagonal().mean(), torch.tensor(1.0).double())


def test_only_the_tasks_are_related_if_so_wanted() -> None:
    w = weights()
    prior = TensorNormal((4, 3, 5), only_tasks=True, damping=0.0, ridge=1e-9)
    prior.update(w)
    assert_close(prior.features, torch.eye(5).double())
    assert_close(prior.tasks, w.flatten(1) @ w.flatten(1).T / 15, rtol=1e-6, atol=1e-6)


def test_the_state_of_a_prior_is_all_of_it() -> None:
    w = weights()
    one, two = TensorNormal((4, 3, 5)), TensorNormal((4, 3, 5))
    one.update(w)
    two.load_state(one.state())
    assert torch.equal(one.penalty(w), two.penalty(w))


@pytest.mark.parametrize(("ridge", "damping"), [(0.0, 0.5), (0.1, 1.0), (0.1, -0.1)])
def test_a_prior_that_would_degenerate_is_refused(ridge: float, damping: float) -> None:
    with pytest.raises(InputError, match="`ridge` must be above 0"):
        TensorNormal((4, 3, 5), ridge=ridge, damping=damping)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 6, 2, 3, 3)])
def test_the_overlap_is_that_of_the_loop(shape: tuple[int, ...]) -> None:
    w = weights(shape)
    assert_close(subspace_overlap(w, 2).item(), reference.subspace_overlap(w.numpy(), 2))
    assert torch.autograd.gradcheck(lambda x: subspace_overlap(x, 2), w.requires_grad_())


def test_orthogonal_subspaces_do_not_overlap() -> None:
    w = torch.eye(4).double().expand(3, 4, 4)
    assert subspace_overlap(w, 2) == 0
    assert subspace_overlap(w, 4) == 0


def test_a_given_variance_stays_while_the_relations_are_learned() -> None:
    """Else weights that shrink would have a prior that shrinks them more."""
    w = 1e-3 * weights()
    given, learned = TensorNormal((4, 3, 5), variance=0.2), TensorNormal((4, 3, 5))
    start = given.penalty(w)
    assert_close(start - given.penalty(0 * w), w.square().sum() / 2 / 0.2)
    for _ in range(60):  # what is learned starts a million times too large
        given.update(w)
        learned.update(w)
    assert_close(given.tasks.diagonal().mean(), torch.tensor(0.2).double())
    assert learned.tasks.diagonal().mean() < 1e-4
    correlations = [each.tasks / each.tasks.diagonal().mean() for each in (given, learned)]
    assert_close(*correlations, rtol=0.05, atol=0.01)
    with pytest.raises(InputError, match="`variance` must be above 0"):
        TensorNormal((4, 3, 5), variance=0.0)


def test_damping_averages_each_covariance_with_its_last_value() -> None:
    """The scale of the best one counts there, which without damping cancels."""
    w = 3 * weights((3, 4, 5))
    prior = TensorNormal((3, 4, 5), ridge=1e-12, damping=0.5)
    prior.update(w)
    eye = [np.eye(n) for n in (5, 4, 3)]
    features = (reference.best_covariances(w.numpy(), *eye)[0] + eye[0]) / 2
    outputs = (reference.best_covariances(w.numpy(), features, eye[1], eye[2])[1] + eye[1]) / 2
    assert_close(prior.features.numpy(), features / features.trace() * 5, rtol=1e-6, atol=1e-9)
    assert_close(prior.outputs.numpy(), outputs / outputs.trace() * 4, rtol=1e-6, atol=1e-9)
