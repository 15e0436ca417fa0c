import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from ramify._core import InputError
from ramify.kernels._inputs import SCALINGS, Inputs

RNG = np.random.default_rng(0)
X = np.c_[
    RNG.lognormal(size=50),
    RNG.integers(0, 2, 50),
    np.full(50, 7.0),
    RNG.normal(size=50),
    np.zeros(50),
]
X[0, 3] = 1000.0


@pytest.mark.parametrize("scaling", SCALINGS)
def test_an_offset_of_a_thousand_million_changes_nothing(scaling: str) -> None:
    rounded = np.round(X * 2**10) / 2**10  # what 1e9 more can hold exactly
    near = Inputs.fitted(rounded, scaling).encode(rounded)
    far = Inputs.fitted(rounded + 1e9, scaling).encode(rounded + 1e9)
    assert_allclose(far, near, atol=1e-5)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_same_again_from_arrays(scaling: str) -> None:
    inputs = Inputs.fitted(X, scaling)
    again = Inputs.from_arrays(inputs.arrays())
    assert_array_equal(again.encode(X), inputs.encode(X))


def test_numbers_come_first_and_two_values_become_bits() -> None:
    inputs = Inputs.fitted(X, "standard")
    assert inputs.n_numbers == 2
    assert_array_equal(inputs.source, [0, 3, 1])
    encoded = inputs.encode(X)
    assert_allclose(encoded[:, :2].mean(axis=0), 0, atol=1e-6)
    assert_allclose(encoded[:, :2].std(axis=0), 1, atol=1e-6)
    assert_array_equal(encoded[:, 2], X[:, 1])


def test_a_third_value_that_comes_later_stays_between_the_two() -> None:
    inputs = Inputs.fitted(np.array([[4.0], [6.0], [6.0]]), "standard")
    assert_array_equal(inputs.encode(np.array([[4.0], [5.0], [9.0]]))[:, 0], [0, 0.5, 1])


def test_clipped_numbers_end_at_ten() -> None:
    many = np.append(RNG.normal(size=999), 1e6)[:, None]
    inputs = Inputs.fitted(many, "clipped")
    assert np.abs(inputs.encode(many * 1e9)).max() == 10
    assert np.abs(Inputs.fitted(many, "standard").encode(many)).max() > 10


def test_quantiles_are_places_among_normal_numbers() -> None:
    values = RNG.permutation(np.arange(101.0))[:, None] ** 3
    inputs = Inputs.fitted(values, "quantile")
    found = inputs.encode(values)[:, 0]
    at = np.clip(np.arange(101) / 100, 0.5 / 101, 1 - 0.5 / 101)
    assert_allclose(np.sort(found), norm.ppf(at) / norm.ppf(at).std(), atol=1e-4)
    beyond = inputs.encode(np.array([[-1e9], [1e9]]))[:, 0]
    assert_allclose(beyond, [found.min(), found.max()])


def test_equal_values_lie_in_the_middle_of_their_places() -> None:
    values = np.repeat([0.0, 1.0, 2.0], [10, 80, 10])[:, None]
    found = Inputs.fitted(values, "quantile").encode(values)[:, 0]
    assert len(np.unique(found)) == 3
    assert_allclose(found[50], 0, atol=1e-6)
    assert_allclose(found[0], -found[-1], atol=1e-6)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_few_rows_and_features_of_one_value(scaling: str) -> None:
    for few in (np.ones((3, 2)), np.arange(3.0)[:, None], np.ones((1, 1))):
        assert np.isfinite(Inputs.fitted(few, scaling).encode(few)).all()


def test_arrays_that_do_not_fit_are_refused() -> None:
    sound = Inputs.fitted(X, "quantile").arrays()
    damages = {
        "source": [np.array([0, 1, 99]), np.array([-1, 0, 1]), sound["source"].astype(float)],
        "location": [np.zeros(2), np.full(3, np.nan)],
        "scale": [np.zeros(3), np.full(3, np.inf)],
        "grid": [sound["grid"][:1], sound["grid"][:, ::-1], np.zeros(3)],
        "limit": [np.array(-1.0), np.zeros(2)],
        "widths": [np.array([7, 5]), np.array([2]), np.array([2.0, 5.0])],
    }
    for name, values in damages.items():
        for value in values:
            with pytest.raises(InputError, match="kernel model"):
                Inputs.from_arrays(sound | {name: value})
