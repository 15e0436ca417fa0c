"""The entry point: one clear line and an exit code, whatever happens and whenever."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ramify.cli._interrupt import interruptible, signal_of
from ramify.cli._output import lasting_output
from ramify.cli._overview import in_full, tell_overview


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
