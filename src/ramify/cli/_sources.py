"""What the command line names as data: a table, or pictures in one of their forms."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ramify._core import InputError, listed, quoted
from ramify.data import (
    LAYOUTS,
    ImageData,
    ImageReading,
    Table,
    TableReading,
    idx_images,
    joined,
    npz_images,
    one_vs_rest,
    open_idx,
    open_images,
    open_layout,
    open_npz,
    open_table,
    resolve_columns,
    rows_by_task,
)
from ramify.runs import NamedImages, PredictionRows

IDX_MARK = "ubyte"
"""What the names of IDX files have in them."""


def check_images(
    path: Path, layout: str | None, images: str | None, image_column: str | None
) -> None:
    """Check that options of images fit each other.

    Raises:
        InputError: If not.
    """
    if layout is not None and (images or image_column):
        raise InputError("--layout says where images are; leave --images and --image-column out")
    check_no_files(path, image_column)
    if image_column is not None and images is None:
        raise InputError("--image-column needs --images, the folder of the image files")


def check_no_files(path: Path, image_column: str | None) -> None:
    """Check that no files are named beside an archive, which holds the pictures themselves.

    Raises:
        InputError: If they are.
    """
    if image_column is not None and path.suffix.lower() == ".npz":
        raise InputError(
            f"--image-column is for a table of file names. Got {quoted(path)}; leave it out"
        )


def check_joined(layout: str | None, joined: Sequence[str]) -> None:
    """Check what ``--join`` names.

    Args:
        layout: Of the first data set.
        joined: The further ones.

    Raises:
        InputError: If there is no first one with a layout, or one of them is no folder.
    """
    if joined and layout is None:
        raise InputError("--join needs --layout, which says what the first data set is")
    for each in joined:
        name, _, folder = each.partition(":")
        if name not in LAYOUTS or not folder:
            raise InputError(
                f"--join must be LAYOUT:FOLDER with a layout of {listed(LAYOUTS)}. "
                f"Got {quoted(each)}"
            )
        if not Path(folder).is_dir():
            raise InputError(f"--join must name a folder. No folder at {quoted(folder)}")


def check_is_table(path: Path, reading: ImageReading) -> None:
    """Check that a path without any option of images is meant as a table of features.

    Raises:
        InputError: If it is a folder or holds arrays, or images are to be read in some way.
    """
    if path.is_dir() and not any(path.rglob("*.parquet")):
        raise InputError(
            f"--layout must say whose files the folder {quoted(path)} holds, {listed(LAYOUTS)}; "
            "or name a table in it"
        )
    if path.suffix.lower() == ".npy":
        raise InputError(
            f"{quoted(path)} is a single array; put images and labels into an .npz archive"
        )
    if IDX_MARK in path.name:
        raise InputError(
            f"{quoted(path)} is taken for an IDX file of labels; name that of images with --images"
        )
    given = {
        "--image-size": reading.size is not None,
        "--skip-bad-images": reading.skip_bad,
        "--image-cache": reading.cache is not None,
    }
    if flags := [flag for flag, is_given in given.items() if is_given]:
        raise InputError(
            f"{' and '.join(flags)} must go with pictures. Got a table without; leave it out, or "
            "name the pictures with --images"
        )


Data = Table | ImageData
ImageProgress = Callable[[int, int], None]
_MOST_PIXELS: Final = 8192
LayoutName = Literal["celeba", "deepfashion", "idx"]


@dataclass(frozen=True)
class Source:
    """Where the data lies, as the user says it.

    Attributes:
        path: A table; a folder of a known layout; an ``.npz`` archive; or an IDX file of labels.
        layout: Name of the layout of the folder.
        images: Folder of the image files, IDX file of images, or name of the array in the archive.
        image_column: Column of the file names.
        one_vs_rest: Columns of classes that become a yes-or-no column per class.
        joined: Further data sets, each as ``LAYOUT:PATH``.
        reading: How images are read.
        text: How text files are written.
    """

    path: Path
    layout: str | None
    images: str | None
    image_column: str | None
    one_vs_rest: Sequence[str]
    joined: Sequence[str]
    reading: ImageReading
    text: TableReading

    def open(self, console: Console) -> Data:
        """Open the data and tell how the decoding of images goes on.

        Args:
            console: Where to tell.

        Raises:
            InputError: If the options do not fit each other, or the data is damaged.
        """
        check_images(self.path, self.layout, self.images, self.image_column)
        check_joined(self.layout, self.joined)
        with _shown_decoding(console) as progress:
            data = self._open(progress)
            if self.joined:
                data = self._joined(data, progress)
        for column in dict.fromkeys(self.one_vs_rest):
            data = _one_against_the_rest(data, column)
        return data

    def _open(self, progress: ImageProgress) -> Data:
        if self.layout is not None:
            return open_layout(self.layout, self.path, self.reading, progress)
        if self.path.suffix.lower() == ".npz":
            return open_npz(self.path, self.reading, self.images)
        if self.images is None:
            check_is_table(self.path, self.reading)
            return open_table(self.path, reading=self.text)
        if self.image_column is None:
            return _idx_files(Path(self.images), self.path, self.reading)
        table = open_table(self.path, reading=self.text)
        return open_images(table, self.image_column, Path(self.images), self.reading, progress)

    def _joined(self, first: Data, progress: ImageProgress) -> ImageData:
        if not isinstance(first, ImageData):
            raise InputError("--join is for data sets of images; give the first one's --layout")
        sets = {_set_name(self.layout, self.path): first}
        for each in self.joined:
            layout, _, path = each.partition(":")
            name = _set_name(layout, Path(path))
            if name in sets:
                raise InputError(
                    f"--join must name each data set once. Got {quoted(name)} twice; if they are "
                    "different folders, rename one"
                )
            sets[name] = open_layout(layout, Path(path), self.reading, progress)
        return joined(sets, self.reading)


def _set_name(layout: str | None, path: Path) -> str:
    return f"{layout}:{path.name}" if layout else path.name


def _idx_files(images: Path, labels: Path, reading: ImageReading) -> ImageData:
    if images.is_dir():
        raise InputError(
            "--images names a folder, so --image-column must name the column of file names"
        )
    if not images.exists():
        raise InputError(
            "--images must name a folder of image files, or an IDX file of images. There is nothing "
            f"at {quoted(images)}"
        )
    try:
        return open_idx(images, labels, reading)
    except InputError as error:
        raise InputError(
            f"--images {quoted(images)} is no folder, so both it and the table must be IDX files: "
            f"{error}"
        ) from None


def _one_against_the_rest(data: Data, column: str) -> Data:
    table = data.table if isinstance(data, ImageData) else data
    found = one_vs_rest(table, column)
    if not isinstance(data, ImageData):
        return found.table
    targets = [new for old in data.targets for new in (found.targets if old == column else (old,))]
    return replace(data, table=found.table, targets=tuple(targets))


def prediction_rows(
    path: Path, images: str | None, image_column: str | None, text: TableReading | None = None
) -> PredictionRows:
    """The rows to predict, as the user says where they lie.

    Args:
        path: A table, an ``.npz`` archive, or an IDX file of images.
        images: Folder of the image files, or name of the array in the archive.
        image_column: Column of the file names.
        text: How a text file is written, where it does not tell.

    Raises:
        InputError: If the options do not fit each other, or the data is damaged.
    """
    check_no_files(path, image_column)
    if path.suffix.lower() == ".npz":
        return npz_images(path, images)
    if IDX_MARK in path.name:
        if images or image_column:
            raise InputError(
                f"{quoted(path)} is taken for an IDX file of images; leave --images and "
                "--image-column out"
            )
        return idx_images(path)
    if (images is None) != (image_column is None):
        raise InputError("--images and --image-column go together; give both for image files")
    table = open_table(path, reading=text)
    if images is None or image_column is None:
        return table
    return NamedImages(table, image_column, Path(images))


def by_task(data: Data, targets: Sequence[str], column: str) -> tuple[Data, list[str]]:
    """Make each target one task per value of a column.

    Args:
        data: The data.
        targets: Names or globs of the targets.
        column: The column that names each row's task.

    Raises:
        InputError: If a column is unknown or does not fit.
    """
    table = data.table if isinstance(data, ImageData) else data
    found = rows_by_task(table, resolve_columns(table.columns, targets), column)
    if isinstance(data, ImageData):
        return replace(data, table=found.table, targets=found.targets), list(found.targets)
    return found.table, list(found.targets)


def image_shape(given: str | int | None) -> tuple[int, int] | None:
    """Height and width from ``64`` or ``64x48``.

    Raises:
        InputError: If it is something else.
    """
    if given is None:
        return None
    sides = str(given).lower().split("x")
    if not (len(sides) in {1, 2} and all(side.isdecimal() for side in sides)):
        raise InputError(f"--image-size must be 64 or 64x48, height first. Got {quoted(given)}")
    height, width = int(sides[0]), int(sides[-1])
    if not (1 <= height <= _MOST_PIXELS and 1 <= width <= _MOST_PIXELS):
        raise InputError(
            f"--image-size must be a height and a width from 1 to {_MOST_PIXELS}. "
            f"Got {quoted(given)}"
        )
    return height, width


@contextmanager
def _shown_decoding(console: Console) -> Iterator[ImageProgress]:
    """A bar while images are decoded, a line without a terminal; nothing if none has to be."""
    columns = (
        TextColumn("reading images"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = bar.add_task("", total=None, visible=False)

        def tell(done: int, total: int) -> None:
            bar.update(shown, completed=done, total=total, visible=True)

        yield tell
