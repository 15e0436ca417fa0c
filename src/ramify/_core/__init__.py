"""What every room may use: errors, checks of numbers, words, atomic files, lazy names."""

from ramify._core._checks import check_count, check_number, check_seconds
from ramify._core._declared import checked
from ramify._core._described import Described, Option, OptionContext, Setting, settings_of
from ramify._core._errors import (
    DirectoryInUseError,
    InputError,
    ModelFileError,
    RamifyError,
    ShapeError,
    StoppedError,
    retold,
)
from ramify._core._files import (
    check_plain_file,
    check_unpacked_size,
    replacing,
    sha256_of,
    sole_writer,
    write_atomically,
)
from ramify._core._lazy import lazy_names
from ramify._core._memory import machine_memory
from ramify._core._registry import Registry
from ramify._core._text import counted, listed, nearest, quoted

__all__ = [
    "Described",
    "DirectoryInUseError",
    "InputError",
    "ModelFileError",
    "Option",
    "OptionContext",
    "RamifyError",
    "Registry",
    "Setting",
    "ShapeError",
    "StoppedError",
    "check_count",
    "check_number",
    "check_plain_file",
    "check_seconds",
    "check_unpacked_size",
    "checked",
    "counted",
    "lazy_names",
    "listed",
    "machine_memory",
    "nearest",
    "quoted",
    "replacing",
    "retold",
    "settings_of",
    "sha256_of",
    "sole_writer",
    "write_atomically",
]
