"""What can be wrong with the options that say where the data lies, before anything is read."""

from collections.abc import Sequence
from pathlib import Path

from ramify._core import InputError, listed, quoted
from ramify.data import LAYOUTS, ImageReading

IDX_MARK = "ubyte"
"""What the names of IDX files have in them."""


def check_images(
    path: Path, layout: str | None, images: str | None, image_column: str | None
) -> None:
    """Check that options of images fit each other.

    Raises:
        InputError: If not.
    """
    if layout is not None and (images or image_column):
        raise InputError("--layout says where images are; leave --images and --image-column out")
    check_no_files(path, image_column)
    if image_column is not None and images is None:
        raise InputError("--image-column needs --images, the folder of the image files")


def check_no_files(path: Path, image_column: str | None) -> None:
    """Check that no files are named beside an archive, which holds the pictures themselves.

    Raises:
        InputError: If they are.
    """
    if image_column is not None and path.suffix.lower() == ".npz":
        raise InputError(
            f"--image-column is for a table of file names. Got {quoted(path)}; leave it out"
        )


def check_joined(layout: str | None, joined: Sequence[str]) -> None:
    """Check what ``--join`` names.

    Args:
        layout: Of the first data set.
        joined: The further ones.

    Raises:
        InputError: If there is no first one with a layout, or one of them is no folder.
    """
    if joined and layout is None:
        raise InputError("--join needs --layout, which says what the first data set is")
    for each in joined:
        name, _, folder = each.partition(":")
        if name not in LAYOUTS or not folder:
            raise InputError(
                f"--join must be LAYOUT:FOLDER with a layout of {listed(LAYOUTS)}. "
                f"Got {quoted(each)}"
            )
        if not Path(folder).is_dir():
            raise InputError(f"--join must name a folder. No folder at {quoted(folder)}")


def check_is_table(path: Path, reading: ImageReading) -> None:
    """Check that a path without any option of images is meant as a table of features.

    Raises:
        InputError: If it is a folder or holds arrays, or images are to be read in some way.
    """
    if path.is_dir() and not any(path.rglob("*.parquet")):
        raise InputError(
            f"--layout must say whose files the folder {quoted(path)} holds, {listed(LAYOUTS)}; "
            "or name a table in it"
        )
    if path.suffix.lower() == ".npy":
        raise InputError(
            f"{quoted(path)} is a single array; put images and labels into an .npz archive"
        )
    if IDX_MARK in path.name:
        raise InputError(
            f"{quoted(path)} is taken for an IDX file of labels; name that of images with --images"
        )
    given = {
        "--image-size": reading.size is not None,
        "--skip-bad-images": reading.skip_bad,
        "--image-cache": reading.cache is not None,
    }
    if flags := [flag for flag, is_given in given.items() if is_given]:
        raise InputError(
            f"{' and '.join(flags)} must go with pictures. Got a table without; leave it out, or "
            "name the pictures with --images"
        )
