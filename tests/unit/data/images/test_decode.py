import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from PIL import Image

from ramify.data.images._decode import MOST_PIXELS, BadImageError, Form, is_grey, read_image

COLOUR = Form(height=8, width=8, channels=3, crop=False)
GREY = Form(height=8, width=8, channels=1, crop=False)


def picture(height: int = 16, width: int = 16) -> NDArray[np.uint8]:
    """Red from left to right, green from top to bottom, blue all over."""
    red, green = np.linspace(0, 255, width), np.linspace(0, 255, height)
    whole = np.stack(np.broadcast_arrays(red[None, :], green[:, None], np.float64(90)), axis=-1)
    return whole.astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels to speak of."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def animation(kind: str) -> bytes:
    frames = [Image.fromarray(picture() // (i + 1)) for i in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def photograph(kind: str = "JPEG") -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise), kind)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "zero bytes": (b"", "is damaged or no image of a known kind"),
    "text": (b"this is no image", "is damaged or no image of a known kind"),
    "jpeg cut off in its header": (
        photograph()[:30],
        "is damaged or no image|is cut off or damaged",
    ),
    "jpeg cut off": (photograph()[:900], r"is cut off or damaged \(.*truncated"),
    "png cut off": (photograph("PNG")[:900], "is cut off or damaged"),
    "animated gif": (animation("GIF"), "is animated or has several pages"),
    "animated png": (animation("PNG"), "is animated or has several pages"),
    "animated webp": (animation("WEBP"), "is animated or has several pages"),
    "tiff of several pages": (animation("TIFF"), "is animated or has several pages"),
    "decompression bomb": (png_header(9_500, 9_500), r"has 9,500 by 9,500 pixels, more than"),
    "giant decompression bomb": (png_header(60_000, 60_000), "has more than 89,478,485 pixels"),
    "png with few pixels": (png_header(100, 100), "is cut off or damaged"),
    "32-bit integers": (
        encoded(Image.fromarray(np.full((4, 4), 70_000, np.int32)), "TIFF"),
        "holds 32-bit numbers",
    ),
    "fractions": (
        encoded(Image.fromarray(np.full((4, 4), 0.5, np.float32)), "TIFF"),
        "holds 32-bit numbers",
    ),
    "postscript, which would be run": (
        encoded(Image.fromarray(picture()), "EPS"),
        "is damaged or no image of a known kind",
    ),
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], str]:
    def into(content: bytes) -> str:
        (tmp_path / "image").write_bytes(content)
        return str(tmp_path / "image")

    return into


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_image_is_named_in_one_line(write: Callable[[bytes], str], case: str) -> None:
    content, message = HOSTILE[case]
    with pytest.raises(BadImageError, match=message) as caught:
        read_image(write(content), COLOUR)
    assert "\n" not in str(caught.value)


def test_every_way_of_cutting_a_jpeg_off_is_noticed(write: Callable[[bytes], str]) -> None:
    whole = photograph()
    for length in range(0, len(whole) - 200, 97):
        with pytest.raises(BadImageError):
            read_image(write(whole[:length]), COLOUR)


def test_a_bomb_is_refused_without_unpacking_it(write: Callable[[bytes], str]) -> None:
    assert MOST_PIXELS < 9_500 * 9_500
    with pytest.raises(BadImageError, match="more than"):
        read_image(write(png_header(9_500, 9_500)), COLOUR)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_pixels_of_a_lossless_image_come_as_they_are(
    write: Callable[[bytes], str], kind: str
) -> None:
    pixels = picture(8, 8)
    found = read_image(write(encoded(Image.fromarray(pixels), kind)), COLOUR)
    assert_allclose(found, pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_a_lossy_image_comes_out_about_right(write: Callable[[bytes], str], kind: str) -> None:
    pixels = picture(64, 64)
    found = read_image(write(encoded(Image.fromarray(pixels), kind)), COLOUR)
    exact = read_image(write(encoded(Image.fromarray(pixels), "PNG")), COLOUR)
    assert np.abs(found.astype(int) - exact).mean() < 16


def test_cmyk_and_palette_are_converted_to_colour(write: Callable[[bytes], str]) -> None:
    image = Image.fromarray(picture())
    exact = read_image(write(encoded(image, "PNG")), COLOUR).astype(int)
    cmyk = read_image(write(encoded(image.convert("CMYK"), "JPEG", quality=95)), COLOUR)
    palette = read_image(write(encoded(image.quantize(256), "PNG")), COLOUR)
    assert np.abs(cmyk - exact).max() < 16
    assert np.abs(palette - exact).max() < 32


def test_sixteen_bit_grey_keeps_its_high_byte(write: Callable[[bytes], str]) -> None:
    deep = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
    for kind in ("PNG", "TIFF", "PPM"):
        found = read_image(write(encoded(Image.fromarray(deep), kind)), GREY)
        assert_allclose(found[0], deep >> 8)


def test_transparent_pixels_lie_on_white(write: Callable[[bytes], str]) -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert read_image(write(encoded(clear, "PNG")), COLOUR).min() == 255
    palette = Image.new("P", (8, 8), 0)
    assert read_image(write(encoded(palette, "PNG", transparency=0)), GREY).min() == 255


def test_grey_is_the_luma_of_colour_and_colour_of_grey_is_grey(
    write: Callable[[bytes], str],
) -> None:
    pixels = picture(8, 8)
    grey = read_image(write(encoded(Image.fromarray(pixels), "PNG")), GREY)
    assert_allclose(grey[0], pixels @ [0.299, 0.587, 0.114], atol=1)
    thrice = read_image(write(encoded(Image.fromarray(grey[0]), "PNG")), COLOUR)
    assert_allclose(thrice, np.repeat(grey, 3, axis=0))


def test_stretching_keeps_the_corners_and_cropping_the_middle(
    write: Callable[[bytes], str],
) -> None:
    wide = np.zeros((8, 24), dtype=np.uint8)
    wide[:, 8:16] = 255
    path = write(encoded(Image.fromarray(wide), "PNG"))
    stretched = read_image(path, GREY)[0]
    cropped = read_image(path, Form(8, 8, 1, crop=True))[0]
    assert stretched[:, 0].max() == stretched[:, -1].max() == 0
    assert stretched[:, 4].min() == 255
    assert cropped.min() == 255


def test_a_picture_is_turned_as_the_camera_was_held(write: Callable[[bytes], str]) -> None:
    pixels = picture(8, 8)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_image(write(encoded(Image.fromarray(pixels), "PNG", exif=exif)), COLOUR)
    assert_allclose(found, np.rot90(pixels, -1).transpose(2, 0, 1))


def test_damaged_notes_of_a_camera_do_not_spoil_a_picture(write: Callable[[bytes], str]) -> None:
    pixels = picture(8, 8)
    content = encoded(Image.fromarray(pixels), "PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert_allclose(read_image(write(content), COLOUR), pixels.transpose(2, 0, 1))


def test_a_single_pixel_fills_the_image(write: Callable[[bytes], str]) -> None:
    content = encoded(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG")
    for crop in (False, True):
        found = read_image(write(content), Form(3, 5, 3, crop=crop))
        assert_allclose(found, np.broadcast_to(np.array([9, 8, 7])[:, None, None], (3, 3, 5)))


def test_the_header_tells_grey_from_colour(write: Callable[[bytes], str]) -> None:
    image = Image.fromarray(picture())
    assert is_grey(write(encoded(image, "PNG"))) is False
    assert is_grey(write(encoded(image.convert("L"), "JPEG"))) is True
    assert is_grey(write(b"no image")) is None
