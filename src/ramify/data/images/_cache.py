"""Resized images on the disk: made once, resumable, safe for two processes, checked when read."""

import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Final, Literal

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ramify._core import InputError, quoted, write_atomically
from ramify.data.images._decode import Form
from ramify.data.images._paths import FoundFiles
from ramify.data.images._pixels import ImageRows
from ramify.data.images._pool import Decoded, chunk_rows, decode_files
from ramify.data.images._settings import ImageReading

VERSION: Final = 2
Progress = Callable[[int, int], None]
_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


class CacheState(BaseModel):
    """How far a cache has come.

    Attributes:
        version: Of this form; part of the key too.
        channels: Of its images.
        done: Rows that are on the disk, from the first.
        bad: What is wrong with the file of a row among them.
        pixels: Digest of the pixels of these rows.
        digest: Of all the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[2] = VERSION
    channels: Literal[1, 3]
    done: Annotated[int, Field(ge=0)] = 0
    bad: dict[int, str] = {}
    pixels: str = ""
    digest: str = ""

    def sealed(self) -> "CacheState":
        """The same with its digest."""
        return self.model_copy(update={"digest": self._own_digest()})

    @property
    def is_whole(self) -> bool:
        """Whether it is as it was written."""
        return self.digest == self._own_digest()

    def _own_digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude={"digest"}).encode()).hexdigest()


class ImageCache:
    """One set of files at one size.

    Args:
        files: The files.
        reading: What the images are brought to, and where caches are kept.
    """

    def __init__(self, files: FoundFiles, reading: ImageReading) -> None:
        wanted = f"{VERSION} {reading.file_size} {reading.resize} {reading.channels}"
        key = hashlib.sha256(wanted.encode())
        for name, stamp in zip(files.paths, files.stamps, strict=True):
            key.update(f"{stamp} {name}\0".encode("utf-8", "surrogateescape"))
        self._files, self._n_rows, self._size = files, len(files.paths), reading.file_size
        self._place = reading.cache_folder / key.hexdigest()[:32]
        self._pixels, self._state = self._place / "pixels.u8", self._place / "state.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the cache; another process waits until this one is done with it, or dead."""
        lock = FileLock(self._place / ".lock")
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            _log.info("waiting for another process that fills the cache %s", self._place)
            lock.acquire()
        except OSError as error:
            raise InputError(
                f"the cache of images {quoted(self._place)} cannot be written: {error.strerror}; "
                "choose another folder with `cache`"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def state(self) -> CacheState | None:
        """How far it has come; None if there is nothing that can be used, or it is damaged."""
        try:
            state = CacheState.model_validate_json(self._state.read_bytes())
            n_bytes = self._pixels.stat().st_size
        except (OSError, ValidationError):
            return None
        fits = n_bytes == self._n_bytes(state.channels) and state.done <= self._n_rows
        if fits and state.is_whole and self._digest(state) == state.pixels:
            return state
        _log.warning("the cache %s is damaged; its images are decoded again", self._place)
        return None

    def _digest(self, state: CacheState) -> str:
        """Digest of the pixels that are done, in the pieces in which they were written."""
        shape = (self._n_rows, state.channels, *self._size)
        pixels, found = np.memmap(self._pixels, np.uint8, "r", shape=shape), ""
        step = chunk_rows(shape[1:])
        for start in range(0, state.done, step):
            found = _extended(found, pixels[start : min(start + step, state.done)])
        return found

    def fill(
        self, state: CacheState, form: Form, n_workers: int, *, skip_bad: bool, progress: Progress
    ) -> CacheState:
        """Decode what is not there yet.

        Args:
            state: How far it has come.
            form: What to bring images to.
            n_workers: Processes that decode.
            skip_bad: Whether to go on after a file that cannot be used.
            progress: Told the rows done and the rows in all.
        """
        pixels, written = self._opened(form), time.monotonic()
        progress(state.done, self._n_rows)
        decoded = decode_files(self._files.paths[state.done :], form, n_workers)
        with contextlib.closing(decoded):
            for chunk in decoded:
                state = self._put(pixels, state, chunk)
                progress(state.done, self._n_rows)
                failed = bool(state.bad) and not skip_bad
                if failed or state.done == self._n_rows or time.monotonic() - written > _SECONDS:
                    # Pixels first: the state never speaks of rows that are not on the disk.
                    pixels.flush()
                    write_atomically(self._state, state.sealed().model_dump_json())
                    written = time.monotonic()
                if failed:
                    break
        return state

    def images(self, form: Form) -> ImageRows:
        """The images, in a memory map that is only read."""
        pixels = np.memmap(self._pixels, np.uint8, "r", shape=(self._n_rows, *form.shape))
        return ImageRows([pixels], None, "crop" if form.crop else "stretch", self._place.name)

    def _put(self, pixels: NDArray[np.uint8], state: CacheState, chunk: Decoded) -> CacheState:
        start, stop = state.done, state.done + len(chunk.pixels)
        pixels[start:stop] = chunk.pixels
        bad = {start + i: self._files.bad.get(start + i, why) for i, why in chunk.bad.items()}
        digest = _extended(state.pixels, chunk.pixels)
        return state.model_copy(update={"done": stop, "bad": state.bad | bad, "pixels": digest})

    def _opened(self, form: Form) -> "np.memmap[tuple[int, ...], np.dtype[np.uint8]]":
        n_bytes = self._n_bytes(form.channels)
        try:
            with self._pixels.open("ab") as file:
                file.truncate(n_bytes)
                # Taken now: a full disk would kill a process that writes to a memory map.
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, n_bytes)
        except OSError as error:
            raise InputError(
                f"the cache of images needs {n_bytes / 2**20:,.0f} MiB at {quoted(self._place)}: "
                f"{error.strerror}; free space, choose smaller images, or another folder for it"
            ) from None
        return np.memmap(self._pixels, np.uint8, "r+", shape=(self._n_rows, *form.shape))

    def _n_bytes(self, channels: int) -> int:
        return self._n_rows * channels * self._size[0] * self._size[1]


def _extended(digest: str, pixels: NDArray[np.uint8]) -> str:
    """The digest of what was digested so far and the next pixels."""
    found = hashlib.sha256(digest.encode())
    found.update(np.ascontiguousarray(pixels).data)
    return found.hexdigest()
