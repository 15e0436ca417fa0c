"""The entry point: one clear line and exit code 2 for whatever the user can mend."""

import errno
import os
import re
import sys

from jsonargparse import ArgumentError
from rich.console import Console
from rich.markup import escape

from ramify._core import RamifyError, StoppedError
from ramify.cli._parser import build_parser, run_verb


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: Instead of those of the process.
    """
    try:
        run_verb(build_parser(), arguments)
    except StoppedError as error:
        _complain(str(error))
        sys.exit(128 + error.signal_number)
    except ArgumentError as error:
        _complain(f"{_option_words(str(error.message))}; see `ramify --help`")
        sys.exit(2)
    except RamifyError as error:
        _complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        _complain("stopped before training began; nothing was written")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output went away; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _complain(_in_words(error))
        sys.exit(2)


def _option_words(message: str) -> str:
    """What the parser says of an option, in the words of the command line."""
    text = " ".join(message.split()).rstrip(".")
    text = re.sub(r"required: (?:\w+\.)?(\w+)$", lambda m: f"required: {_flag(m[1])}", text)
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
    return f"{_flag(found[1])} must be {wanted}. Got {found[3]}"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _in_words(error: OSError) -> str:
    where = f" {str(error.filename)!r}" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}: free some space, then use --resume"
    return f"cannot read or write{where}: {error.strerror or error}"


def _complain(message: str) -> None:
    line = " ".join(message.split())
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"[bold red]error:[/] {escape(line)}"
    )
