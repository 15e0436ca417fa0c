import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ramify._core import InputError
from ramify.data import ImageReading, infer_labels, npz_images, open_npz, read_targets

IMAGES = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
LABELS = np.array([1, 0, 1, 1])


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def into(arrays: Mapping[str, Any]) -> Path:
        np.savez(tmp_path / "set.npz", **arrays)
        return tmp_path / "set.npz"

    return into


def cells(path: Path, column: str, key: str | None = None) -> list[str | None]:
    table = open_npz(path, ImageReading(), key).table
    return table.collect(table.column(column).text()).to_series().to_list()


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        IMAGES[:, None],
        IMAGES[..., None],
        IMAGES.astype(np.int64),
        IMAGES.astype(">u2"),
        np.asfortranarray(IMAGES),
        IMAGES / 255,
        (IMAGES / 255).astype(np.float32),
    ],
)
def test_arrays_of_all_common_kinds_are_the_same_pixels(
    write: Callable[..., Path], images: np.ndarray
) -> None:
    found = npz_images(write({"images": images}))
    assert_array_equal(found.take(np.arange(4)).numpy(), IMAGES[:, None])


def test_colours_come_first_wherever_they_stand(write: Callable[..., Path]) -> None:
    colours = np.stack([IMAGES, IMAGES + 1, IMAGES + 2], axis=1)
    for images in (colours, np.moveaxis(colours, 1, 3)):
        found = npz_images(write({"images": images}))
        assert_array_equal(found.take(np.arange(4)).numpy(), colours)


def test_truth_values_are_black_and_white(write: Callable[..., Path]) -> None:
    found = npz_images(write({"images": IMAGES > 60}))
    assert_array_equal(found.take(np.arange(4)).numpy(), 255 * (IMAGES[:, None] > 60))


def test_arrays_of_one_axis_become_columns(write: Callable[..., Path]) -> None:
    path = write(
        {
            "images": IMAGES,
            "label": LABELS,
            "weight": np.array([0.5, np.nan, 2, 3]),
            "ill": LABELS > 0,
            "name": np.array(["a", "b", "", "d"]),
            "raw": np.array([b"a", b"b", b"c", b"\xff"]),
            "short": LABELS[:3],
            "table": np.zeros((4, 2)),
        }
    )
    data = open_npz(path, ImageReading((3, 3)))
    assert data.table.columns == ("label", "weight", "ill", "name", "raw")
    assert data.images.shape == (4, 1, 3, 3)
    assert cells(path, "label") == ["1", "0", "1", "1"]
    assert cells(path, "weight") == ["0.5", None, "2", "3"]
    assert cells(path, "ill") == ["true", "false", "true", "true"]
    assert cells(path, "name") == ["a", "b", None, "d"]
    assert cells(path, "raw") == ["a", "b", "c", "\N{REPLACEMENT CHARACTER}"]


def test_names_of_classes_stand_beside_their_numbers(write: Callable[..., Path]) -> None:
    for names in (["no", "yes"], ["no", "yes", "x", "y"]):
        path = write({"images": IMAGES, "ill": LABELS, "ill_names": np.array(names)})
        assert open_npz(path, ImageReading()).table.columns == ("ill",)
        assert cells(path, "ill") == ["yes", "no", "yes", "yes"]


def test_of_several_images_one_is_chosen(write: Callable[..., Path]) -> None:
    path = write({"large": IMAGES, "small": IMAGES[:, :2, :2], "label": LABELS})
    with pytest.raises(InputError, match=r"say which with `images`\. It has 'large', 'small'"):
        open_npz(path, ImageReading())
    assert open_npz(path, ImageReading(), "small").images.shape == (4, 1, 2, 2)


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the archive's code was run",))


def _objects() -> np.ndarray:
    found = np.empty(4, dtype=object)
    found[:] = [Trap() for _ in range(4)]
    return found


def test_objects_of_python_are_never_loaded(write: Callable[..., Path]) -> None:
    path = write({"images": IMAGES, "label": LABELS, "trap": _objects()})
    data = open_npz(path, ImageReading())
    assert data.table.columns == ("label",)
    assert "are never loaded" in data.no_labels["trap"]
    with pytest.raises(InputError, match=r"'trap' holds objects of Python, which are never"):
        open_npz(path, ImageReading(), "trap")


