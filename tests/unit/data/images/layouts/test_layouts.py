from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from tests.unit.data.images.layouts._layout_folders import (
    write_celeba,
    write_deepfashion,
    write_idx,
)

from ramify._core import InputError
from ramify.data import (
    LAYOUTS,
    CelebA,
    ImageData,
    ImageReading,
    TrainTestSplit,
    infer_labels,
    layout_of,
    one_vs_rest,
    open_idx,
    open_layout,
    open_table,
    read_targets,
    split_rows,
)

WRITE: dict[str, Callable[[Path], Path]] = {
    "celeba": write_celeba,
    "deepfashion": write_deepfashion,
    "idx": write_idx,
}


@pytest.fixture
def reading(tmp_path: Path) -> ImageReading:
    return ImageReading(size=(11, 9), cache=tmp_path / "cache", workers=0)


def levels(data: ImageData, channel: int) -> np.ndarray:
    """The mean of each image; about what it was made with."""
    pixels = data.images.take(np.arange(len(data.images)))[:, channel]
    return pixels.float().mean(dim=(1, 2)).numpy()


def test_the_table_of_layouts_is_complete() -> None:
    assert set(LAYOUTS) == set(WRITE)
    assert isinstance(layout_of("celeba", Path.cwd()), CelebA)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_gives_a_row_per_image_and_a_split_of_its_own(
    tmp_path: Path, reading: ImageReading, name: str
) -> None:
    data = open_layout(name, WRITE[name](tmp_path / "set"), reading)
    tasks = infer_labels(data.table, data.targets).tasks
    _, label_mask = read_targets(data.table, tasks)
    assert data.split is not None
    split = split_rows(data.split, data.table, label_mask, seed=0)
    every = np.concatenate([split.train, split.validation, split.test])
    assert_array_equal(np.sort(every), np.arange(len(data.images)))
    assert label_mask.all()
    assert data.images.shape[2:] == (11, 9)


@pytest.mark.parametrize("images", ["img_align_celeba", "img_celeba", "Img/img_celeba"])
def test_celeba_has_binary_attributes_and_its_own_split(
    tmp_path: Path, reading: ImageReading, images: str
) -> None:
    data = open_layout("celeba", write_celeba(tmp_path / "set", images=images), reading)
    assert data.targets == ("Smiling", "Young", "Bald")
    tasks = infer_labels(data.table, data.targets).tasks
    targets, label_mask = read_targets(data.table, tasks)
    assert_array_equal(targets, [[i % d == 0 for d in (2, 3, 4)] for i in range(9)])
    assert data.split is not None
    split = split_rows(data.split, data.table, label_mask, seed=0)
    assert [split.train.tolist(), split.validation.tolist(), split.test.tolist()] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
    ]
    assert np.abs(levels(data, 0) - 25 * np.arange(9)).max() < 6


def test_celeba_is_also_found_in_the_folders_of_its_archives(
    tmp_path: Path, reading: ImageReading
) -> None:
    folder = write_celeba(tmp_path / "set")
    for name, part in (("list_attr_celeba.txt", "Anno"), ("list_eval_partition.txt", "Eval")):
        (folder / part).mkdir()
        (folder / name).rename(folder / part / name)
    assert open_layout("celeba", folder, reading).images.shape == (9, 3, 11, 9)


def test_rows_of_a_layout_stay_together_when_bad_images_are_left_out(
    tmp_path: Path,
) -> None:
    folder = write_celeba(tmp_path / "set")
    (folder / "img_align_celeba" / "000004.jpg").write_bytes(b"no image")
    reading = ImageReading((11, 9), cache=tmp_path / "cache", workers=0, skip_bad=True)
    data = open_layout("celeba", folder, reading)
    kept = [i for i in range(9) if i != 3]
    targets, _ = read_targets(data.table, infer_labels(data.table, data.targets).tasks)
    assert_array_equal(targets[:, 0], [i % 2 == 0 for i in kept])
    assert np.abs(levels(data, 0) - 25 * np.array(kept)).max() < 6
    assert "1 row left out" in data.notes[0]
    assert "'000004.jpg' is damaged or no image" in data.notes[0]


