"""Arrays of images at another size or with other channels."""

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional

from ramify.data.images._pixels import ImageRows
from ramify.data.images._schema import Channels, Resize, Size
from ramify.data.images._settings import ImageReading

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
