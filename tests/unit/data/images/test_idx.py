import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.unit.data.images.layouts._layout_folders import idx_bytes

from ramify._core import InputError
from ramify.data import ImageReading, idx_images, open_idx, read_idx

CUBE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
WHOLE = idx_bytes(CUBE)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def into(content: bytes) -> Path:
        (tmp_path / "file").write_bytes(content)
        return tmp_path / "file"

    return into


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_idx_file_is_read_packed_or_not(
    write: Callable[[bytes], Path], pack: Callable[[bytes], bytes]
) -> None:
    for array in (CUBE, CUBE.ravel(), CUBE[None]):
        assert_array_equal(read_idx(write(pack(idx_bytes(array)))), array)
    assert_array_equal(idx_images(write(pack(WHOLE))).take(np.arange(2)).numpy(), CUBE[:, None])


PACKED = gzip.compress(WHOLE)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "must be an IDX file, .* Got an empty file"),
    "three bytes": (WHOLE[:3], "must be an IDX file, .* Got 00 00 08"),
    "wrong magic": (b"\x01" + WHOLE[1:], "must be an IDX file, .* Got 01 00 08 03"),
    "text": (b"label\n1\n2\n", "must be an IDX file"),
    "no axes": (bytes([0, 0, 8, 0]), "must be an IDX file"),
    "hundred axes": (bytes([0, 0, 8, 100]), "must be an IDX file"),
    "floats": (
        bytes([0, 0, 13]) + WHOLE[3:],
        r"must hold unsigned bytes \(type 08\)\. Got type 0d",
    ),
    "cut off in its header": (WHOLE[:11], "is cut off within its header"),
    "cut off": (WHOLE[:-1], r"must hold 24 bytes after its header, as that says\. Got 23"),
    "left over": (WHOLE + b"x", r"must hold 24 bytes after its header, as that says\. Got more"),
    "claims too much": (
        bytes([0, 0, 8, 3]) + b"\xff" * 12 + bytes(24),
        r"must hold 79,228,162,458,924,105,385,300,197,375 bytes .* Got 24",
    ),
    "packed, far larger than it is": (
        gzip.compress(b"\0\0\x08\x01\x7f\xff\xff\xff" + bytes(1000)),
        r"must unpack to at most 200 times its size\. Got 2\.0 GiB",
    ),
    "packed, cut off": (PACKED[:-12], "cannot be read|must hold 24 bytes"),
    "packed, damaged": (
        PACKED[:20] + b"\xff\xff\xff" + PACKED[23:],
        "cannot be read|must hold|must unpack",
    ),
    "packed, wrong sum": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], r"cannot be read \(CRC check"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_idx_file_is_named_in_one_line(write: Callable[[bytes], Path], case: str) -> None:
    content, message = HOSTILE[case]
    with pytest.raises(InputError, match=message) as caught:
        read_idx(write(content))
    assert "\n" not in str(caught.value)


def test_a_missing_idx_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read \(No such file or directory\)"):
        read_idx(tmp_path / "nothing")


def test_images_and_labels_must_have_their_axes(tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(WHOLE)
    labels.write_bytes(WHOLE)
    with pytest.raises(InputError, match=r"labels' .*must have 1 axes.* Got \(2, 3, 4\)"):
        open_idx(images, labels, ImageReading())
    images.write_bytes(idx_bytes(CUBE[:0]))
    with pytest.raises(InputError, match=r"images' .*must have 3 axes.* Got \(0, 3, 4\)"):
        open_idx(images, labels, ImageReading())
    labels.write_bytes(idx_bytes(CUBE[0, 0]))
    with pytest.raises(InputError, match=r"IDX file of images, with 3 axes .* Got \(4,\)"):
        idx_images(labels)
