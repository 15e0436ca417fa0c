"""``ramify regions``: what the tasks of a model of pictures look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from rich.console import Console
from rich.markup import escape
from torch import Tensor

from ramify._core import InputError
from ramify.cli._sources import prediction_rows
from ramify.regions import METHODS, regions_record
from ramify.report import region_sentences, write_regions
from ramify.runs import Model, PredictionRows, raw_batches

HTML_FILE, JSON_FILE = "regions.html", "regions.json"


def regions(
    directory: Path,
    table: Path,
    *,
    images: str | None = None,
    image_column: str | None = None,
    rows: int = 64,
    stage: int | None = None,
    method: Literal["grad-cam", "hires-cam", "guided-grad-cam", "guided-backprop"] = "hires-cam",
    against: Path | None = None,
    share: float = 0.2,
) -> None:
    """Show what each task looks at in pictures, and how far tasks look at the same parts.

    Args:
        directory: What ramify fit wrote; regions.html and regions.json are put there.
        table: CSV, TSV or Parquet file with the files of pictures; or an .npz archive or IDX file
            of pictures.
        images: Folder of the image files, or which array of an .npz archive is the images.
        image_column: The table's column of file names, relative to the folder.
        rows: How many pictures, from the first; eight are shown, the numbers rest on all.
        stage: Which stage of the network to look at, from 1 at the input; by default the last that
            still has 36 places.
        method: How regions are found; see docs/activation_regions.md.
        against: Another directory of ramify fit, to look at the same pictures.
        share: Part of the pixels that is a task's region.
    """
    if rows < 1:
        raise InputError(f"`rows` must be 1 or more. Got {rows}")
    first = Model.load(directory)
    models = {_name(directory): first}
    if against is not None:
        models[_other_name(directory, against)] = Model.load(against)
    pixels = _first(first, prediction_rows(table, images, image_column), rows)
    record = regions_record(
        models,
        pixels,
        source=table.name,
        stage=None if stage is None else stage - 1,
        method=METHODS[method],
        share=share,
    )
    record.save(directory / JSON_FILE)
    write_regions(record, directory / HTML_FILE)
    console = Console()
    for sentence in region_sentences(record):
        console.print(escape(sentence))
    console.print(f"Regions: {escape(str(directory / HTML_FILE))}", soft_wrap=True)


def _name(directory: Path) -> str:
    return directory.resolve().name or str(directory)


def _other_name(directory: Path, against: Path) -> str:
    """The last part of the path, or the whole where the two have that in common."""
    if directory.resolve() == against.resolve():
        raise InputError("`against` must be another directory. Got the model's own")
    name = _name(against)
    return name if name != _name(directory) else str(against)


def _first(model: Model, rows: PredictionRows, most: int) -> Tensor:
    """The first pictures of what may be many."""
    found: list[Tensor] = []
    batches: Iterator[Tensor] = raw_batches(model, rows)
    for batch in batches:
        found.append(batch[: most - sum(map(len, found))])
        if sum(map(len, found)) == most:
            break
    if not found:
        raise InputError("there must be at least one picture. Got none; name a table with rows")
    return torch.cat(found)
