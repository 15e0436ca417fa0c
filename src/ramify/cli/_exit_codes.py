"""How a command ended: exit code 2 and a line in words, as they are typed, for whatever the user can mend."""

import errno
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from jsonargparse import ArgumentError
from polars.exceptions import PolarsError
from safetensors import SafetensorError

from ramify._core import ModelFileError, RamifyError, StoppedError, nearest, quoted
from ramify.cli._options_from_signature import flag, options_of
from ramify.cli._parser import VERBS, Verb, build_parser, run_verb, verb_in

_SYNONYMS: Final[Mapping[str, str]] = {
    "cache": "image_cache",
    "kinds": "kind",
    "levels": "ordinal",
    "n_trials": "search",
    "padding": "shift",
    "skip_bad": "skip_bad_images",
}


def in_flags(error: RamifyError, verbs: Iterable[Callable[..., None]]) -> str:
    """The message of an error, its arguments called what the command line calls them.

    Arguments that no verb has keep their names.

    Args:
        error: What went wrong.
        verbs: Functions whose parameters are the options.

    Example:
        >>> from ramify._core import InputError
        >>> def fit(*, epochs: int = 1) -> None: ...
        >>> in_flags(InputError("must be finite", argument="epochs", got="inf"), [fit])
        '--epochs must be finite. Got inf'
    """
    options = [each for verb in verbs for each in options_of(verb)]
    known = {each.name for each in options}
    synonyms = {argument: each.name for each in options for argument in each.arguments}
    synonyms |= _SYNONYMS

    def typed(argument: str) -> str:
        name = argument if argument in known else synonyms.get(argument, argument)
        return flag(name) if name in known else f"`{argument}`"

    return error.told(typed)


_DISK_FULL = "the disk is full; free some space and run it again (ramify fit goes on with --resume)"
_NO_MEMORY = "there is not enough memory; use a smaller table, --hidden, --width, --estimator-width, --image-size or --batch-size"
_ACTS = ("overwrite", "resume")
_LACKS_MEMORY = re.compile(r"allocate memory|out of memory", re.IGNORECASE)


def run(typed: Sequence[str]) -> tuple[str, int]:
    """Do what was asked.

    Args:
        typed: The words after ``ramify``.

    Returns:
        The complaint, empty if there is none, and the exit code.
    """
    try:
        run_verb(build_parser(typed), typed)
    except StoppedError as error:
        return in_flags(error, _verbs_in(typed)), 128 + error.signal_number
    except Exception as error:
        message = _in_words(error, typed)
        if message is None:
            raise
        return message, 2
    return "", 0


def _verbs_in(typed: Sequence[str]) -> list[Verb]:
    word = verb_in(typed)
    return [] if word is None else [VERBS[word]]


def _in_words(error: Exception, typed: Sequence[str]) -> str | None:
    """The line for an error; None if it is a fault of ramify."""
    if isinstance(error, ModelFileError):  # what else it names was not typed, it stands in files
        own = error.argument
        return error.told(lambda name: flag(name) if name == own or name in _ACTS else f"`{name}`")
    if isinstance(error, RamifyError):
        return in_flags(error, _verbs_in(typed))
    if isinstance(error, ArgumentError):
        verb = verb_in(typed)
        see = "ramify --help" if verb is None else f"ramify {verb} --help"
        return f"{_option_words(str(error.message), verb)}; see `{see}`"
    if isinstance(error, UnicodeDecodeError):
        return f"a --config file must be UTF-8 text. Byte {error.start + 1} is not"
    if isinstance(error, OSError | SafetensorError | PolarsError):
        return _of_files(error)
    lacks_memory = isinstance(error, RuntimeError) and _LACKS_MEMORY.search(str(error))
    return _NO_MEMORY if lacks_memory or isinstance(error, MemoryError) else None


def _option_words(message: str, verb: str | None) -> str:
    """What the parser says of an option, in the words of the command line."""
    text = " ".join(message.split()).rstrip(".")
    if missing := re.search(r"arguments are required: (.+)$", text):
        names = [flag(each.rpartition(".")[2]) for each in missing[1].split(", ")]
        return f"ramify {verb} needs {', '.join(names)}" if verb else text
    if unknown := re.match(r"[Uu]nrecognized arguments: (\S+)", text):
        known = [] if verb is None else [flag(each.name) for each in options_of(VERBS[verb])]
        kind = "option" if unknown[1].startswith("-") else "argument"
        what = f"{unknown[1]} is no {kind} of ramify{f' {verb}' if verb else ''}"
        return what + _hint(unknown[1].partition("=")[0], known)
    if word := re.search(r"invalid choice: '(.*?)' \(choose", text):
        return f"{quoted(word[1])} is no command of ramify" + _hint(word[1], VERBS)
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


def _hint(word: str, known: Iterable[str]) -> str:
    close = nearest(word, known)
    return "" if close is None else f"; did you mean {close}?"


def _of_files(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    # Libraries pass the system's error on as text.
    if number == errno.ENOSPC or "os error 28" in str(error):
        return _DISK_FULL
    where = f" {quoted(error.filename)}" if isinstance(error, OSError) and error.filename else ""
    words = error.strerror if isinstance(error, OSError) else None
    return f"cannot read or write{where}: {words or error}"