def test_deepfashion_has_one_column_of_names(tmp_path: Path, reading: ImageReading) -> None:
    data = open_layout("deepfashion", write_deepfashion(tmp_path / "set"), reading)
    cells = data.table.collect(data.table.column("category").text()).to_series().to_list()
    assert cells == ["Anorak", "Blazer", "Cut Offs", "Dress"] * 2
    assert np.abs(levels(data, 1) - 30 * np.arange(8)).max() < 6
    table, targets = one_vs_rest(data.table, "category")
    assert targets == tuple(
        f"category={name}" for name in ("Anorak", "Blazer", "Cut Offs", "Dress")
    )
    binary, label_mask = read_targets(table, infer_labels(table, targets).tasks)
    assert_array_equal(binary, np.tile(np.eye(4), (2, 1)))
    assert label_mask.all()


def test_idx_files_keep_their_size_unless_another_is_asked_for(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "set")
    data = open_layout("idx", folder, ImageReading())
    assert data.images.shape == (26, 1, 5, 4)
    assert_array_equal(levels(data, 0), [10 * (i % 10) for i in [*range(20), *range(6)]])
    other = open_layout("idx", folder, ImageReading((8, 7), channels=3))
    assert other.images.shape == (26, 3, 8, 7)
    assert_array_equal(levels(other, 2), levels(data, 0))
    pair = open_idx(
        folder / "train-images-idx3-ubyte", folder / "train-labels-idx1-ubyte", ImageReading((8, 7))
    )
    assert pair.images.shape == (20, 1, 8, 7)
    assert pair.targets == ("label",)
    assert data.kinds == pair.kinds == {"label": "multiclass"}


def test_test_rows_of_idx_files_are_those_of_t10k_and_validation_rows_hang_on_the_seed(
    tmp_path: Path,
) -> None:
    data = open_layout("idx", write_idx(tmp_path / "set"), ImageReading())
    assert data.split == TrainTestSplit("split")
    mask = np.ones((26, 1), dtype=np.bool_)
    first, again, other = (split_rows(data.split, data.table, mask, seed) for seed in (0, 0, 1))
    assert_array_equal(first.test, np.arange(20, 26))
    assert len(first.validation) == 2
    assert_array_equal(first.validation, again.validation)
    assert first.validation.tolist() != other.validation.tolist()
    assert_array_equal(np.union1d(first.train, first.validation), np.arange(20))


@pytest.mark.parametrize("shift", ["train", "test"])
def test_a_split_without_train_or_test_rows_is_refused(shift: str) -> None:
    table = open_table(pl.DataFrame({"split": [shift] * 5}))
    with pytest.raises(InputError, match="each of train, validation and test must have at least"):
        split_rows(TrainTestSplit("split"), table, np.ones((5, 1), dtype=np.bool_), 0)


def test_a_split_with_other_words_is_refused() -> None:
    table = open_table(pl.DataFrame({"split": ["train", "test", "val"]}))
    with pytest.raises(InputError, match=r"column 'split' must hold train or test\. Got 'val'"):
        split_rows(TrainTestSplit("split"), table, np.ones((3, 1), dtype=np.bool_), 0)
    with pytest.raises(InputError, match=r"`validation` must be a share above 0 .* Got 1"):
        TrainTestSplit("split", validation=1.0)


