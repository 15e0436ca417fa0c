"""Ctrl-C and SIGTERM outside of training, which answers them itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_HANDLED = (signal.SIGINT, signal.SIGTERM)


class Interrupt(KeyboardInterrupt):
    """A signal asked the command to end."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into an `Interrupt`, and pass over those after it."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in _HANDLED:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupt(number)

    before = {number: signal.signal(number, interrupt) for number in _HANDLED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def signal_of(interrupt: KeyboardInterrupt) -> int:
    """The number of the signal; that of Ctrl-C where a library noticed it first."""
    return interrupt.signal_number if isinstance(interrupt, Interrupt) else int(signal.SIGINT)
