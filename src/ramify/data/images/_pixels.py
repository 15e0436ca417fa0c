"""Images of all rows as pixels, read as they are asked for, and brought to one size."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ramify._core import InputError, ShapeError
from ramify.data.images._settings import Channels, ImageReading, Resize, Size

Pixels = UInt8[np.ndarray, "row channel height width"]


class ImageRows:
    """Images of one size, a row each, read when asked for.

    Args:
        parts: Arrays that follow each other; a memory map is never read as a whole.
        index: For each row its place in the parts; by default their own order.
        resize: How the images got their size, so that those to predict get it the same way.
        fingerprint: Something short that tells these parts from any others, if it is known; else
            `digest` reads all pixels.

    Raises:
        ShapeError: If an array is not uint8 of (row, 1 or 3 channels, height, width), or the
            arrays differ in their images' shape.

    Example:
        >>> images = ImageRows([np.zeros((5, 1, 28, 28), dtype=np.uint8)])
        >>> images.shape, images.take(np.array([4, 0])).shape
        ((5, 1, 28, 28), torch.Size([2, 1, 28, 28]))
    """

    def __init__(
        self,
        parts: Sequence[UInt8[np.ndarray, "_ channel height width"]],
        index: Int64[np.ndarray, " place"] | None = None,
        resize: Resize = "stretch",
        fingerprint: str | None = None,
    ) -> None:
        _check(parts)
        self._parts = [np.asarray(part) for part in parts]
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self._index, self.resize, self._fingerprint = index, resize, fingerprint

    def __len__(self) -> int:
        """Number of rows."""
        return int(self._starts[-1]) if self._index is None else len(self._index)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Rows, channels, height, width."""
        _, channels, height, width = self._parts[0].shape
        return len(self), channels, height, width

    def take(
        self, rows: Int64[np.ndarray, " chosen"]
    ) -> UInt8[Tensor, "chosen channel height width"]:
        """Copy rows out, in the order asked for.

        Args:
            rows: Row numbers from 0.
        """
        places = rows if self._index is None else self._index[rows]
        if len(self._parts) == 1:
            return torch.from_numpy(self._parts[0][places])
        found = np.empty((len(rows), *self.shape[1:]), dtype=np.uint8)
        owner = np.searchsorted(self._starts, places, side="right") - 1
        for i in np.unique(owner):
            here = owner == i
            found[here] = self._parts[i][places[here] - self._starts[i]]
        return torch.from_numpy(found)

    def select(self, rows: Int64[np.ndarray, " chosen"]) -> "ImageRows":
        """Some of the rows, without copying a pixel.

        Args:
            rows: Row numbers from 0, in the wanted order.
        """
        index = rows if self._index is None else self._index[rows]
        return ImageRows(self._parts, index, self.resize, self._fingerprint)

    def followed_by(self, other: "ImageRows") -> "ImageRows":
        """These rows and then the other's, without copying a pixel.

        Args:
            other: Images of the same shape.
        """
        index = np.concatenate([self._places(), other._places() + self._starts[-1]])
        both = None
        if self._fingerprint is not None and other._fingerprint is not None:
            both = f"{self._fingerprint}+{other._fingerprint}"
        return ImageRows([*self._parts, *other._parts], index, self.resize, both)

    def digest(self) -> str:
        """Fingerprint of these rows, to know them again."""
        found = hashlib.sha256(f"{self.shape} {self._fingerprint}".encode())
        if self._fingerprint is not None:
            found.update(self._places().astype(np.int64).tobytes())
            return found.hexdigest()
        for start in range(0, len(self), 1024):
            rows = np.arange(start, min(start + 1024, len(self)), dtype=np.int64)
            found.update(self.take(rows).numpy().tobytes())
        return found.hexdigest()

    def _places(self) -> NDArray[np.int64]:
        return np.arange(self._starts[-1]) if self._index is None else self._index


def _check(parts: Sequence[NDArray[np.uint8]]) -> None:
    if not parts:
        raise InputError("`parts` of images must hold at least one array. Got none")
    for part in parts:
        if part.dtype != np.uint8 or part.ndim != 4 or part.shape[1] not in (1, 3):
            raise ShapeError(
                "images must be uint8 of shape (row, channel, height, width) with 1 or 3 channels. "
                f"Got {part.dtype} of {part.shape}"
            )
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ShapeError(f"images must be of one shape. Got {sorted(shapes)}; resize them first")


_CHUNK = 256


def resized(images: ImageRows, reading: ImageReading) -> ImageRows:
    """Images as a reading wants them, in memory unless they are so already.

    Args:
        images: The images.
        reading: Size, way of resizing and channels; None leaves the channels.
    """
    channels = reading.channels or _channels(images)
    size = reading.size or images.shape[2:]
    if (channels, *size) == images.shape[1:] and reading.resize == images.resize:
        return images
    found = np.empty((len(images), channels, *size), dtype=np.uint8)
    for start in range(0, len(images), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(images)), dtype=np.int64)
        pixels = _with_channels(images.take(rows), channels)
        found[rows] = _at_size(pixels, size, reading.resize).numpy()
    return ImageRows([found], resize=reading.resize)


def _channels(images: ImageRows) -> Channels:
    return 1 if images.shape[1] == 1 else 3


def _with_channels(
    pixels: UInt8[Tensor, "batch channel height width"], channels: Channels
) -> UInt8[Tensor, "batch new_channel height width"]:
    if pixels.shape[1] == channels:
        return pixels
    if channels == 3:
        return pixels.expand(-1, 3, -1, -1)
    # Luma of ITU-R 601-2, as Pillow has it.
    red, green, blue = pixels.float().unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).round().to(torch.uint8)[:, None]


def _at_size(
    pixels: UInt8[Tensor, "batch channel height width"], size: Size, resize: Resize
) -> UInt8[Tensor, "batch channel new_height new_width"]:
    if resize == "crop":
        pixels = _middle(pixels, size)
    if tuple(pixels.shape[2:]) == size:
        return pixels
    small = functional.interpolate(pixels.float(), size, mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).to(torch.uint8)


def _middle(
    pixels: UInt8[Tensor, "batch channel height width"], size: Size
) -> UInt8[Tensor, "batch channel new_height new_width"]:
    height, width = pixels.shape[2:]
    scale = min(height / size[0], width / size[1])
    kept_height, kept_width = max(1, round(scale * size[0])), max(1, round(scale * size[1]))
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return pixels[:, :, top : top + kept_height, left : left + kept_width]
