"""What images a model reads, how pixels become numbers, and how files are read to them."""

import os
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ramify._core import InputError, checked

Resize = Literal["stretch", "crop"]
Channels = Literal[1, 3]
Size = tuple[int, int]

# Of the training images of VGG-16 as the paper's code has them, there in the order B, G, R.
PAPER_MEAN: Final = (122.7717, 115.9465, 102.9801)

_Side = Annotated[int, Field(ge=1, le=8192)]


class ImageSchema(BaseModel):
    """The images that a model reads.

    A pixel x of channel c enters the network as ``(x − mean[c]) / std[c]``, x from 0 to 255.

    Attributes:
        channels: 1 for grey, 3 for red, green, blue.
        height: Rows of pixels.
        width: Columns of pixels.
        resize: How an image gets that size. ``stretch`` ignores its proportions, as the paper
            does; ``crop`` keeps them and cuts off what lies beyond the middle.
        mean: Per channel, on the scale of pixels from 0 to 255.
        std: Per channel, on the same scale; above 0.

    Example:
        >>> schema = ImageSchema(channels=1, height=28, width=28, mean=(73.0,), std=(90.0,))
        >>> ImageSchema.model_validate_json(schema.model_dump_json()) == schema
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    channels: Channels
    height: _Side
    width: _Side
    resize: Resize = "stretch"
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @model_validator(mode="after")
    def _channels_fit(self) -> "ImageSchema":
        if not len(self.mean) == len(self.std) == self.channels:
            raise ValueError("mean and std of images must have one number per channel")
        if not all(isfinite(one) and one > 0 for one in self.std):
            raise ValueError("std of images must be above 0")
        return self

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.height, self.width

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.channels, self.height, self.width


_FILE_SIZE: Final = (64, 64)


@checked
@dataclass(frozen=True)
class ImageReading:
    """How to read image files.

    Attributes:
        size: Height and width that every image is brought to. None leaves arrays as they are and
            brings files to 64 × 64.
        resize: ``stretch`` ignores proportions, ``crop`` keeps them and cuts off the edges.
        channels: 1 for grey, 3 for colour; None for grey if all images are grey.
        cache: Folder that keeps the resized images; None for ``ramify/images`` in the user's
            cache folder. See `cache_folder`.
        skip_bad: Whether rows whose image cannot be used are left out; if not, they are an error.
        workers: Processes that decode; 0 to decode in this process, None for one per core.

    Example:
        >>> ImageReading(size=(224, 224)).resize
        'stretch'
    """

    size: Size | None = None
    resize: Resize = "stretch"
    channels: Channels | None = None
    cache: Path | None = None
    skip_bad: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        height, width = self.file_size
        if not (1 <= height <= 8192 and 1 <= width <= 8192):
            raise InputError(
                f"`size` of images must be a height and a width from 1 to 8192. Got {self.size}"
            )
        if self.workers is not None and self.workers < 0:
            raise InputError(f"`workers` must be 0 or more. Got {self.workers}")

    @classmethod
    def of(
        cls, schema: ImageSchema, *, skip_bad: bool = False, workers: int | None = None
    ) -> "ImageReading":
        """The reading that gives images as a model reads them.

        Args:
            schema: The model's images.
            skip_bad: Whether images that cannot be used are passed over.
            workers: Processes that decode; 0 to decode in this process, None for one per core.
        """
        return cls(schema.size, schema.resize, schema.channels, None, skip_bad, workers)

    @property
    def file_size(self) -> Size:
        """Height and width that image files are brought to."""
        return self.size or _FILE_SIZE

    @property
    def n_workers(self) -> int:
        """Processes that decode."""
        if self.workers is None:
            return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        return self.workers

    @property
    def cache_folder(self) -> Path:
        """Where resized images are kept."""
        if self.cache is not None:
            return self.cache
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return Path(home).expanduser() / "ramify" / "images"
