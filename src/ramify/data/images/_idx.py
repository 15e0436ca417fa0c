"""IDX files, the form of MNIST and its kin."""

import gzip
import math
import struct
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import UInt8
from numpy.typing import NDArray

from ramify._core import InputError, check_unpacked_size, quoted
from ramify.data.images._dataset import ImageData
from ramify.data.images._pixels import ImageRows, resized
from ramify.data.images._settings import ImageReading
from ramify.data.tables import open_table

_UNSIGNED_BYTE: Final = 8
_MOST_AXES: Final = 4
_PIECE: Final = 1 << 24
_GZIP_MAGIC: Final = b"\x1f\x8b"


def read_idx(path: Path) -> UInt8[np.ndarray, "..."]:
    """Read an IDX file of unsigned bytes, packed by gzip or not.

    The file begins with two zero bytes, the type (8), the number of axes, and the length of each axis
    in four bytes, the highest first.

    Args:
        path: The file.

    Raises:
        InputError: If it cannot be read, is cut off, has bytes left over, or is no such file.

    References:
        LeCun, Cortes, Burges. *The MNIST database of handwritten digits*.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "labels"
        >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
        >>> read_idx(file).tolist()
        [7, 9]
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            return _read(file, path)
    except (OSError, EOFError, zlib.error) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"the IDX file {quoted(path)} cannot be read ({words}); fetch it again"
        ) from None


def _read(file: BufferedIOBase, path: Path) -> UInt8[np.ndarray, "..."]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or not 1 <= head[3] <= _MOST_AXES:
        raise InputError(
            f"{quoted(path)} must be an IDX file, which begins with two zero bytes, the type and the "
            f"number of axes. Got {head.hex(' ') or 'an empty file'}"
        )
    if head[2] != _UNSIGNED_BYTE:
        raise InputError(
            f"{quoted(path)} must hold unsigned bytes (type 08). Got type {head[2]:02x}"
        )
    lengths = file.read(4 * head[3])
    if len(lengths) < 4 * head[3]:
        raise InputError(f"{quoted(path)} is cut off within its header; fetch it again")
    shape = struct.unpack(f">{head[3]}I", lengths)
    expected = math.prod(shape)
    if isinstance(file, gzip.GzipFile):
        check_unpacked_size(path, expected, path.stat().st_size)
    content = _at_most(file, expected + 1)
    if len(content) != expected:
        found = f"{len(content):,}" if len(content) < expected else "more"
        raise InputError(
            f"{quoted(path)} must hold {expected:,} bytes after its header, as that says. "
            f"Got {found}; fetch it again"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _at_most(file: BufferedIOBase, n_bytes: int) -> bytes:
    """Read piece by piece: memory grows with what is there, not with what the header says."""
    content = bytearray()
    while piece := file.read(min(_PIECE, n_bytes - len(content))):
        content += piece
    return bytes(content)


def open_idx_pair(
    images: Path, labels: Path
) -> tuple[UInt8[np.ndarray, "row height width"], UInt8[np.ndarray, " row"]]:
    """Read images and their labels.

    Args:
        images: An IDX file of three axes.
        labels: An IDX file of one axis and as many rows.

    Raises:
        InputError: If one cannot be read, or they do not belong together.
    """
    pixels, codes = read_idx(images), read_idx(labels)
    for path, array, axes in ((images, pixels, 3), (labels, codes, 1)):
        if array.ndim != axes or 0 in array.shape:
            raise InputError(
                f"{quoted(path)} must have {axes} axes, none of length 0. Got {array.shape}"
            )
    if len(pixels) != len(codes):
        raise InputError(
            f"{quoted(images)} and {quoted(labels)} must have one row each per image. "
            f"Got {len(pixels):,} and {len(codes):,}"
        )
    return pixels, codes


def kinds_of_codes(name: str, codes: NDArray[np.integer]) -> dict[str, str]:
    """The kind of a task whose labels are codes of classes, however many there are.

    Args:
        name: The task.
        codes: Its labels.

    Returns:
        By name; nothing where two classes or fewer speak for themselves.

    Example:
        >>> kinds_of_codes("label", np.array([0, 3, 77]))
        {'label': 'multiclass'}
    """
    return {name: "multiclass"} if len(np.unique(codes)) > 2 else {}


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
