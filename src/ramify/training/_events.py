"""What training tells whoever watches it."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from ramify.tasks import SharingTree


@dataclass(frozen=True)
class EpochEnded:
    """One epoch is over.

    Attributes:
        phase: Which network is training: ``growing``, ``training`` or ``candidate 2 of 4``.
        epoch: From 1.
        n_epochs: Epochs of the phase, at most.
        loss: Mean training loss over the epoch.
        validation_score: Mean skill over tasks; None without validation rows or scores.
        rows_per_second: Training speed.
        tree: The network's tree.
        ends_at: Epoch at which the phase ends unless a better score comes; None where that is the
            last one in any case. Time that runs out may end it sooner.
        is_last: Whether the phase is over.
    """

    phase: str
    epoch: int
    n_epochs: int
    loss: float
    validation_score: float | None
    rows_per_second: float
    tree: SharingTree
    ends_at: int | None = None
    is_last: bool = False


Watcher = Callable[[EpochEnded], None]


class StopRequest:
    """Whether somebody asked to stop, by Ctrl-C or SIGTERM."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __bool__(self) -> bool:
        """True once a signal came."""
        return self.signal_number != 0


@contextmanager
def listening_for_stop() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a request that training answers after its step.

    Elsewhere than in the main thread Python lets nobody handle signals; then nothing changes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, _frame: FrameType | None) -> None:
        request.signal_number = number

    handled = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, note) for number in handled}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
