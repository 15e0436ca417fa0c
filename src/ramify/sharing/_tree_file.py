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
        return SharingTree.from_json(Path(path).read_text(encoding="utf-8-sig"))
    except InputError as error:
        raise InputError(f"`tree` {quoted(path)}: {error}") from None
    except OSError as error:
        raise InputError(
            f"`tree` {quoted(path)} cannot be read: {error.strerror}; name a JSON file"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"`tree` {quoted(path)} must be UTF-8 text; name a JSON file") from None
