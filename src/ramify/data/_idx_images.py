"""Images and labels in two IDX files."""

from pathlib import Path

import polars as pl

from ramify._core import InputError, quoted
from ramify.data._idx import kinds_of_codes, open_idx_pair, read_idx
from ramify.data._image_data import ImageData
from ramify.data._image_reading import ImageReading
from ramify.data._image_resize import resized
from ramify.data._image_rows import ImageRows
from ramify.data._open import open_table


def open_idx(images: Path, labels: Path, reading: ImageReading) -> ImageData:
    """Open an IDX file of images with the one of their labels, which become the column ``label``.

    Args:
        images: An IDX file of three axes.
        labels: An IDX file of one axis and as many rows.
        reading: Size and channels.

    Raises:
        InputError: If one cannot be read, or they do not belong together.
    """
    pixels, codes = open_idx_pair(images, labels)
    table = open_table(pl.DataFrame({"label": codes}), labels.name)
    rows = resized(ImageRows([pixels[:, None]]), reading)
    return ImageData(table, rows, ("label",), kinds=kinds_of_codes("label", codes))


def idx_images(path: Path) -> ImageRows:
    """The images of an IDX file.

    Args:
        path: An IDX file of three axes.

    Raises:
        InputError: If it cannot be read or holds something else.
    """
    pixels = read_idx(path)
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise InputError(
            f"{quoted(path)} must be an IDX file of images, with 3 axes none of which is of "
            f"length 0. Got {pixels.shape}"
        )
    return ImageRows([pixels[:, None]])
