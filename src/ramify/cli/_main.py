"""The entry point: one clear line and an exit code, whatever happens and whenever."""

import sys

from ramify.cli._interrupt import interruptible, signal_of


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: Instead of those of the process.
    """
    try:
        with interruptible():
            # Loading the libraries takes seconds in which Ctrl-C may come.
            from ramify.cli._outcome import run  # noqa: PLC0415

            message, code = run(arguments)
    except KeyboardInterrupt as interrupt:
        message, code = "stopped; nothing is half-written", 128 + signal_of(interrupt)
    if message:
        _complain(message)
    if code:
        sys.exit(code)


def _complain(message: str) -> None:
    start, end = ("\x1b[1;31m", "\x1b[0m") if sys.stderr.isatty() else ("", "")
    sys.stderr.write(f"{start}error:{end} {' '.join(message.split())}\n")
