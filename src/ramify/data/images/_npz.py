"""NumPy archives of images and labels."""

import contextlib
import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify._core import InputError, check_unpacked_size, listed, quoted
from ramify.data.images._dataset import ImageData
from ramify.data.images._pixels import ImageRows, Pixels, resized
from ramify.data.images._settings import ImageReading
from ramify.data.tables import open_table

_DAMAGE: Final = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,  # an encrypted member
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    MemoryError,
)
_OBJECTS: Final = "holds objects of Python, which are never loaded"
_NO_ARRAY: Final = "is no array"
_MAGIC: Final = b"\x93NUMPY"
_LENGTHS: Final = {1: "<H", 2: "<I", 3: "<I"}
_LONGEST_HEADER: Final = 10_000

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Stored:
    """An array in an archive, known by its header: its numbers are read when they are wanted.

    Attributes:
        archive: The archive.
        info: The member.
        shape: Of the array.
        dtype: Of the array.
    """

    archive: Path
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: "np.dtype[np.generic]"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def read(self) -> Array:
        """Read the array. Nothing in it is run.

        Raises:
            InputError: If it is damaged.
        """
        with (
            _reading(self.archive),
            zipfile.ZipFile(self.archive) as archive,
            archive.open(self.info) as file,
        ):
            found: Array = np.lib.format.read_array(file, allow_pickle=False)
            return found


class Members(NamedTuple):
    """What an archive holds: its arrays, and why each other member is none that can be read."""

    arrays: dict[str, Stored]
    unreadable: dict[str, str]


def read_members(path: Path) -> Members:
    """Find the arrays of an archive, by their headers.

    Args:
        path: The archive.

    Raises:
        InputError: If it is damaged, or not there.
    """
    arrays: dict[str, Stored] = {}
    unreadable: dict[str, str] = {}
    with _reading(path), zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            with archive.open(info) as file:
                header = _header(file)
            if header is None:
                unreadable[name] = _NO_ARRAY
            elif header[1].hasobject:
                unreadable[name] = _OBJECTS
            else:
                arrays[name] = Stored(path, info, *header)
    return Members(arrays, unreadable)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], "np.dtype[np.generic]"] | None:
    """Shape and type of an array; None if the file holds none."""
    start = file.read(8)
    form = _LENGTHS.get(start[6]) if len(start) == 8 and start.startswith(_MAGIC) else None
    if form is None:
        return None
    length = file.read(struct.calcsize(form))
    n_bytes = struct.unpack(form, length)[0] if len(length) == struct.calcsize(form) else 0
    if not 0 < n_bytes <= _LONGEST_HEADER:
        return None
    whole = BytesIO(start + length + file.read(n_bytes))
    np.lib.format.read_magic(whole)
    read = (
        np.lib.format.read_array_header_1_0
        if start[6] == 1
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(whole)
    return None if any(length < 0 for length in shape) else (shape, dtype)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what goes wrong with an archive into one line."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"no archive at {quoted(path)}; check the path") from None
    except _DAMAGE as error:
        words = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputError(f"{quoted(path)} cannot be read as an .npz archive ({words})") from None


def _check_sizes(path: Path, wanted: Iterable[Stored]) -> None:
    """Check that arrays that are to be read fit into memory."""
    arrays = list(wanted)
    unpacked = sum(math.prod(one.shape) * one.dtype.itemsize for one in arrays)
    check_unpacked_size(path, unpacked, sum(one.info.compress_size for one in arrays))


def as_pixels(what: str, array: NDArray[np.generic]) -> Pixels:
    """An array as uint8 of (row, channel, height, width).

    Args:
        what: The array, for messages.
        array: Images, with the channels first, last or without an axis.

    Raises:
        InputError: If its shape or its values are not those of images.

    Example:
        >>> as_pixels("x", np.ones((2, 4, 5), dtype=np.bool_)).shape
        (2, 1, 4, 5)
    """
    if 0 in array.shape:
        raise InputError(f"{what} must hold images. Got the shape {array.shape}")
    return _as_bytes(what, _channels_first(what, array))


def _channels_first(what: str, array: NDArray[np.generic]) -> NDArray[np.generic]:
    if array.ndim == 3:
        return array[:, None]
    first, last = (array.ndim == 4 and array.shape[axis] in (1, 3) for axis in (1, 3))
    if first == last:
        why = "either axis may be that of the channels" if first else "with 1 or 3 channels"
        raise InputError(
            f"{what} must be of shape (row, height, width), (row, channel, height, width) or "
            f"(row, height, width, channel) with 1 or 3 channels. Got {array.shape}, where {why}"
            if first
            else f"{what} must be of shape (row, height, width), or have one more axis of 1 or 3 "
            f"channels as the second or the last. Got {array.shape}"
        )
    return array if first else np.moveaxis(array, 3, 1)


def _as_bytes(what: str, array: NDArray[np.generic]) -> Pixels:
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array).view(np.uint8)
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array).astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{what} must hold numbers. Got {array.dtype}")
    numbers = array.astype(np.float32)
    low, high = float(numbers.min()), float(numbers.max())
    fractions = array.dtype.kind == "f"
    if np.isnan(low):
        raise InputError(f"{what} must hold a number in every pixel. Got NaN; fill them in first")
    if not (low >= 0 and high <= (1 if fractions else 255)):
        wanted = "fractions from 0 to 1" if fractions else "whole numbers from 0 to 255"
        raise InputError(f"{what} must hold {wanted}. Got {low:g} to {high:g}; scale them first")
    scale = np.float32(255 if fractions else 1)
    return np.ascontiguousarray(np.rint(numbers * scale).astype(np.uint8))


