"""CelebA: 40 binary attributes of faces."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ramify._core import InputError, quoted
from ramify.data.images import ImageData, ImageReading, Progress, open_images, silent
from ramify.data.images.layouts._base import SPLIT_COLUMN, ImageLayout, find, read_lines, sides
from ramify.data.splits import ColumnSplit
from ramify.data.tables import open_table

_ATTRIBUTES = ("list_attr_celeba.txt", "Anno/list_attr_celeba.txt")
_PARTITION = ("list_eval_partition.txt", "Eval/list_eval_partition.txt")
_IMAGES = ("img_align_celeba", "img_celeba", "Img/img_align_celeba", "Img/img_celeba")
_SIDES = {"0": "train", "1": "validation", "2": "test"}
_LABELS = {"1": 1, "-1": 0}
_FILE = "image"


@dataclass(frozen=True)
class CelebA(ImageLayout):
    """CelebA as it is handed out: ``list_attr_celeba.txt``, ``list_eval_partition.txt``, images.

    Labels of ±1 become 1 and 0. Images lie in ``img_align_celeba`` (aligned) or, as the paper has
    them, in ``img_celeba`` (in the wild); with both, the aligned ones are read.

    Attributes:
        folder: Where the files lie.

    References:
        Liu et al. *Deep Learning Face Attributes in the Wild*, ICCV 2015.
    """

    folder: Path

    def open(self, reading: ImageReading, progress: Progress = silent) -> ImageData:
        """Read labels and images, with the data set's own targets and split."""
        path = find(self.folder, _ATTRIBUTES, "the attributes of CelebA")
        header, rows = read_lines(path, header=2)
        names = header[1].split()
        _check(path, names, rows)
        files = [row[0] for row in rows]
        partition = find(self.folder, _PARTITION, "the partition of CelebA")
        split = sides(partition, read_lines(partition, header=0)[1], _SIDES, files)
        labels = {name: [_LABELS[row[i + 1]] for row in rows] for i, name in enumerate(names)}
        frame = pl.DataFrame({_FILE: files, SPLIT_COLUMN: split, **labels})
        folder = find(self.folder, _IMAGES, "the images of CelebA")
        data = open_images(open_table(frame, path.name), _FILE, folder, reading, progress)
        return data.meant_for(names, ColumnSplit(SPLIT_COLUMN))


def _check(path: Path, names: list[str], rows: list[list[str]]) -> None:
    if not names or len({*names, _FILE, SPLIT_COLUMN}) < len(names) + 2:
        raise InputError(
            f"{quoted(path)} must give each attribute a name of its own in its second line"
        )
    for i, row in enumerate(rows):
        if len(row) != len(names) + 1 or not set(row[1:]) <= set(_LABELS):
            raise InputError(
                f"each line of {quoted(path)} must be a file and {len(names)} times 1 or -1. "
                f"Line of image {i + 1:,} is {quoted(' '.join(row))}"
            )
