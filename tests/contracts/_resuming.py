"""Trainings that are stopped again and again, and what must come of them."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch

from ramify._core import StoppedError
from ramify.training import Fitted
from ramify.training._events import StopRequest


class StopAfter(StopRequest):
    """A stop that is asked for after so many steps; training looks once after each step."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def __bool__(self) -> bool:
        self._left -= 1
        if self._left <= 0:
            self.signal_number = 15
        return super().__bool__()


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every training from now on be stopped after so many steps."""
    monkeypatch.setattr(
        "ramify.training._trainer.listening_for_stop", lambda: nullcontext(StopAfter(steps))
    )


def fitted_in_parts(
    fit: Callable[[], Fitted], steps: int, monkeypatch: pytest.MonkeyPatch
) -> Fitted:
    """What comes of a training that is stopped after every so many steps until it is through."""
    stop_after(steps, monkeypatch)
    for stops in range(100):
        try:
            fitted = fit()
        except StoppedError:
            continue
        assert stops > 0
        return fitted
    pytest.fail("training makes no progress")


def assert_same(one: Fitted, two: Fitted) -> None:
    """Both are the same bit for bit."""
    assert one.tree == two.tree
    assert one.curve == two.curve
    assert one.candidates == two.candidates
    mine, theirs = one.network.state_dict(), two.network.state_dict()
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        assert torch.equal(tensor, theirs[name]), name
