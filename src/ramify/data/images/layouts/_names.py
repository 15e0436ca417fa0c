"""Layouts by name, for the command line."""

from pathlib import Path
from typing import Final

from ramify._core import InputError, listed, quoted
from ramify.data.images import ImageData, ImageReading, Progress, silent
from ramify.data.images.layouts._base import ImageLayout
from ramify.data.images.layouts._celeba import CelebA
from ramify.data.images.layouts._deepfashion import DeepFashion
from ramify.data.images.layouts._idx import IdxFolder

LAYOUTS: Final[dict[str, type[CelebA] | type[DeepFashion] | type[IdxFolder]]] = {
    "celeba": CelebA,
    "deepfashion": DeepFashion,
    "idx": IdxFolder,
}


def layout_of(layout: str, folder: Path) -> ImageLayout:
    """Find a layout by its name.

    Args:
        layout: ``celeba``, ``deepfashion`` or ``idx``.
        folder: Where the data set lies.

    Raises:
        InputError: If there is no such layout or folder.

    Example:
        >>> layout_of("idx", Path("."))
        IdxFolder(folder=PosixPath('.'))
    """
    if layout not in LAYOUTS:
        raise InputError(f"must be one of {listed(LAYOUTS)}", argument="layout", got=quoted(layout))
    if not folder.is_dir():
        raise InputError(f"must name a folder. No folder at {quoted(folder)}", argument="layout")
    return LAYOUTS[layout](folder)


def open_layout(
    layout: str, folder: Path, reading: ImageReading, progress: Progress = silent
) -> ImageData:
    """Open a data set by the name of its layout.

    Args:
        layout: ``celeba``, ``deepfashion`` or ``idx``.
        folder: Where the data set lies.
        reading: How to read image files.
        progress: Told the images done and the images in all.

    Raises:
        InputError: If there is no such layout, or a file is missing or damaged.
    """
    return layout_of(layout, folder).open(reading, progress)
