"""NumPy archives of images and labels."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ramify._core import InputError, listed, quoted
from ramify.data._image_data import ImageData
from ramify.data._image_reading import ImageReading
from ramify.data._image_resize import resized
from ramify.data._image_rows import ImageRows, Pixels
from ramify.data._npz_members import Array, Members, read_members
from ramify.data._npz_pixels import as_pixels
from ramify.data._open import open_table

_NAMES: Final = "_names"


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
    pixels, (arrays, unreadable) = _opened(path, key)
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


def npz_images(path: Path, key: str | None = None) -> ImageRows:
    """The images of an ``.npz`` archive, which needs no labels.

    Args:
        path: The archive.
        key: Name of the array of images; needed only if there are several.

    Raises:
        InputError: If the archive is damaged or has not one array of images.
    """
    return ImageRows([_opened(path, key)[0]])


def _reasons(apart: dict[str, str]) -> str:
    words = [f"{quoted(name)} {why}" for name, why in apart.items()]
    return f"; {', '.join(words)}" if words else ""


def _opened(path: Path, key: str | None) -> tuple[Pixels, Members]:
    members = read_members(path)
    images = _images_key(path, members, key)
    option = "" if key is None else "--images "
    what = f"{option}{quoted(images)} of {quoted(path)}"
    return as_pixels(what, members.arrays[images]), members


def _images_key(path: Path, members: Members, key: str | None) -> str:
    arrays, unreadable = members
    if key is not None:
        if key in arrays:
            return key
        why = unreadable.get(key, "is not there")
        raise InputError(
            f"--images must name an array of {quoted(path)}. {quoted(key)} {why}; it has "
            f"{listed(arrays)}"
        )
    several = [name for name, array in arrays.items() if array.ndim in (3, 4)]
    if len(several) == 1:
        return several[0]
    none = f"None of {listed([*arrays, *unreadable]) or 'no arrays'} is one{_reasons(unreadable)}"
    has = f"It has {listed(several)}" if several else none
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
