"""The errors that ramify raises on purpose; each message is one line that a user can act on."""


class RamifyError(Exception):
    """Root of every error that ramify raises on purpose."""


class InputError(RamifyError, ValueError):
    """An argument, a table or an option is not what it must be."""


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