_NAMES: Final = "_names"


def open_npz(path: Path, reading: ImageReading, images: str | None = None) -> ImageData:
    """Open an ``.npz`` archive of images and labels. Nothing in it is run.

    Images are uint8, truth values, whole numbers from 0 to 255, or fractions from 0 to 1, of shape
    (row, height, width) with or without an axis of 1 or 3 channels. Every array of one axis and as
    many rows becomes a column. ``pose`` with ``pose_names`` becomes a column of those names.

    Args:
        path: The archive.
        reading: Size and channels.
        images: Name of the array of images; needed only if there are several.

    Raises:
        InputError: If the archive is damaged, has not one array of images, or no labels.
    """
    members = read_members(path)
    arrays, unreadable = members
    key = _images_key(path, members, images)
    n_rows = arrays[key].shape[0]
    lists = {n: a for n, a in arrays.items() if a.ndim == 1 and not _is_names(n, arrays)}
    labels = {name: array for name, array in lists.items() if array.shape[0] == n_rows}
    names = {name: arrays[of] for name in labels if (of := name + _NAMES) in arrays}
    _check_sizes(path, [arrays[key], *labels.values(), *names.values()])
    pixels = _pixels(path, members, key, images)
    columns = {
        name: _column(path, name, array.read(), names[name].read() if name in names else None)
        for name, array in labels.items()
    }
    apart = {
        n: f"has {a.shape[0]:,} rows instead of {n_rows:,}"
        for n, a in lists.items()
        if n not in columns
    } | unreadable
    if not columns:
        raise InputError(
            f"{quoted(path)} must have labels: arrays of one axis and {n_rows:,} rows, as many "
            f"as there are images. It has {listed(arrays)}{_reasons(apart)}"
        )
    table = open_table(pl.DataFrame(columns), path.name)
    return ImageData(table, resized(ImageRows([pixels]), reading), no_labels=apart)


def npz_images(path: Path, images: str | None = None) -> ImageRows:
    """The images of an ``.npz`` archive, which needs no labels.

    Args:
        path: The archive.
        images: Name of the array of images; needed only if there are several.

    Raises:
        InputError: If the archive is damaged or has not one array of images.
    """
    members = read_members(path)
    key = _images_key(path, members, images)
    _check_sizes(path, [members.arrays[key]])
    return ImageRows([_pixels(path, members, key, images)])


def _reasons(apart: dict[str, str]) -> str:
    words = [f"{quoted(name)} {why}" for name, why in apart.items()]
    return f"; {', '.join(words)}" if words else ""


def _pixels(path: Path, members: Members, key: str, asked: str | None) -> Pixels:
    option = "" if asked is None else "`images` "
    return as_pixels(f"{option}{quoted(key)} of {quoted(path)}", members.arrays[key].read())


def _images_key(path: Path, members: Members, key: str | None) -> str:
    arrays, unreadable = members
    if key is not None:
        if key in arrays:
            return key
        why = unreadable.get(key, "is not there")
        raise InputError(
            f"must name an array of {quoted(path)}. {quoted(key)} {why}; it has {listed(arrays)}",
            argument="images",
        )
    several = [name for name, array in arrays.items() if array.ndim in (3, 4)]
    if len(several) == 1:
        return several[0]
    none = f"None of {listed([*arrays, *unreadable]) or 'no arrays'} is one{_reasons(unreadable)}"
    has = f"It has {listed(several)}" if several else none
    raise InputError(
        f"{quoted(path)} must have one array of images of 3 or 4 axes, or say which with `images`. "
        f"{has}"
    )


def _is_names(name: str, arrays: Mapping[str, Stored]) -> bool:
    return name.endswith(_NAMES) and name.removesuffix(_NAMES) in arrays


def _column(path: Path, name: str, array: Array, names: Array | None) -> pl.Series:
    if names is not None and array.dtype.kind in "iu" and names.ndim == 1:
        if array.min() < 0 or array.max() >= len(names):
            raise InputError(
                f"{quoted(name)} of {quoted(path)} must hold places in {quoted(name + _NAMES)}, "
                f"from 0 to {len(names) - 1}. Got {array.min()} to {array.max()}"
            )
        array = names[array.astype(np.int64)]
    if array.dtype.kind == "S":
        array = np.char.decode(array.astype(np.bytes_), "utf-8", "replace")
    if array.dtype.kind == "U":
        return pl.Series(name, array.tolist(), dtype=pl.String)
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{quoted(name)} of {quoted(path)} must hold numbers, truth values or text. "
            f"Got {array.dtype}"
        )
    return pl.Series(name, array.astype(np.float64) if array.dtype.kind == "f" else array)
