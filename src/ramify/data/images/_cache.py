"""Resized images on the disk: made once, gone on with when interrupted, safe for two processes."""

import contextlib
import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ramify._core import InputError, quoted, write_atomically
from ramify.data.images._decode import Form
from ramify.data.images._paths import FoundFiles
from ramify.data.images._pixels import ImageRows
from ramify.data.images._pool import Decoded, decode_files
from ramify.data.images._settings import ImageReading

VERSION: Final = 1
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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = VERSION
    channels: Literal[1, 3]
    done: Annotated[int, Field(ge=0)] = 0
    bad: dict[int, str] = {}


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
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            lock = (self._place / ".lock").open("w")
        except OSError as error:
            raise InputError(
                f"the cache of images {quoted(self._place)} cannot be written: {error.strerror}; "
                "choose another folder with `cache`"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _log.info("waiting for another process that fills the cache %s", self._place)
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def state(self) -> CacheState | None:
        """How far it has come; None if there is nothing that can be gone on with."""
        try:
            state = CacheState.model_validate_json(self._state.read_bytes())
            whole = self._pixels.stat().st_size == self._n_bytes(state.channels)
            return state if whole and state.done <= self._n_rows else None
        except (OSError, ValidationError):
            return None

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
                    write_atomically(self._state, state.model_dump_json())
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
        return state.model_copy(update={"done": stop, "bad": state.bad | bad})

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
