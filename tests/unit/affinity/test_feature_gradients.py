import numpy as np
import pytest
import torch
from tests.settings import DEVICE, DTYPE
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError
from ramify.affinity import FeatureGradientAffinity
from ramify.weighting import gram_at_features

N_TASKS = 4
ONE_EACH = torch.arange(N_TASKS, device=DEVICE)
SEVERAL = torch.tensor([0, 1, 1, 1, 2, 3, 3], device=DEVICE)
Step = tuple[Tensor, Tensor, Tensor, Tensor]


def steps(
    n: int = 12, size: int = 16, *, columns: Tensor = ONE_EACH, labelled: float = 0.6, seed: int = 0
) -> list[Step]:
    """Gradients at outputs that are 0 where unlabelled, heads, places of the tasks, labels."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=DTYPE).to(DEVICE)

    found = []
    for _ in range(n):
        mask = (torch.rand(size, N_TASKS, generator=generator) < labelled).to(DEVICE)
        gradients = (normal(size, 1) + normal(size, len(columns))) * mask[:, columns]
        found.append((gradients, normal(1, 5) + normal(len(columns), 5), columns, mask))
    return found


def folded(found: list[Step], decay: float = 0.9) -> FeatureGradientAffinity:
    affinity = FeatureGradientAffinity(N_TASKS, decay)
    for step in found:
        affinity.fold(affinity.batch_sums(*step))
    return affinity


def reference(found: list[Step], decay: float) -> np.ndarray:
    """Row by row: the gradient of each task at the features, and their products."""
    products, one, two = (np.zeros((N_TASKS, N_TASKS)) for _ in range(3))
    for k, step in enumerate(found):
        gradients, heads, columns, mask = (each.double().cpu().numpy() for each in step)
        for row, labels in zip(gradients, mask.astype(bool), strict=True):
            pulls = np.stack([(row[:, None] * heads)[columns == t].sum(0) for t in range(N_TASKS)])
            for i in range(N_TASKS):
                for j in range(N_TASKS):
                    if labels[i] and labels[j]:
                        weight = decay ** (len(found) - 1 - k)
                        products[i, j] += weight * pulls[i] @ pulls[j]
                        one[i, j] += weight * pulls[i] @ pulls[i]
                        two[i, j] += weight * pulls[j] @ pulls[j]
    return (1 + products / np.sqrt(one * two)) / 2


def test_pairs_without_a_row_in_common_stay_unknown_in_both_readings() -> None:
    found = steps(labelled=1.0)
    own = torch.zeros(16, N_TASKS, dtype=torch.bool, device=DEVICE)
    own[:8, :2] = own[8:, 2:] = True
    affinity = folded([(g * own, heads, columns, own) for g, heads, columns, _ in found])
    unknown = own.double().T @ own.double() == 0
    for matrix in (affinity.cosine(), affinity.factors()):
        assert_close(matrix.isnan(), unknown)


@pytest.mark.parametrize("columns", [ONE_EACH, SEVERAL])
@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_equals_the_sum_over_rows(decay: float, columns: Tensor) -> None:
    found = steps(columns=columns)
    expected = torch.from_numpy(reference(found, decay)).to(DEVICE)
    tolerance = 1e-10 if torch.float64 == DTYPE else 1e-4
    assert_close(folded(found, decay).cosine(), expected, rtol=tolerance, atol=tolerance)


def test_with_all_labels_it_is_the_cosine_of_the_gram_matrices_summed() -> None:
    found = steps(columns=SEVERAL, labelled=1.0)
    gram = sum(gram_at_features(d, w, c, N_TASKS) for d, w, c, _ in found)
    assert isinstance(gram, Tensor)
    lengths = gram.diagonal().sqrt()
    expected = ((1 + gram / lengths[:, None] / lengths) / 2).double()
    assert_close(folded(found, 1.0).cosine(), expected, rtol=1e-4, atol=1e-4)


def test_a_task_whose_target_and_head_are_turned_is_as_alike_as_before() -> None:
    turned = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=DTYPE, device=DEVICE)
    found = steps()
    mirrored = [(d * turned, w * turned[:, None], c, m) for d, w, c, m in found]
    assert_close(folded(mirrored).cosine(), folded(found).cosine())
    assert_close(folded(mirrored).factors(), folded(found).factors())


@pytest.mark.parametrize("affinity", ["cosine", "factors"])
def test_it_is_symmetric_in_bounds_and_follows_the_order_of_tasks(affinity: str) -> None:
    order = torch.tensor([2, 0, 3, 1], device=DEVICE)
    found = steps()
    turned = [(d[:, order], w[order], c, m[:, order]) for d, w, c, m in found]
    matrix, again = (getattr(folded(each), affinity)() for each in (found, turned))
    assert_close(matrix, matrix.T)
    assert_close(matrix.diagonal(), torch.ones_like(matrix.diagonal()))
    assert matrix.min() >= 0
    assert matrix.max() <= 1
    assert_close(again, matrix[order][:, order], rtol=1e-4, atol=1e-4)


def test_a_task_without_labels_is_unknown_and_a_pair_never_seen_too() -> None:
    found = steps(labelled=1.0)
    half = torch.arange(16, device=DEVICE) < 8
    for gradients, _, _, mask in found:
        mask[:, 3] = False
        mask[:, 0] &= half
        mask[:, 1] &= ~half
        gradients.mul_(mask)
    matrix = folded(found).cosine()
    assert matrix[3].isnan().all()
    assert matrix[:, 3].isnan().all()
    assert matrix[0, 1].isnan()
    assert not matrix[[0, 1]][:, [2]].isnan().any()
    factors = folded(found).factors()
    assert factors[3].isnan().all()
    assert factors[0, 1].isnan()
    assert not factors[[0, 1]][:, [2]].isnan().any()


def test_two_machines_that_add_up_see_what_one_sees() -> None:
    whole, parts = FeatureGradientAffinity(N_TASKS), FeatureGradientAffinity(N_TASKS)
    for gradients, heads, columns, mask in steps():
        whole.fold(whole.batch_sums(gradients, heads, columns, mask))
        first = parts.batch_sums(gradients[:5], heads, columns, mask[:5])
        parts.fold(first + parts.batch_sums(gradients[5:], heads, columns, mask[5:]))
    assert_close(parts.cosine(), whole.cosine(), rtol=1e-4, atol=1e-4)


def test_each_block_drawn_once_is_the_evidence_as_it_was() -> None:
    affinity = folded(steps(25))
    every = torch.ones(affinity.n_blocks, device=DEVICE)
    assert_close(affinity.resampled(every, factors=False), affinity.cosine())
    assert_close(affinity.resampled(every, factors=True), affinity.factors())


def test_from_a_saved_state_it_goes_on_as_if_never_stopped() -> None:
    found = steps(25)
    first = folded(found[:7])
    then = FeatureGradientAffinity(N_TASKS, 0.9).load_state_dict(first.state_dict())
    for step in found[7:]:
        then.fold(then.batch_sums(*step))
    assert_close(then.cosine(), folded(found).cosine(), rtol=0, atol=0)


def test_a_long_training_does_not_overflow() -> None:
    affinity = folded(steps(3) * 200, decay=0.5)
    assert_close(affinity.cosine(), folded(steps(3) * 10, decay=0.5).cosine())


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(InputError, match="n_tasks"):
        FeatureGradientAffinity(0)
    for decay in (0.0, 1.1):
        with pytest.raises(InputError, match="decay"):
            FeatureGradientAffinity(2, decay)
    with pytest.raises(InputError, match="energy"):
        FeatureGradientAffinity(2, energy=0.0)
