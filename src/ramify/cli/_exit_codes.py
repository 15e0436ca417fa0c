"""How a command ended: exit code 2 and a line in words for whatever the user can mend."""

import errno
import re

from jsonargparse import ArgumentError
from polars.exceptions import PolarsError
from safetensors import SafetensorError

from ramify._core import ModelFileError, RamifyError, StoppedError, quoted
from ramify.cli._flags import in_flags
from ramify.cli._options_from_signature import flag
from ramify.cli._parser import VERBS, build_parser, run_verb

_DISK_FULL = "the disk is full; free some space and run it again (ramify fit goes on with --resume)"
_NO_MEMORY = "there is not enough memory; use a smaller table, --hidden, --width, --estimator-width, --image-size or --batch-size"
_ACTS = ("overwrite", "resume")
_LACKS_MEMORY = re.compile(r"allocate memory|out of memory", re.IGNORECASE)


def run(arguments: list[str] | None) -> tuple[str, int]:
    """Do what was asked.

    Args:
        arguments: Instead of those of the process.

    Returns:
        The complaint, empty if there is none, and the exit code.
    """
    try:
        run_verb(build_parser(), arguments)
    except StoppedError as error:
        return in_flags(error, VERBS.values()), 128 + error.signal_number
    except Exception as error:
        message = _in_words(error)
        if message is None:
            raise
        return message, 2
    return "", 0


def _in_words(error: Exception) -> str | None:
    """The line for an error; None if it is a fault of ramify."""
    if isinstance(error, ModelFileError):  # what else it names was not typed, it stands in files
        own = error.argument
        return error.told(lambda name: flag(name) if name == own or name in _ACTS else f"`{name}`")
    if isinstance(error, RamifyError):
        return in_flags(error, VERBS.values())
    if isinstance(error, ArgumentError):
        return f"{_option_words(str(error.message))}; see `ramify --help`"
    if isinstance(error, UnicodeDecodeError):
        return f"a --config file must be UTF-8 text. Byte {error.start + 1} is not"
    if isinstance(error, OSError | SafetensorError | PolarsError):
        return _of_files(error)
    lacks_memory = isinstance(error, RuntimeError) and _LACKS_MEMORY.search(str(error))
    return _NO_MEMORY if lacks_memory or isinstance(error, MemoryError) else None


def _option_words(message: str) -> str:
    """What the parser says of an option, in the words of the command line."""
    text = " ".join(message.split()).rstrip(".")
    text = re.sub(r"required: (?:\w+\.)?(\w+)$", lambda m: f"required: {flag(m[1])}", text)
    text = re.sub(r"(--[\w-]+)/\1\+", r"\1", text)
    form = r'Parser key "(?:\w+\.)?(\w+)": Expected a (.+?)\. Got value: (.*)'
    several = (
        r'Parser key "(?:\w+\.)?(\w+)": Does not .*? Subtypes: \[(.+?)\] Errors: .*value: (.*)'
    )
    found = re.fullmatch(form, text) or re.fullmatch(several, text)
    if not found:
        return text
    wanted = re.sub(r", <class 'NoneType'>", "", found[2])
    wanted = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", wanted)
    wanted = re.sub(r"typing\.Literal\[(.*)\]", r"one of \1", wanted)
    if wanted == "float" and found[3].lower().strip("+-") in ("inf", "infinity", "nan"):
        wanted = "a finite number"
    return f"{flag(found[1])} must be {wanted}. Got {found[3]}"


def _of_files(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    # Libraries pass the system's error on as text.
    if number == errno.ENOSPC or "os error 28" in str(error):
        return _DISK_FULL
    where = f" {quoted(error.filename)}" if isinstance(error, OSError) and error.filename else ""
    words = error.strerror if isinstance(error, OSError) else None
    return f"cannot read or write{where}: {words or error}"
