"""From an image file to pixels of a wanted size; run as a program, for files named on its input.

As a program it knows nothing of ramify, so that a process starts in a fraction of a second and does
not run the user's own script again. Each line of its input is a request, each answer a line and the
pixels.
"""

import json
import signal
import sys
import warnings
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MOST_PIXELS: Final = 89_478_485  # Pillow's own limit against decompression bombs
FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "MPO")
_GREY: Final = frozenset(("1", "L", "LA", "La", "I;16", "I;16L", "I;16B"))
_SIXTEEN_BIT: Final = frozenset(("I;16", "I;16L", "I;16B"))
_SIXTEEN_IN_32: Final = ("PNG", "PPM")  # kinds that Pillow may open as 32 bits, none of them more
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadImageError(Exception):
    """An image that cannot be used; the message goes on after the file's name."""


@dataclass(frozen=True)
class Form:
    """What every image is brought to.

    Attributes:
        height: Rows of pixels.
        width: Columns of pixels.
        channels: 1 for grey, 3 for colour.
        crop: Whether proportions are kept and the edges cut off.
    """

    height: int
    width: int
    channels: int
    crop: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.channels, self.height, self.width

    def as_request(self, files: list[str]) -> bytes:
        """The line that asks for files."""
        return json.dumps({"files": files, "form": asdict(self)}).encode() + b"\n"


def read_image(path: str, form: Form) -> NDArray[np.uint8]:
    """Read one file.

    Args:
        path: The file.
        form: What to bring it to.

    Returns:
        Pixels of the form's shape.

    Raises:
        BadImageError: If it is no image, is damaged, too large, animated, or holds numbers that
            have no known white.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_known_formats()) as image:
                _check(image)
                # A JPEG is decoded at a fraction of its size if that is still twice what is wanted.
                image.draft(None, (2 * form.width, 2 * form.height))
                return _pixels(_upright(image), form)
        except BadImageError:
            raise
        except UnidentifiedImageError:
            kinds = ", ".join(FORMATS[:-1])
            raise BadImageError(f"is damaged or no image of a known kind ({kinds})") from None
        except Image.DecompressionBombError:
            raise BadImageError(f"has more than {MOST_PIXELS:,} pixels") from None
        except Exception as error:  # noqa: BLE001 - decoders raise anything on damaged files
            words = " ".join(str(error).split())[:80] or type(error).__name__
            raise BadImageError(f"is cut off or damaged ({words})") from None


def is_grey(path: str) -> bool | None:
    """Whether a file's header speaks of a grey image; None if it cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_known_formats()) as image:
                return image.mode in _GREY
        except Exception:  # noqa: BLE001 - as above; the file is judged when it is decoded
            return None


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise BadImageError(f"has {width:,} by {height:,} pixels, more than {MOST_PIXELS:,}")
    # A camera's MPO holds a preview beside the picture; it is no animation.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise BadImageError("is animated or has several pages")
    if image.mode == "F" or (image.mode == "I" and image.format not in _SIXTEEN_IN_32):
        raise BadImageError("holds 32-bit numbers, of which nobody knows how bright white is")


def _upright(image: Image.Image) -> Image.Image:
    """The image as the camera was held."""
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - damaged notes of a camera do not spoil the picture
        turn = None
    return image if turn is None else image.transpose(turn)


def _pixels(image: Image.Image, form: Form) -> NDArray[np.uint8]:
    if image.mode in _SIXTEEN_BIT or image.mode == "I":
        # Pillow would cut these off at 255.
        high_bytes = np.asarray(image).astype(np.uint32) >> 8
        image = Image.fromarray(high_bytes.astype(np.uint8))
    if image.has_transparency_data:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    wanted = image.convert("L" if form.channels == 1 else "RGB")
    small = wanted.resize(
        (form.width, form.height), Image.Resampling.BILINEAR, box=_box(wanted.size, form)
    )
    pixels = np.asarray(small, dtype=np.uint8).reshape(form.height, form.width, form.channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _box(size: tuple[int, int], form: Form) -> tuple[float, float, float, float]:
    """The part of the image that is kept: all of it, or the largest in the wanted proportions."""
    width, height = size
    if not form.crop:
        return 0.0, 0.0, float(width), float(height)
    scale = min(width / form.width, height / form.height)
    left, top = (width - scale * form.width) / 2, (height - scale * form.height) / 2
    return left, top, width - left, height - top


def read_images(paths: list[str], form: Form) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Read files; zeros for those that cannot be used, and why by their place."""
    pixels, bad = np.zeros((len(paths), *form.shape), dtype=np.uint8), {}
    for i, path in enumerate(paths):
        try:
            pixels[i] = read_image(path, form)
        except BadImageError as error:
            bad[i] = str(error)
    return pixels, bad


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of the input ends this process
    for line in requests:
        request = cast("dict[str, Any]", json.loads(line))
        pixels, bad = read_images(request["files"], Form(**request["form"]))
        answers.write(json.dumps(bad).encode() + b"\n")
        answers.write(pixels.tobytes())
        answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