def replacing(name: str, old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        text = (folder / name).read_bytes().decode()
        assert old in text
        (folder / name).write_bytes(text.replace(old, new, 1).encode())

    return spoil


def without(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / name
        path.unlink() if path.is_file() else path.rename(folder / "gone")

    return spoil


def holding(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return spoil


def leaving_the_folder(folder: Path) -> None:
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        replacing(name, "000001.jpg", "../../x.jpg")(folder)


SPOILT: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "celeba without attributes": (
        "celeba",
        without("list_attr_celeba.txt"),
        "attributes of CelebA must lie in .* as 'list_attr_celeba.txt', .* Found none of them",
    ),
    "celeba without partition": ("celeba", without("list_eval_partition.txt"), "the partition of"),
    "celeba without images": ("celeba", without("img_align_celeba"), "the images of CelebA must"),
    "celeba without an image": (
        "celeba",
        without("img_align_celeba/000002.jpg"),
        "image of data row 2: '000002.jpg' does not exist in",
    ),
    "celeba cut off": (
        "celeba",
        replacing("list_attr_celeba.txt", "9\r\n", "10\r\n"),
        "must have as many lines as its first line says, and at least one. Got 9 for '10'",
    ),
    "celeba empty": ("celeba", holding("list_attr_celeba.txt", b""), "as many lines as its first"),
    "celeba with one name twice": (
        "celeba",
        replacing("list_attr_celeba.txt", "Young", "Smiling"),
        "must give each attribute a name of its own",
    ),
    "celeba binary": (
        "celeba",
        holding("list_attr_celeba.txt", b"\xff\xfe\x00"),
        "cannot be read: it is no UTF-8 text",
    ),
    "celeba with a label of 0": (
        "celeba",
        replacing("list_attr_celeba.txt", "000002.jpg -1", "000002.jpg 0"),
        "must be a file and 3 times 1 or -1. Line of image 2 is '000002.jpg 0 -1 -1'",
    ),
    "celeba with a short line": (
        "celeba",
        replacing("list_attr_celeba.txt", "000002.jpg -1", "000002.jpg"),
        "Line of image 2 is '000002.jpg -1 -1'",
    ),
    "celeba with a partition of 3": (
        "celeba",
        replacing("list_eval_partition.txt", "000001.jpg 0", "000001.jpg 3"),
        "must be a file and one of '0', '1', '2'. Line of image 1 has '000001.jpg 3'",
    ),
    "celeba with an image in no partition": (
        "celeba",
        replacing("list_eval_partition.txt", "000001.jpg 0\n", ""),
        "must name every image. It lacks '000001.jpg'",
    ),
    "celeba whose image leaves the folder": (
        "celeba",
        leaving_the_folder,
        "image of data row 1: '../../x.jpg' does not exist in",
    ),
    "deepfashion with category 0": (
        "deepfashion",
        replacing("Anno/list_category_img.txt", " 1\n", " 0\n"),
        "must be a file and a category from 1 to 4. Line of image 1 is",
    ),
    "deepfashion with category 5": (
        "deepfashion",
        replacing("Anno/list_category_img.txt", " 2\n", " 5\n"),
        "must be a file and a category from 1 to 4. Line of image 2 is",
    ),
    "deepfashion with two categories of one name": (
        "deepfashion",
        replacing("Anno/list_category_cloth.txt", "Blazer", "Anorak"),
        "must give each category a name of its own",
    ),
    "deepfashion with a category without a type": (
        "deepfashion",
        replacing("Anno/list_category_cloth.txt", "Blazer              2", "Blazer"),
        "must give each category a name of its own and a type",
    ),
    "deepfashion without images": ("deepfashion", without("img"), "the images of DeepFashion"),
    "idx without labels": (
        "idx",
        without("train-labels-idx1-ubyte"),
        "the labels of train must lie in .* as 'train-labels-idx1-ubyte'",
    ),
    "idx with fewer labels": (
        "idx",
        holding("train-labels-idx1-ubyte", bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1])),
        "must have one row each per image. Got 20 and 2",
    ),
    "idx with images of another size": (
        "idx",
        holding(
            "train-images-idx3-ubyte",
            bytes([0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1]) + bytes(20),
        ),
        r"of one size. Got \(1, 1\) and \(5, 4\)",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_layout_is_named_in_one_line(
    tmp_path: Path, reading: ImageReading, case: str
) -> None:
    name, spoil, message = SPOILT[case]
    folder = WRITE[name](tmp_path / "set")
    spoil(folder)
    with pytest.raises(InputError, match=message) as caught:
        open_layout(name, folder, reading)
    assert "\n" not in str(caught.value)


def test_an_unknown_layout_or_folder_is_refused(tmp_path: Path, reading: ImageReading) -> None:
    with pytest.raises(InputError, match="`layout` must be one of 'celeba', 'deepfashion', 'idx'"):
        open_layout("imagenet", tmp_path, reading)
    with pytest.raises(InputError, match="`layout` must name a folder"):
        open_layout("idx", tmp_path / "nowhere", reading)


def test_fashion_mnist_is_read_as_it_is(ramify_data: Callable[[str], Path]) -> None:
    data = open_layout("idx", ramify_data("fashion_mnist"), ImageReading())
    assert data.images.shape == (70_000, 1, 28, 28)
    pixels = data.images.take(np.arange(0, 60_000, 7)).double() / 255
    assert abs(float(pixels.mean()) - 0.2860) < 0.005
    table, targets = one_vs_rest(data.table, "label")
    assert targets == tuple(f"label={i}" for i in range(10))
    binary, _ = read_targets(table, infer_labels(table, targets).tasks)
    assert_array_equal(binary.sum(axis=0), [7000] * 10)
