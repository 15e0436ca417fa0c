"""DeepFashion: the category of clothing on each image."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ramify._core import InputError, quoted
from ramify.data.images import ImageData, ImageReading, Progress, open_images, silent
from ramify.data.images.layouts._base import SPLIT_COLUMN, ImageLayout, find, read_lines, sides
from ramify.data.splits import ColumnSplit
from ramify.data.tables import open_table

_CATEGORIES = ("Anno/list_category_cloth.txt", "Anno_coarse/list_category_cloth.txt")
_LABELS = ("Anno/list_category_img.txt", "Anno_coarse/list_category_img.txt")
_PARTITION = ("Eval/list_eval_partition.txt",)
_SIDES = {"train": "train", "val": "validation", "test": "test"}
_FILE, _TARGET = "image", "category"


@dataclass(frozen=True)
class DeepFashion(ImageLayout):
    """Category prediction of DeepFashion as it is handed out: ``Anno``, ``Eval`` and ``img``.

    The category becomes one column of names. `one_vs_rest` makes 50 binary targets of it, as the
    paper has them.

    Attributes:
        folder: Where the three folders lie.

    References:
        Liu et al. *DeepFashion: Powering Robust Clothes Recognition and Retrieval with Rich
        Annotations*, CVPR 2016.
    """

    folder: Path

    def open(self, reading: ImageReading, progress: Progress = silent) -> ImageData:
        """Read labels and images, with the data set's own targets and split."""
        names = self._categories()
        path = find(self.folder, _LABELS, "the categories of DeepFashion's images")
        rows = read_lines(path, header=2)[1]
        _check(path, rows, len(names))
        files = [row[0] for row in rows]
        partition = find(self.folder, _PARTITION, "the partition of DeepFashion")
        split = sides(partition, read_lines(partition, header=2)[1], _SIDES, files)
        categories = [names[int(row[1]) - 1] for row in rows]
        frame = pl.DataFrame({_FILE: files, SPLIT_COLUMN: split, _TARGET: categories})
        # Names of files begin with img/ already.
        find(self.folder, ("img",), "the images of DeepFashion")
        data = open_images(open_table(frame, path.name), _FILE, self.folder, reading, progress)
        return data.meant_for([_TARGET], ColumnSplit(SPLIT_COLUMN))

    def _categories(self) -> list[str]:
        path = find(self.folder, _CATEGORIES, "the categories of DeepFashion")
        rows = read_lines(path, header=2)[1]
        # The last word is the type of clothing; the name before it may be of several.
        names = [" ".join(row[:-1]) for row in rows]
        if "" in names or len(set(names)) < len(names):
            raise InputError(f"{quoted(path)} must give each category a name of its own and a type")
        return names


def _check(path: Path, rows: list[list[str]], n_categories: int) -> None:
    for i, row in enumerate(rows):
        fits = len(row) == 2 and row[1].isdecimal() and 1 <= int(row[1]) <= n_categories
        if not fits:
            raise InputError(
                f"each line of {quoted(path)} must be a file and a category from 1 to "
                f"{n_categories}. Line of image {i + 1:,} is {quoted(' '.join(row))}"
            )
