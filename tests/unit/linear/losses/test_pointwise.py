"""The losses of one row: derivatives, conjugates, and what they predict."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ramify.linear import Huber, Logistic, Loss, Poisson, Squared
from ramify.linear.losses._pointwise import LOSSES

TARGETS = {
    Squared: [-1.5, 0.0, 2.0],
    Logistic: [-1.0, 1.0, 1.0],
    Huber: [-1.5, 0.0, 2.0],
    Poisson: [0.0, 1.0, 5.0],
}
MARGINS = np.array([-3.0, -0.7, 0.2, 1.1, 2.5])

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def grid(loss: Loss) -> tuple[np.ndarray, np.ndarray]:
    margins, targets = np.meshgrid(MARGINS, TARGETS[type(loss)])
    return margins.ravel(), targets.ravel()


@every_loss
def test_the_slope_is_the_derivative_of_the_value(loss: Loss) -> None:
    margins, targets = grid(loss)
    change = 1e-6
    rise = loss.value(margins + change, targets) - loss.value(margins - change, targets)
    assert_allclose(loss.slope(margins, targets), rise / (2 * change), atol=1e-7)


@every_loss
def test_a_quadratic_with_the_curvature_touches_the_loss(loss: Loss) -> None:
    margins, targets = grid(loss)
    change = 1e-4
    bend = (loss.slope(margins + change, targets) - loss.slope(margins, targets)) / change
    if isinstance(loss, Huber):
        assert (loss.curvature(margins, targets) >= bend - 1e-9).all()
    else:
        assert_allclose(loss.curvature(margins, targets), bend, rtol=1e-3)


@every_loss
def test_the_conjugate_meets_its_bound_at_the_slope_and_nowhere_falls_below(loss: Loss) -> None:
    margins, targets = grid(loss)
    slopes = loss.slope(margins, targets)
    bound = margins * slopes - loss.value(margins, targets)
    assert_allclose(loss.conjugate(slopes, targets), bound, atol=1e-10)
    others = margins + np.linspace(-1, 1, len(margins))
    beyond = others * slopes - loss.value(others, targets)
    assert (loss.conjugate(slopes, targets) >= beyond - 1e-12).all()


def test_responses_are_in_the_unit_of_the_target() -> None:
    margins = np.array([0.0, 1.0])
    assert_allclose(Squared().response(margins), margins)
    assert_allclose(Huber().response(margins), margins)
    assert_allclose(Logistic().response(margins), [0.5, 1 / (1 + np.exp(-1))])
    assert_allclose(Poisson().response(margins), np.exp(margins))


def test_a_wide_huber_loss_is_the_squared_loss() -> None:
    margins, targets = grid(Squared())
    wide = Huber(1e6)
    assert_allclose(wide.value(margins, targets), Squared().value(margins, targets))
    assert_allclose(wide.curvature(margins, targets), 1.0)
