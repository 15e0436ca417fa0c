"""Pictures with maps laid over them, as PNG."""

import base64
import io

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image

_SIDE = 88
_COLOURS = 48
# From nothing to much: dark violet, red, orange, pale yellow.
_STOPS = np.array([[60, 15, 110], [190, 50, 80], [250, 140, 30], [255, 240, 150]], dtype=np.float64)


def picture(pixels: UInt8[np.ndarray, "channel height width"]) -> str:
    """A picture as PNG in base64."""
    return _encoded(_enlarged(pixels).astype(np.uint8))


def overlaid(
    pixels: UInt8[np.ndarray, "channel height width"], map_: Float[np.ndarray, "height width"]
) -> str:
    """A picture in grey with a map over it, as PNG in base64.

    Args:
        pixels: Bytes.
        map_: From 0 to 1.
    """
    grey = _enlarged(pixels).mean(axis=2, keepdims=True)
    smooth = Image.fromarray(map_.astype(np.float32)).resize(
        (grey.shape[1], grey.shape[0]), Image.Resampling.BILINEAR
    )
    strength = np.asarray(smooth, dtype=np.float64).clip(0, 1)
    places = strength * (len(_STOPS) - 1)
    colour = np.stack(
        [np.interp(places, np.arange(len(_STOPS)), _STOPS[:, c]) for c in range(3)], axis=2
    )
    cover = 0.8 * np.sqrt(strength)[:, :, None]
    return _encoded(((1 - cover) * grey + cover * colour).round().astype(np.uint8))


def _enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """``(height, width, 3)``, the longer side about 88 pixels."""
    plain = np.moveaxis(np.broadcast_to(pixels, (3, *pixels.shape[1:])), 0, -1)
    factor = _SIDE / max(plain.shape[:2])
    size = (max(round(plain.shape[1] * factor), 1), max(round(plain.shape[0] * factor), 1))
    how = Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX
    found = Image.fromarray(np.ascontiguousarray(plain)).resize(size, how)
    return np.asarray(found, dtype=np.float64)


def _encoded(pixels: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    small = Image.fromarray(pixels).quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")
