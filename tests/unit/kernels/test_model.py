import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ramify._core import InputError
from ramify.kernels import KERNELS, KernelModel, fit_kernel

RNG = np.random.default_rng(0)
X = RNG.integers(0, 2, size=(40, 6)).astype(float)
Y = np.where(RNG.random((40, 2)) < 0.2, np.nan, X[:, :2] + RNG.normal(size=(40, 2)))
TASK = np.arange(40) % 3


@pytest.mark.parametrize("by_task", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_again_from_its_state(kernel: str, by_task: bool) -> None:
    y, task = (X[:, :1], TASK) if by_task else (Y, None)
    model = fit_kernel(X, y, kernel=kernel, task=task).model
    state = model.state()
    assert all(isinstance(each, np.ndarray) and each.dtype != object for each in state.values())
    again = KernelModel.from_state(state)
    assert_array_equal(again.predict(X, task), model.predict(X, task))
    assert again.n_numbers == model.n_numbers


@pytest.mark.parametrize("by_task", [False, True])
def test_parts_of_the_rows_change_nothing(by_task: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    y, task = (X[:, :1], TASK) if by_task else (Y, None)
    model = fit_kernel(X, y, task=task).model
    whole = model.predict(X, task)
    monkeypatch.setattr("ramify.kernels._model._CHUNK", 300)
    assert_allclose(model.predict(X, task), whole, atol=1e-12)
    assert model.predict(X[:0]).shape == (0, y.shape[1])


def test_a_damaged_state_is_refused() -> None:
    sound = fit_kernel(X, X[:, :1], task=TASK).model.state()
    damages = {
        "version": [np.array(2), np.zeros(1)],
        "kernel": [np.frombuffer(b"pickle", dtype=np.uint8), np.full(3, 255, dtype=np.uint8)],
        "rows": [sound["rows"][:-1], sound["rows"][:, :2], sound["rows"] * np.nan],
        "coef": [sound["coef"][:3], sound["coef"].astype(int), sound["coef"] * np.inf],
        "intercept": [np.zeros((1, 1)), np.zeros(7), np.array([np.nan])],
        "counts": [np.array([40, 1, -1]), np.array([1, 2, 3]), np.zeros((2, 2))],
        "levels": [np.zeros((2, 1)), sound["levels"] * np.nan],
        "settings": [np.zeros(3), np.array([1.0, 1.0, 2.0]), np.ones(4), np.array([np.nan, 1, 1])],
        "inputs.source": [np.array([0, 99])],
    }
    for name, values in damages.items():
        for value in values:
            with pytest.raises(InputError, match="model"):
                KernelModel.from_state(sound | {name: value})
    for name in sound:
        with pytest.raises(InputError, match=f"must have arrays {name}"):
            KernelModel.from_state({n: v for n, v in sound.items() if n != name})


def test_each_row_as_if_of_each_task() -> None:
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(60, 3)), rng.integers(0, 4, 60)
    y = X[:, :1] * (1 + task[:, None]) + task[:, None]
    model = fit_kernel(X, y, task=task, column_task=[0], shares=(0.5,)).model
    found = model.predict_tasks(X)
    for t in range(4):
        assert_allclose(found[:, t], model.predict(X, np.full(60, t))[:, 0], rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="rows of their own"):
        fit_kernel(X, y).model.predict_tasks(X)
