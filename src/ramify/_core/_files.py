"""Files that are either the old ones or the new ones, never half of one."""

import contextlib
import errno
import hashlib
import math
import os
import stat
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ramify._core._errors import DirectoryInUseError, InputError
from ramify._core._text import quoted

_UNSUSPICIOUS: Final = 1 << 28


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place when the block ends well.

    The content is flushed to the disk before the rename, so that a crash leaves the old file or
    the new one. If the block raises, the temporary file is removed and ``path`` is untouched.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "note.txt"
        >>> with replacing(target) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _allow_as_umask_does(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "note.txt"
        >>> write_atomically(target, "whole")
        >>> target.read_text()
        'whole'
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def check_plain_file(path: Path, most: int | None = 1 << 28) -> None:
    """Check that a file to be read whole is one, before anything waits for it or is allocated.

    Args:
        path: The file.
        most: Bytes that it may have; None for any number.

    Raises:
        OSError: If it is missing, a pipe or a device, or larger.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    if most is not None and found.st_size > most:
        raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes, more than {most:,}", str(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 digest of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_unpacked_size(path: Path, unpacked: int, packed: int, most: float = 200.0) -> None:
    """Check that what is packed in a file fits into memory, before anything is unpacked.

    Args:
        path: The file.
        unpacked: Bytes that it says to hold.
        packed: Bytes that are stored of them.
        most: Times that packed bytes may grow. Pictures hardly pack better than the default; a file
            that was made to fill the memory does.

    Raises:
        InputError: If it does not.
    """
    size = f"{unpacked / 2**30:,.1f} GiB"
    if unpacked > _UNSUSPICIOUS and unpacked > most * packed:
        raise InputError(
            f"{quoted(path)} must unpack to at most {most:g} times its size",
            got=f"{size} from {packed / 2**20:,.1f} MiB",
            remedy="store its content again, less packed",
        )
    if unpacked > (free := _free_memory()):
        raise InputError(
            f"{quoted(path)} must fit into memory",
            got=f"{size}, where {free / 2**30:,.1f} GiB are free",
            remedy="give less at a time",
        )


def _free_memory() -> float:
    """Bytes that can be had; all there are, or no limit, where the system tells no more."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        known = {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) > 1}
        return 1024.0 * known["MemAvailable:"]
    except (OSError, KeyError, ValueError):
        pages = getattr(os, "sysconf_names", {}).get("SC_PHYS_PAGES")
        return math.inf if pages is None else float(os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE"))


@contextlib.contextmanager
def sole_writer(directory: Path, made: Sequence[Path] = ()) -> Iterator[None]:
    """Hold a directory for this process; the hold ends with the process, however it ends.

    Args:
        directory: The directory.
        made: Folders that were made for it, from the innermost; removed again if it has no locks.

    Raises:
        DirectoryInUseError: If another process holds it.
        InputError: If its file system has no locks.
    """
    path = directory / ".lock"
    was_there, lock = path.exists(), FileLock(path, timeout=0)
    try:
        # Where a file system has no locks, filelock warns and makes do with a file, which stays after
        # a kill: then the run could not be resumed.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            lock.acquire()
    except Timeout:
        raise DirectoryInUseError(
            f"another run is writing to {quoted(directory)}; choose another `output`"
        ) from None
    except (OSError, NotImplementedError, Warning) as error:
        if not was_there:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something else is in it by now
            for folder in made:
                folder.rmdir()
        words = getattr(error, "strerror", None) or "its file system has no locks"
        raise InputError(
            f"cannot hold {quoted(directory)} for one run: {words}; choose an `output` on a disk of "
            "this machine"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _allow_as_umask_does(path: Path) -> None:
    # mkstemp makes files private; a result in a shared folder is to be readable as usual.
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
