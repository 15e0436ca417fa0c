"""Which file each row means, and which rows mean none that may be read."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ramify._core import InputError, quoted
from ramify.data.tables import Table, check_columns


@dataclass(frozen=True)
class FoundFiles:
    """The files of rows.

    Attributes:
        names: As the table has them.
        paths: Where each is; empty for a row without a file that may be read.
        stamps: Size and time of change of each, to know it again.
        bad: By row, what is wrong; the words go on after the file's name.
    """

    names: list[str]
    paths: list[str]
    stamps: list[tuple[int, int]]
    bad: dict[int, str]


def find_files(table: Table, image_column: str, images: Path) -> FoundFiles:
    """Find the files that a column names.

    Args:
        table: The table.
        image_column: Names of files, relative to the folder.
        images: Folder of the files. Nothing outside of it is read.

    Raises:
        InputError: If there is no such column or folder.
    """
    if not images.is_dir():
        words = f"must name the folder of the files. No folder at {quoted(images)}"
        raise InputError(words, argument="images")
    check_columns(table.columns, [image_column], "image_column")
    cells = table.collect(table.column(image_column).text().fill_null(""))
    names = cells.to_series().to_list()
    return _found(names, _Folder(images))


def _found(names: Sequence[str], folder: "_Folder") -> FoundFiles:
    paths, stamps, bad = [], [], {}
    for row, name in enumerate(names):
        try:
            path, stamp = folder.find(name)
        except _UnfitError as error:
            path, stamp, bad[row] = "", (0, 0), str(error)
        paths.append(path)
        stamps.append(stamp)
    return FoundFiles(list(names), paths, stamps, bad)


class _UnfitError(Exception):
    """A name that means no file that may be read."""


class _Folder:
    """Finds files below a folder, links resolved."""

    def __init__(self, folder: Path) -> None:
        self._name = quoted(folder)
        self._root = os.path.realpath(folder)
        self._inside: dict[str, bool] = {}

    def find(self, name: str) -> tuple[str, tuple[int, int]]:
        if not name:
            raise _UnfitError("names no file")
        path = os.path.join(self._root, name)  # noqa: PTH118 - for many files, without an object
        try:
            # Folders are few and resolved once each; only a file that is a link is resolved itself.
            found = os.lstat(path)
            inside = self._is_inside_folder(os.path.dirname(path))  # noqa: PTH120
            if stat.S_ISLNK(found.st_mode):
                inside = self._is_inside(os.path.realpath(path))
                found = os.stat(path)  # noqa: PTH116
        except (OSError, ValueError):
            raise _UnfitError(f"does not exist in {self._name}") from None
        if not inside:
            raise _UnfitError(f"lies outside of {self._name}")
        if not stat.S_ISREG(found.st_mode):
            raise _UnfitError("is no file")
        if found.st_size == 0:
            raise _UnfitError("is empty")
        return path, (found.st_size, found.st_mtime_ns)

    def _is_inside_folder(self, folder: str) -> bool:
        if folder not in self._inside:
            self._inside[folder] = self._is_inside(os.path.realpath(folder))
        return self._inside[folder]

    def _is_inside(self, path: str) -> bool:
        return os.path.commonpath([self._root, path]) == self._root