def test_members_that_are_no_arrays_are_passed_over(write: Callable[..., Path]) -> None:
    path = write({"images": IMAGES, "label": LABELS, "short": LABELS[:3]})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README", "how it was made")
    data = open_npz(path, ImageReading())
    assert data.table.columns == ("label",)
    assert data.no_labels == {"short": "has 3 rows instead of 4", "README": "is no array"}
    with pytest.raises(InputError, match=r"`images` must .* 'README' is no array"):
        open_npz(path, ImageReading(), "README")


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "no arrays": ({}, "must have one array of images"),
    "no images": ({"label": LABELS}, r"None of 'label' is one"),
    "objects only": ({"images": _objects()}, "are never loaded"),
    "no labels": (
        {"images": IMAGES, "other": LABELS[:2]},
        "must have labels: arrays of one axis .*; 'other' has 2 rows instead of 4",
    ),
    "no rows": ({"images": IMAGES[:0], "label": LABELS[:0]}, r"must hold images\. Got the shape"),
    "four channels": (
        {"images": np.zeros((4, 5, 6, 4), np.uint8), "label": LABELS},
        r"one more axis of 1 or 3 channels .* Got \(4, 5, 6, 4\)",
    ),
    "channels in two places": (
        {"images": np.zeros((4, 3, 6, 3), np.uint8), "label": LABELS},
        r"Got \(4, 3, 6, 3\), where either",
    ),
    "not a number": (
        {"images": np.full((4, 5, 6), np.nan), "label": LABELS},
        "must hold a number in every pixel. Got NaN",
    ),
    "fractions beyond 1": (
        {"images": np.full((4, 5, 6), 3.0), "label": LABELS},
        "must hold fractions from 0 to 1. Got 3 to 3; scale them first",
    ),
    "whole numbers beyond 255": (
        {"images": np.full((4, 5, 6), 256), "label": LABELS},
        "must hold whole numbers from 0 to 255. Got 256 to 256",
    ),
    "negative": (
        {"images": np.full((4, 5, 6), -1), "label": LABELS},
        "must hold whole numbers from 0 to 255. Got -1 to -1",
    ),
    "texts as images": (
        {"images": np.full((4, 5, 6), "x"), "label": LABELS},
        "must hold numbers. Got <U1",
    ),
    "complex labels": (
        {"images": IMAGES, "label": LABELS * 1j},
        "'label' of .* must hold numbers, truth values or text. Got complex128",
    ),
    "class without a name": (
        {"images": IMAGES, "ill": LABELS + 1, "ill_names": np.array(["no", "yes"])},
        "'ill' of .* must hold places in 'ill_names', from 0 to 1. Got 1 to 2",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_named_in_one_line(write: Callable[..., Path], case: str) -> None:
    arrays, message = HOSTILE[case]
    with pytest.raises(InputError, match=message) as caught:
        open_npz(write(arrays), ImageReading())
    assert "\n" not in str(caught.value)


def _single_array(path: Path) -> bytes:
    np.save(path.with_suffix(".npy"), IMAGES)
    return path.with_suffix(".npy").read_bytes()


def _claims_too_much(path: Path) -> bytes:
    """An archive whose array says that it is far larger than it is."""
    whole = path.read_bytes()
    old, new = b"(4, 5, 6), }", b"(999999999,)}"
    assert old in whole
    return whole.replace(old + b" ", new)


DAMAGED: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"label\n1\n",
    "cut off": lambda path: path.read_bytes()[:-40],
    "changed": lambda path: path.read_bytes().replace(bytes(range(20, 30)), bytes(10)),
    "a single array": _single_array,
    "claims too much": _claims_too_much,
    "pickle": lambda _: pickle.dumps(Trap()),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_archive_is_named_in_one_line(write: Callable[..., Path], case: str) -> None:
    path = write({"images": IMAGES, "label": LABELS})
    path.write_bytes(DAMAGED[case](path))
    with pytest.raises(InputError, match=r"cannot be read as an \.npz archive") as caught:
        open_npz(path, ImageReading())
    assert "\n" not in str(caught.value)


def _claiming(shape: tuple[int, ...]) -> bytes:
    """The start of an array of zeros that says to be larger than it is."""
    content = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue() + bytes(1 << 20)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (_claiming((6000, 1024, 1024)), r"at most 200 times its size\. Got 5\.9 GiB from 0\.0 MiB"),
        (_claiming((4, -1, 5)), "must have one array of images"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(1 << 20), "must have one array of images"),
    ],
    ids=["images", "negative", "header"],
)
def test_an_archive_that_would_fill_the_memory_is_not_unpacked(
    tmp_path: Path, member: bytes, message: str
) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", member)
        archive.writestr("label.npy", _claiming((6000,)))
    for read in (lambda: open_npz(path, ImageReading()), lambda: npz_images(path)):
        with pytest.raises(InputError, match=message):
            read()


def test_arrays_that_nobody_asked_for_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, images=IMAGES, label=LABELS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("huge.npy", _claiming((10**6, 10**6)))
    assert open_npz(path, ImageReading()).table.columns == ("label",)


def test_a_missing_archive_or_array_is_named(write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no archive at .*; check the path"):
        open_npz(tmp_path / "nothing.npz", ImageReading())
    with pytest.raises(InputError, match=r"`images` must .* 'x' is not there; it has 'images'"):
        npz_images(write({"images": IMAGES}), "x")


def test_the_faces_have_four_kinds_of_label(ramify_data: Callable[[str], Path]) -> None:
    path = ramify_data("cmu_faces") / "cmu_faces.npz"
    data = open_npz(path, ImageReading(), "images_30x32")
    assert data.images.shape == (624, 1, 30, 32)
    tasks = infer_labels(data.table, ["person", "pose", "expression", "eyes"]).tasks
    assert [task.kind.name for task in tasks] == ["multiclass"] * 3 + ["binary"]
    assert tasks[1].kind.n_outputs == 4
    _, label_mask = read_targets(data.table, tasks)
    assert label_mask.all()
