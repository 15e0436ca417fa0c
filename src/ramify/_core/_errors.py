"""The errors that ramify raises on purpose; each message is one line that a user can act on."""

import re
from collections.abc import Callable
from typing import Final

# What stands in quotation marks is the user's own, and is never taken for an argument.
_MENTIONS: Final = re.compile(r"(?<!\w)'[^']*'|\"[^\"]*\"|`([a-z_]+)`")  # not the end of "tasks'"


def retold(text: str, naming: Callable[[str], str]) -> str:
    """A text with the arguments that stand in backticks under other names.

    Args:
        text: The text.
        naming: From an argument's name to what stands for it.
    """
    return _MENTIONS.sub(lambda found: naming(found[1]) if found[1] else found[0], text)


class RamifyError(Exception):
    """Root of every error that ramify raises on purpose.

    A message names arguments as Python has them, in backticks: ```epochs```.
    """

    def told(self, naming: Callable[[str], str]) -> str:
        """The message, with its arguments under other names.

        Args:
            naming: From an argument's name to what stands for it in the message.

        Example:
            >>> error = InputError("must be above 0", argument="epochs", got="0")
            >>> str(error), error.told(lambda name: f"--{name}")
            ('`epochs` must be above 0. Got 0', '--epochs must be above 0. Got 0')
        """
        return retold(str(self), naming)


class InputError(RamifyError, ValueError):
    """An argument, a table or an option is not what it must be.

    Args:
        requirement: What it must be; or a whole sentence, where no single argument is wrong. Other
            arguments that it names stand in backticks.
        argument: Name of the argument, as Python has it.
        got: What it is instead, already fit for a message (see `quoted`).
        remedy: What to do about it.

    Attributes:
        argument: As given.
        requirement: As given.

    Example:
        >>> error = InputError("must be one of a, b", argument="split", got="'c'", remedy="use a")
        >>> str(error)
        "`split` must be one of a, b. Got 'c'; use a"
        >>> error.argument
        'split'
    """

    def __init__(
        self,
        requirement: str,
        *,
        argument: str | None = None,
        got: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.argument, self.requirement = argument, requirement
        subject = "" if argument is None else f"`{argument}` "
        found = "" if got is None else f". Got {got}"
        advice = "" if remedy is None else f"; {remedy}"
        super().__init__(f"{subject}{requirement}{found}{advice}")


class ShapeError(InputError):
    """Tensors or arrays that belong together do not fit each other."""


class ModelFileError(InputError):
    """A model directory is incomplete, damaged, changed, or of another version."""


class DirectoryInUseError(RamifyError, RuntimeError):
    """Another run is writing to the same directory."""


class StoppedError(RamifyError, RuntimeError):
    """Training was asked to stop; its state was saved first."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
