"""How image files are read: to which size, by how many processes, kept where."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ramify._core import InputError
from ramify.data.images._schema import Channels, ImageSchema, Resize, Size

_FILE_SIZE: Final = (64, 64)


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
        if self.resize not in ("stretch", "crop"):
            raise InputError(f"`resize` must be 'stretch' or 'crop'. Got {self.resize!r}")
        if self.channels not in (None, 1, 3):
            raise InputError(f"`channels` must be 1, 3 or None. Got {self.channels}")
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
