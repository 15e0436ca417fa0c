"""Arrays of any common kind as pixels."""

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError
from ramify.data._image_rows import Pixels


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
