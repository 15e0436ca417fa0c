import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.manifold import spectral_embedding as theirs
from sklearn.metrics import adjusted_rand_score

from ramify.grouping._spectral import spectral_embedding, spectral_labelings

from ._planted import blocks, noisy


def spread(rows: np.ndarray, labels: np.ndarray) -> float:
    return float(
        sum(((rows[labels == g] - rows[labels == g].mean(0)) ** 2).sum() for g in set(labels))
    )


@pytest.mark.parametrize("n", [5, 12, 40])
def test_without_self_affinity_the_embedding_is_that_of_scikit_learn(n: int) -> None:
    affinity = np.random.default_rng(n).uniform(0.2, 1, (n, n))
    affinity = (affinity + affinity.T) / 2
    np.fill_diagonal(affinity, 1)
    expected = theirs(affinity, n_components=4, eigen_solver="arpack", drop_first=False)
    found = spectral_embedding(affinity, 4, self_affinity=False)[:, ::-1]
    assert_allclose(np.abs(found), np.abs(expected), atol=1e-8)


def test_self_affinity_counts_where_it_should() -> None:
    affinity = noisy(8, 2)
    with_it, without = (spectral_embedding(affinity, 3, self_affinity=own) for own in (True, False))
    assert np.abs(np.abs(with_it) - np.abs(without)).max() > 1e-3
    np.fill_diagonal(affinity, 0)
    assert_allclose(spectral_embedding(affinity, 3), without)


@pytest.mark.parametrize("n_groups", [2, 3, 5, 8])
def test_runs_side_by_side_are_as_tight_as_those_of_scikit_learn(n_groups: int) -> None:
    ours, expected = [], []
    for seed in range(5):
        rows = spectral_embedding(noisy(24, 3, seed), n_groups)
        ours.append(min(spread(rows, each) for each in spectral_labelings(rows, n_groups, seed)))
        expected.append(KMeans(n_groups, n_init=20, random_state=seed).fit(rows).inertia_)
    assert np.mean(ours) <= 1.02 * np.mean(expected)


def test_proposals_differ_and_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).standard_normal((30, 6))
    found = list(spectral_labelings(rows, 6, 3))
    assert 1 < len(found) <= 5
    again = list(spectral_labelings(rows, 6, 3))
    assert_array_equal(found, again)
    monkeypatch.setattr("ramify.grouping._spectral._MOST_AT_ONCE", 7 * 30 * 6)
    assert_array_equal(list(spectral_labelings(rows, 6, 3)), found)


def test_fewer_different_rows_than_groups_give_one_group() -> None:
    (labels,) = spectral_labelings(np.repeat(np.eye(2, 3), 4, axis=0), 3, 0)
    assert set(labels) == {0}


def test_what_is_like_nothing_has_a_place() -> None:
    affinity = blocks(6, 2)
    affinity[0] = affinity[:, 0] = 0
    assert np.isfinite(spectral_embedding(affinity, 3, self_affinity=False)).all()


@pytest.mark.parametrize("self_affinity", [True, False])
@pytest.mark.parametrize("connected", [True, False])
def test_few_eigenvectors_of_many_rows_are_those_of_all(
    connected: bool, self_affinity: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.arange(120) % 4
    same = truth[:, None] == truth
    affinity = np.random.default_rng(0).uniform(0.7, 1, (120, 120)) * np.where(
        same, 1.0, 0.4 * connected
    )
    affinity = (affinity + affinity.T) / 2
    whole = spectral_embedding(affinity, 4, self_affinity=self_affinity)
    monkeypatch.setattr("ramify.grouping._spectral._DENSE_UP_TO", 50)
    few = spectral_embedding(affinity, 4, self_affinity=self_affinity)
    # Vectors of equal values may turn among themselves: what they span is the same.
    basis = np.linalg.qr(whole)[0]
    assert np.abs(few - basis @ (basis.T @ few)).max() < 1e-3 * np.abs(few).max()
    assert all(adjusted_rand_score(truth, each) == 1 for each in spectral_labelings(few, 4, 0))
