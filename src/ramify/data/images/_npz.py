"""NumPy archives of images and labels."""

import zipfile
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify._core import InputError, listed, quoted
from ramify.data.images._dataset import ImageData
from ramify.data.images._pixels import ImageRows, Pixels
from ramify.data.images._resize import resized
from ramify.data.images._settings import ImageReading
from ramify.data.tables import open_table

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
    pixels, (arrays, unreadable) = _opened(path, images)
    lists = {n: a for n, a in arrays.items() if a.ndim == 1 and not _is_names(n, arrays)}
    columns = {
        name: _column(path, name, array, arrays.get(name + _NAMES))
        for name, array in lists.items()
        if len(array) == len(pixels)
    }
    apart = {
        n: f"has {len(a):,} rows instead of {len(pixels):,}"
        for n, a in lists.items()
        if n not in columns
    } | unreadable
    if not columns:
        raise InputError(
            f"{quoted(path)} must have labels: arrays of one axis and {len(pixels):,} rows, as many "
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
    return ImageRows([_opened(path, images)[0]])


def _reasons(apart: dict[str, str]) -> str:
    words = [f"{quoted(name)} {why}" for name, why in apart.items()]
    return f"; {', '.join(words)}" if words else ""


def _opened(path: Path, key: str | None) -> tuple[Pixels, Members]:
    members = read_members(path)
    images = _images_key(path, members, key)
    option = "" if key is None else "`images` "
    what = f"{option}{quoted(images)} of {quoted(path)}"
    return as_pixels(what, members.arrays[images]), members


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


def _is_names(name: str, arrays: dict[str, Array]) -> bool:
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
