import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ramify._core import InputError, ShapeError
from ramify.grouping import StageCost, has_evidence, known_share, sharing_path, unknown_pairs
from ramify.grouping._evidence import cleaned_affinity

from ._planted import blocks


def holed(n: int, *pairs: tuple[int, int]) -> np.ndarray:
    affinity = blocks(n, 2)
    for pair in pairs:
        affinity[pair] = np.nan
    return affinity


def test_a_pair_is_known_where_either_direction_is() -> None:
    assert known_share(holed(4, (0, 1))) == 1
    both = holed(4, (0, 1), (1, 0), (3, 2), (2, 3), (1, 2))
    assert known_share(both) == pytest.approx(4 / 6)
    assert unknown_pairs(both).tolist() == [[0, 1], [2, 3]]


def test_limits() -> None:
    assert known_share(np.ones((1, 1))) == known_share(np.full((1, 1), np.nan)) == 1
    assert known_share(np.full((5, 5), np.nan)) == 0
    assert len(unknown_pairs(np.full((5, 5), np.nan))) == 10
    assert len(unknown_pairs(blocks(6, 2))) == 0


@pytest.mark.parametrize(("n_known", "enough"), [(2, False), (3, True)])  # of 10 pairs
def test_a_quarter_of_the_pairs_is_evidence(n_known: int, enough: bool) -> None:
    affinity = np.full((5, 5), np.nan)
    affinity[0, 1 : 1 + n_known] = 0.5
    assert has_evidence(affinity) == enough


def test_the_argument_stays_as_it_was() -> None:
    affinity = holed(4, (0, 1), (1, 0))
    before = affinity.copy()
    cleaned_affinity(affinity)
    unknown_pairs(affinity)
    assert_array_equal(affinity, before)


def test_a_cleaned_affinity_of_many_is_symmetric(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = np.random.default_rng(0).random((11, 11))
    raw[2, 3] = np.nan
    whole = cleaned_affinity(raw)
    monkeypatch.setattr("ramify.grouping._evidence._PANEL", 4)
    assert_array_equal(cleaned_affinity(raw), whole)
    assert_array_equal(whole, whole.T)


def test_the_path_from_no_evidence_is_the_shared_tree() -> None:
    path = sharing_path(np.full((6, 6), np.nan), list("abcdef"), [StageCost(), StageCost()])
    assert [step.tree.widths for step in path.steps] == [(1, 1)]
    assert path.known == 0
    assert not path.has_evidence
    assert sharing_path(blocks(6, 2), list("abcdef"), [StageCost()]).has_evidence


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones(4), np.ones((0, 0))])
def test_no_matrix_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="affinity"):
        known_share(bad)


@pytest.mark.parametrize("value", [-0.1, 1.5, np.inf])
def test_values_out_of_range_are_refused(value: float) -> None:
    affinity = blocks(4, 2)
    affinity[0, 1] = value
    with pytest.raises(InputError, match="affinity"):
        unknown_pairs(affinity)
