"""Images to predict, batch by batch, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from ramify.data._image_decode import Form
from ramify.data._image_files import refuse
from ramify.data._image_paths import find_files
from ramify.data._image_pool import decode_files
from ramify.data._image_reading import ImageReading
from ramify.data._image_resize import resized
from ramify.data._image_rows import ImageRows
from ramify.data._image_schema import ImageSchema
from ramify.data._table import Table

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
    column: str,
    folder: Path,
    schema: ImageSchema,
    *,
    skip_bad: bool = False,
    workers: int | None = None,
) -> Iterator[ImageBatch]:
    """Decode the image files of a table in the order of its rows; nothing is kept on the disk.

    Args:
        table: The table.
        column: Its column of file names, relative to the folder.
        folder: Where the files are; nothing outside of it is read.
        schema: The images that the model reads.
        skip_bad: Whether to give a black image where a file cannot be used, instead of an error.
        workers: Processes that decode; 0 to decode in this process, None for one per core.

    Raises:
        InputError: If a file cannot be used.
    """
    reading = ImageReading.of(schema, skip_bad=skip_bad, workers=workers)
    files = find_files(table, column, folder)
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
