import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import silhouette_score

from ramify._core import ShapeError
from ramify.grouping import clarity, contrasted

from ._planted import blocks, in_blocks, noisy


def test_clarity_is_the_mean_silhouette() -> None:
    affinity = noisy(9, 3)
    groups = [[0, 4, 8], [1, 2, 3], [5, 6, 7]]
    labels = [0, 1, 1, 1, 0, 2, 2, 2, 0]
    expected = silhouette_score(1 - affinity, labels, metric="precomputed")
    assert_allclose(clarity(affinity, groups), expected)


def test_the_plant_is_clearer_than_any_shuffle() -> None:
    affinity, rng = noisy(8, 2), np.random.default_rng(0)
    planted = clarity(affinity, in_blocks(8, 2))
    for _ in range(20):
        order = rng.permutation(8).tolist()
        shuffled = [sorted(order[:4]), sorted(order[4:])]
        if [0, 1, 2, 3] not in shuffled:
            assert clarity(affinity, shuffled) < planted


def test_all_together_and_all_alone_show_nothing() -> None:
    affinity = noisy(6, 2)
    assert clarity(affinity, [list(range(6))]) == 0
    assert clarity(affinity, [[i] for i in range(6)]) == 0


@pytest.mark.parametrize("groups", [[[0, 1]], [[0, 1], [1, 2]], [[0], [1], [2], [2]]])
def test_clarity_refuses_what_is_no_partition(groups: list[list[int]]) -> None:
    with pytest.raises(ShapeError, match="each of the 3 tasks exactly once"):
        clarity(blocks(3, 1), groups)


def test_contrast_puts_the_typical_nearest_pair_at_one_and_keeps_one_half() -> None:
    found = contrasted(blocks(8, 2, within=0.7, between=0.5))
    assert_allclose(found, blocks(8, 2, within=1.0, between=0.5))


def test_contrast_keeps_the_order_symmetry_and_range() -> None:
    affinity = noisy(9, 3, size=0.1)
    found = contrasted(affinity)
    assert_allclose(found, found.T)
    assert_allclose(found.diagonal(), 1)
    assert found.min() >= 0
    assert found.max() <= 1
    upper = np.triu_indices(9, 1)
    order = affinity[upper].argsort()
    assert (np.diff(found[upper][order]) >= -1e-12).all()


def test_contrast_does_not_stretch_noise() -> None:
    rng = np.random.default_rng(0)
    noise = 0.5 + 0.01 * rng.standard_normal((10, 10))
    found = contrasted((noise + noise.T) / 2)
    assert np.abs(found[~np.eye(10, dtype=bool)] - 0.5).max() < 0.2


def test_contrast_of_one_task_and_of_unknown_pairs() -> None:
    assert_allclose(contrasted(np.ones((1, 1))), 1)
    affinity = blocks(4, 2)
    affinity[0, 3] = affinity[3, 0] = np.nan
    found = contrasted(affinity)
    assert np.isnan(found[[0, 3], [3, 0]]).all()
    assert np.isnan(found).sum() == 2


def test_what_is_unknown_does_not_decide_how_far_the_rest_is_stretched() -> None:
    affinity = np.array([[1, 0.6, 0.5], [0.6, 1, 0.5], [0.5, 0.5, 1]])
    apart = np.pad(affinity, (0, 3), constant_values=np.nan)
    apart[3:, 3:] = affinity
    assert_allclose(contrasted(apart)[:3, :3], contrasted(affinity))
    assert np.isnan(contrasted(np.full((3, 3), np.nan))[~np.eye(3, dtype=bool)]).all()


def test_clarity_of_no_evidence_is_0() -> None:
    assert clarity(np.full((4, 4), np.nan), [[0, 1], [2, 3]]) == 0
