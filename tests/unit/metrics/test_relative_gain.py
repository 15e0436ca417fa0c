import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.references import metrics as reference

from ramify._core import InputError, ShapeError
from ramify.metrics import delta_m

NAN = float("nan")


def test_delta_m_equals_the_loop() -> None:
    ours, theirs = [0.9, 2.0, 0.5, NAN], [0.8, 2.5, 0.5, 0.4]
    higher = [True, False, True, True]
    found = delta_m(np.array(ours), np.array(theirs), higher)
    assert_allclose(found, reference.delta_m(ours, theirs, higher))
    assert_allclose(found, (12.5 + 20 + 0) / 3)


def test_delta_m_is_0_against_itself_and_unknown_without_scores() -> None:
    scores = np.array([0.3, 0.7])
    assert delta_m(scores, scores, [True, False]) == 0
    assert np.isnan(delta_m(np.array([NAN]), np.array([0.5]), [True]))


def test_delta_m_changes_sign_with_the_direction() -> None:
    ours, theirs = np.array([0.9, 0.4]), np.array([0.8, 0.5])
    up, down = delta_m(ours, theirs, [True, True]), delta_m(ours, theirs, [False, False])
    assert_allclose(up, -down)


@pytest.mark.parametrize("baseline", [0.0, -1.0])
def test_delta_m_refuses_a_baseline_that_is_not_positive(baseline: float) -> None:
    with pytest.raises(InputError, match="`single_task` must be positive"):
        delta_m(np.array([0.5]), np.array([baseline]), [True])


@pytest.mark.boundary
def test_delta_m_refuses_what_would_broadcast() -> None:
    with pytest.raises(ShapeError, match="must have one entry per task"):
        delta_m(np.ones(3), np.ones(1), [True, True, True])
