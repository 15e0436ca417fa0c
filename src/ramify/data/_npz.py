"""NumPy archives of images and labels."""

import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ramify._core import InputError, listed, quoted
from ramify.data._image_data import ImageData
from ramify.data._image_reading import ImageReading
from ramify.data._image_resize import resized
from ramify.data._image_rows import ImageRows, Pixels
from ramify.data._npz_pixels import as_pixels
from ramify.data._open import open_table

_NAMES: Final = "_names"
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

Array = NDArray[np.generic]


def open_npz(path: Path, reading: ImageReading, key: str | None = None) -> ImageData:
    """Open an ``.npz`` archive of images and labels. Nothing in it is run.

    Images are uint8, truth values, whole numbers from 0 to 255, or fractions from 0 to 1, of shape
    (row, height, width) with or without an axis of 1 or 3 channels. Every array of one axis and as
    many rows becomes a column. ``pose`` with ``pose_names`` becomes a column of those names.

    Args:
        path: The archive.
        reading: Size and channels.
        key: Name of the array of images; needed only if there are several.

    Raises:
        InputError: If the archive is damaged, has not one array of images, or no labels.
    """
    pixels, arrays = _opened(path, key)
    columns = {
        name: _column(path, name, array, arrays.get(name + _NAMES))
        for name, array in arrays.items()
        if array.ndim == 1 and len(array) == len(pixels) and not _is_names(name, arrays)
    }
    if not columns:
        raise InputError(
            f"{quoted(path)} must have labels: arrays of one axis and {len(pixels):,} rows. "
            f"It has {listed(arrays)}"
        )
    table = open_table(pl.DataFrame(columns), path.name)
    return ImageData(table, resized(ImageRows([pixels]), reading))


def npz_images(path: Path, key: str | None = None) -> ImageRows:
    """The images of an ``.npz`` archive, which needs no labels.

    Args:
        path: The archive.
        key: Name of the array of images; needed only if there are several.

    Raises:
        InputError: If the archive is damaged or has not one array of images.
    """
    return ImageRows([_opened(path, key)[0]])


def _opened(path: Path, key: str | None) -> tuple[Pixels, dict[str, Array]]:
    arrays, unreadable = _arrays(path)
    images = _images_key(path, arrays, key, unreadable)
    return as_pixels(f"{quoted(images)} of {quoted(path)}", arrays[images]), arrays


def _arrays(path: Path) -> tuple[dict[str, Array], list[str]]:
    """All arrays, and the names of those that are objects of Python, which are never loaded."""
    found: dict[str, Array] = {}
    unreadable = []
    try:
        # A single array would be read whole, objects of Python be loaded: neither is wanted.
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            for name in archive:
                try:
                    found[name] = archive[name]
                except ValueError as error:
                    if "Object arrays" not in str(error):
                        raise
                    unreadable.append(name)
    except _DAMAGE as error:
        words = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputError(f"{quoted(path)} cannot be read as an .npz archive ({words})") from None
    return found, unreadable


def _images_key(
    path: Path, arrays: dict[str, Array], key: str | None, unreadable: list[str]
) -> str:
    if key is not None:
        if key in arrays:
            return key
        why = (
            "holds objects of Python, which are never loaded"
            if key in unreadable
            else "is not there"
        )
        raise InputError(f"array {quoted(key)} of {quoted(path)} {why}. It has {listed(arrays)}")
    several = [name for name, array in arrays.items() if array.ndim in (3, 4)]
    if len(several) == 1:
        return several[0]
    has = f"It has {listed(several)}" if several else f"None of {listed(arrays)} is one"
    raise InputError(
        f"{quoted(path)} must have one array of images of 3 or 4 axes, or say which with --images. "
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
