"""A sharing tree from a file."""

from pathlib import Path

from ramify._core import InputError, quoted
from ramify.tasks import SharingTree


def read_tree(path: Path | str) -> SharingTree:
    """The tree that a JSON file holds, see `SharingTree.to_json`.

    Args:
        path: The file.

    Raises:
        InputError: If there is no such file, or it does not hold a tree.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read a tree from {quoted(path)}: {error}") from None
    return SharingTree.from_json(text)
