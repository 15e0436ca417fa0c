import numpy as np
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from ramify.ensembles import greedy_weights


def plain(residuals: NDArray[np.float64], rounds: int) -> NDArray[np.float64]:
    """Caruana's selection on the rows themselves."""
    counts, best = np.zeros(len(residuals)), (np.inf, np.zeros(len(residuals)))
    for n in range(1, rounds + 1):
        errors = [(((counts @ residuals + each) / n) ** 2).sum() for each in residuals]
        counts[int(np.argmin(errors))] += 1
        if min(errors) < best[0] * (1 - 1e-12):
            best = min(errors), counts / n
    return best[1]


def test_products_of_residuals_give_what_rows_give() -> None:
    rng = np.random.default_rng(0)
    residuals = rng.normal(size=(6, 5, 40)) + 0.5 * rng.normal(size=(6, 1, 40))
    found = greedy_weights(residuals @ residuals.transpose(0, 2, 1), 20)
    for own, weights in zip(residuals, found, strict=True):
        assert_allclose(weights, plain(own, 20), atol=1e-12)
    assert_allclose(found.sum(axis=1), 1)


def test_a_mixture_is_never_worse_than_the_best_member() -> None:
    rng = np.random.default_rng(1)
    residuals = rng.normal(size=(50, 4, 10))
    products = residuals @ residuals.transpose(0, 2, 1)
    weights = greedy_weights(products)
    errors = np.einsum("pm,pmn,pn->p", weights, products, weights)
    assert (errors <= np.einsum("pmm->pm", products).min(axis=1) + 1e-12).all()


def test_a_perfect_member_is_alone() -> None:
    products = np.diag([1.0, 0.0, 2.0])[None]
    assert greedy_weights(products).tolist() == [[0, 1, 0]]
