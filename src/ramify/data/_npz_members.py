"""The arrays of a NumPy archive, and what else it holds."""

import zipfile
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError, quoted

_DAMAGE: Final = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    MemoryError,
)
_OBJECTS: Final = "holds objects of Python, which are never loaded"
_NO_ARRAY: Final = "is no array"

Array = NDArray[np.generic]


class Members(NamedTuple):
    """What an archive holds: its arrays, and why each other member is none that can be read."""

    arrays: dict[str, Array]
    unreadable: dict[str, str]


def read_members(path: Path) -> Members:
    """Read all arrays of an archive. Nothing in it is run.

    Args:
        path: The archive.

    Raises:
        InputError: If it is damaged, or not there.
    """
    arrays: dict[str, Array] = {}
    unreadable: dict[str, str] = {}
    try:
        # A single array would be read whole, objects of Python be loaded: neither is wanted.
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            for name in archive:
                try:
                    member: object = archive[name]
                except ValueError as error:
                    if "Object arrays" not in str(error):
                        raise
                    unreadable[name] = _OBJECTS
                    continue
                if isinstance(member, np.ndarray):
                    arrays[name] = member
                else:  # the bytes of a file that begins otherwise
                    unreadable[name] = _NO_ARRAY
    except FileNotFoundError:
        raise InputError(f"no archive at {quoted(path)}; check the path") from None
    except _DAMAGE as error:
        words = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputError(f"{quoted(path)} cannot be read as an .npz archive ({words})") from None
    return Members(arrays, unreadable)
