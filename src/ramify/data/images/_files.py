"""Image files that a table names, as rows of pixels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from ramify._core import InputError, counted, quoted
from ramify.data.images._cache import CacheState, ImageCache, Progress
from ramify.data.images._dataset import ImageData
from ramify.data.images._decode import Form, is_grey
from ramify.data.images._paths import FoundFiles, find_files
from ramify.data.images._pixels import ImageRows, resized
from ramify.data.images._pool import decode_files
from ramify.data.images._settings import ImageReading, ImageSchema
from ramify.data.tables import Table


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """The images of a table's rows, and those that cannot be used.

    Attributes:
        images: A row per row of the table; black where there is no usable image.
        bad: By row, a sentence about its file.
    """

    images: ImageRows
    bad: dict[int, str]

    @property
    def usable(self) -> Bool[np.ndarray, " row"]:
        """Whether each row has an image."""
        found = np.ones(len(self.images), dtype=np.bool_)
        found[list(self.bad)] = False
        return found


def silent(done: int, total: int) -> None:
    """Tell nobody."""


def open_image_files(
    table: Table,
    image_column: str,
    images: Path,
    reading: ImageReading,
    progress: Progress = silent,
) -> ImageFiles:
    """Decode and resize image files into a cache on the disk, unless it is there already.

    Args:
        table: The table.
        image_column: Its column of file names, relative to the folder.
        images: Folder of the files; nothing outside of it is read.
        reading: How to read them.
        progress: Told the images done and the images in all.

    Raises:
        InputError: If a file cannot be used and `reading` does not say to skip it, or if none can.
    """
    files = find_files(table, image_column, images)
    if not reading.skip_bad:
        refuse(files, files.bad)
    cache = ImageCache(files, reading)
    with cache.held():
        state = cache.state() or CacheState(channels=reading.channels or _channels(files))
        form = Form(*reading.file_size, state.channels, reading.resize == "crop")
        if not reading.skip_bad:
            refuse(files, state.bad)
        if state.done < len(files.paths):
            state = cache.fill(
                state,
                form,
                reading.n_workers,
                skip_bad=reading.skip_bad,
                progress=progress,
            )
    if not reading.skip_bad:
        refuse(files, state.bad)
    if len(state.bad) == len(files.paths):
        raise InputError(f"at least one image must be usable. {_sentence(files, state.bad, 0)}")
    sentences = {row: _sentence(files, state.bad, row) for row in sorted(state.bad)}
    return ImageFiles(cache.images(form), sentences)


def open_images(
    table: Table,
    image_column: str,
    images: Path,
    reading: ImageReading,
    progress: Progress = silent,
) -> ImageData:
    """Labels and images of a table with a column of file names.

    Rows whose image cannot be used are left out, with a note, if `reading` says so.

    Args:
        table: The table.
        image_column: Its column of file names, relative to the folder.
        images: Folder of the files; nothing outside of it is read.
        reading: How to read them.
        progress: Told the images done and the images in all.

    Raises:
        InputError: As `open_image_files`.
    """
    found = open_image_files(table, image_column, images, reading, progress)
    data = ImageData(table, found.images)
    if not found.bad:
        return data
    kept = data.select(np.flatnonzero(found.usable))
    first = next(iter(found.bad.values()))
    note = f"{counted(len(found.bad), 'row')} left out because of their images; the first: {first}"
    return ImageData(kept.table, kept.images, notes=(note,))


def _channels(files: FoundFiles) -> int:
    """1 if all images are grey. The first in colour ends the search."""
    return 3 if any(is_grey(path) is False for path in files.paths if path) else 1


def _sentence(files: FoundFiles, bad: Mapping[int, str], row: int) -> str:
    return f"{quoted(files.names[row])} {bad[row]}"


def refuse(
    files: FoundFiles,
    bad: Mapping[int, str],
    advice: str = "replace it, or leave such rows out with `skip_bad`",
) -> None:
    """Name the first image that cannot be used, if there is one.

    Args:
        files: The files of the rows.
        bad: By row, what is wrong with its file.
        advice: What to do about it.

    Raises:
        InputError: If there is one.
    """
    if not bad:
        return
    first = min(bad)
    # Whoever stops at the first has not looked into the files of all others.
    more = f" (one of at least {len(bad):,} rows with such images)" if len(bad) > 1 else ""
    raise InputError(
        f"image of data row {first + 1:,}: {_sentence(files, bad, first)}{more}; {advice}"
    )


_ADVICE: Final = "replace it, or take its row out of the table"


class ImageBatch(NamedTuple):
    """Some images in order.

    Attributes:
        pixels: As the model reads them; black where there is no usable image.
        usable: Whether each has an image.
    """

    pixels: UInt8[Tensor, "batch channel height width"]
    usable: Bool[np.ndarray, " batch"]


def image_file_batches(
    table: Table,
    image_column: str,
    images: Path,
    schema: ImageSchema,
    *,
    skip_bad: bool = False,
    workers: int | None = None,
) -> Iterator[ImageBatch]:
    """Decode the image files of a table in the order of its rows; nothing is kept on the disk.

    Args:
        table: The table.
        image_column: Its column of file names, relative to the folder.
        images: Folder of the files; nothing outside of it is read.
        schema: The images that the model reads.
        skip_bad: Whether to give a black image where a file cannot be used, instead of an error.
        workers: Processes that decode; 0 to decode in this process, None for one per core.

    Raises:
        InputError: If a file cannot be used.
    """
    reading = ImageReading.of(schema, skip_bad=skip_bad, workers=workers)
    files = find_files(table, image_column, images)
    if not skip_bad:
        refuse(files, files.bad, _ADVICE)
    form, start = Form(*schema.size, schema.channels, schema.resize == "crop"), 0
    for chunk in decode_files(files.paths, form, reading.n_workers):
        if not skip_bad:
            refuse(files, {start + i: why for i, why in chunk.bad.items()}, _ADVICE)
        usable = np.ones(len(chunk.pixels), dtype=np.bool_)
        usable[list(chunk.bad)] = False
        start += len(chunk.pixels)
        yield ImageBatch(torch.from_numpy(chunk.pixels.copy()), usable)


def image_row_batches(
    images: ImageRows, schema: ImageSchema, rows: int = 256
) -> Iterator[UInt8[Tensor, "batch channel height width"]]:
    """Give images that are arrays already as a model reads them, in order.

    Args:
        images: The images, of any size.
        schema: The images that the model reads.
        rows: Most images of a batch.
    """
    reading = ImageReading.of(schema)
    for start in range(0, len(images), rows):
        chosen = np.arange(start, min(start + rows, len(images)), dtype=np.int64)
        batch = resized(images.select(chosen), reading)
        yield batch.take(np.arange(len(batch), dtype=np.int64))
