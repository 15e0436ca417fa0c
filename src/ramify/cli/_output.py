"""Standard output that may be closed by whoever reads it, as ``| head -1`` does."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


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
