"""What a ``--config`` file may hold, looked at before anything is made of it."""

import stat
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import yaml

from ramify._core import InputError, quoted

_LARGEST: Final = 1_000_000
_DEEPEST: Final = 20


def check_config_files(arguments: Sequence[str]) -> None:
    """Refuse files that are no options: a few lines can stand for gigabytes, or never end.

    Args:
        arguments: What was typed.

    Raises:
        InputError: If a file is no plain YAML of options.
    """
    for path in _named(arguments):
        try:
            found = path.stat()
        except (OSError, ValueError):
            continue  # the parser says so
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise InputError(
                f"--config must be a plain file of at most {_LARGEST:,} bytes. Got {quoted(path)}"
            )
        _check_events(path)


def _named(arguments: Sequence[str]) -> Iterator[Path]:
    for word, after in pairwise([*arguments, ""]):
        option, equals, value = word.partition("=")
        if option == "--config":
            yield Path(value if equals else after)


def _check_events(path: Path) -> None:
    depth = 0
    try:
        # Events are the words of the file as they stand: nothing is repeated and nothing nested.
        for event in yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError(
                    f"--config {quoted(path)} must write out what it repeats. Got an alias"
                )
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise InputError(
                    f"--config {quoted(path)} must hold options and lists. Got {_DEEPEST} lists in "
                    "each other and more"
                )
            if isinstance(event, yaml.ScalarEvent) and "\0" in event.value:
                raise InputError(f"--config {quoted(path)} must hold printable text. Got a NUL")
    except yaml.YAMLError as error:
        raise InputError(
            f"--config {quoted(path)} must be YAML. Got {' '.join(str(error).split())}"
        ) from None
