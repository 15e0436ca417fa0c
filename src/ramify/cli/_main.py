"""The entry point: one clear line and an exit code, whatever happens and whenever."""

import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from ramify.cli._interrupt import interruptible, signal_of
from ramify.cli._overview import in_full, tell_overview


class _Outlet(io.TextIOBase):
    """Writes on; once nobody reads any more, into nothing."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str, /) -> int:
        """Write, or pretend to."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._let_go()
            return len(text)

    def flush(self) -> None:
        """Flush, or pretend to."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._let_go()

    def fileno(self) -> int:
        """The number of the stream that is written to."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a property of what it stands for
        """How text becomes bytes."""
        return self._stream.encoding

    def _let_go(self) -> None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self._stream.fileno())
        os.close(nothing)


@contextmanager
def lasting_output() -> Iterator[None]:
    """Within the block a reader of the output that goes away ends nothing.

    A training of hours shall not be lost because somebody looked at its first line.
    """
    before = sys.stdout
    if before is None:  # started without one
        yield
        return
    outlet = _Outlet(before)
    sys.stdout = outlet
    try:
        yield
    finally:
        with suppress(ValueError):  # closed by somebody else
            outlet.flush()
        sys.stdout = before


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: Instead of those of the process.
    """
    try:
        with interruptible(), lasting_output():
            typed = in_full(sys.argv[1:] if arguments is None else arguments)
            tell_overview(typed)
            with _without_collection():
                # Loading the libraries takes seconds in which Ctrl-C may come.
                from ramify.cli._exit_codes import run  # noqa: PLC0415

            message, code = run(typed)
    except KeyboardInterrupt as interrupt:
        message, code = "stopped; nothing is half-written", 128 + signal_of(interrupt)
    if message:
        _complain(message)
    if code:
        sys.exit(code)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Loading makes millions of objects that stay: to look through them again and again takes a second."""
    if not gc.isenabled() or "torch" in sys.modules:  # a second time there is nothing to load
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _complain(message: str) -> None:
    start, end = ("\x1b[1;31m", "\x1b[0m") if sys.stderr.isatty() else ("", "")
    sys.stderr.write(f"{start}error:{end} {' '.join(message.split())}\n")
