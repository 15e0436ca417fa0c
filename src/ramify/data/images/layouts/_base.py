"""What a known arrangement of files has to offer, and what all of them share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ramify._core import InputError, listed, quoted
from ramify.data.images import ImageData, ImageReading, Progress, silent

SPLIT_COLUMN: Final = "split"


class ImageLayout(ABC):
    """A data set in the files that it is handed out in."""

    @abstractmethod
    def open(self, reading: ImageReading, progress: Progress = silent) -> ImageData:
        """Read labels and images, with the data set's own targets and split.

        Args:
            reading: How to read image files; arrays of pixels keep their size unless it has one.
            progress: Told the images done and the images in all.

        Raises:
            InputError: If a file is missing or damaged.
        """


def find(folder: Path, names: Sequence[str], what: str) -> Path:
    """The first of several places that exists.

    Args:
        folder: Where the data set lies.
        names: Places below it.
        what: What lies there, for the message.

    Raises:
        InputError: If there is none of them.
    """
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise InputError(f"{what} must lie in {quoted(folder)} as {listed(names)}. Found none of them")


def read_lines(path: Path, header: int) -> tuple[list[str], list[list[str]]]:
    """Read a list of images: a line with their number, further lines, then a line per image.

    Args:
        path: The file.
        header: Lines before the first image's.

    Returns:
        The lines of the header, and the words of each image's line.

    Raises:
        InputError: If it cannot be read, or has not as many lines as it says.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise InputError(f"{quoted(path)} cannot be read: {words}") from None
    rows = [line.split() for line in lines[header:] if line.strip()]
    expected = lines[0].strip() if header and lines else str(len(rows))
    whole = expected.isdecimal() and int(expected) == len(rows) and len(lines) >= header
    if not (whole and rows):
        raise InputError(
            f"{quoted(path)} must have as many lines as its first line says, and at least one. "
            f"Got {len(rows):,} for {quoted(expected)}; fetch it again"
        )
    return lines[:header], rows


def sides(
    path: Path, rows: list[list[str]], words: dict[str, str], files: Sequence[str]
) -> list[str]:
    """The side of each file: train, validation or test.

    Args:
        path: Of the list, for messages.
        rows: Its words: a file and its side.
        words: What the sides are called there.
        files: The files whose sides are wanted.

    Raises:
        InputError: If a side is unknown, or a file has none.
    """
    bad = next((i for i, row in enumerate(rows) if len(row) != 2 or row[1] not in words), None)
    if bad is not None:
        raise InputError(
            f"each line of {quoted(path)} must be a file and one of {listed(words)}. "
            f"Line of image {bad + 1:,} has {quoted(' '.join(rows[bad]))}"
        )
    known = {file: words[side] for file, side in rows}
    absent = [file for file in files if file not in known]
    if absent:
        raise InputError(f"{quoted(path)} must name every image. It lacks {listed(absent)}")
    return [known[file] for file in files]
