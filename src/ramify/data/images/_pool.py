"""Processes that decode images, and their answers in order."""

import contextlib
import json
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ramify.data.images import _decode
from ramify.data.images._decode import Form, read_images

_MOST_BYTES: Final = 1 << 23
_MOST_FILES: Final = 64


class Decoded(NamedTuple):
    """Some images in order.

    Attributes:
        pixels: Of shape (image, channel, height, width); zeros where the file cannot be used.
        bad: By the place among them, what is wrong with a file.
    """

    pixels: NDArray[np.uint8]
    bad: dict[int, str]


def decode_files(
    paths: Sequence[str], form: Form, n_workers: int
) -> Generator[Decoded, None, None]:
    """Decode files in their order, some at a time.

    Args:
        paths: The files.
        form: What to bring them to.
        n_workers: Processes; 0 to decode in this one.
    """
    step = chunk_rows(form.shape)
    chunks = [list(paths[i : i + step]) for i in range(0, len(paths), step)]
    n_workers = min(n_workers, len(chunks))
    if n_workers == 0:
        yield from (Decoded(*read_images(chunk, form)) for chunk in chunks)
        return
    pool = _Pool(n_workers)
    try:
        yield from pool.decode(chunks, form)
    finally:
        pool.close()


def chunk_rows(shape: tuple[int, ...]) -> int:
    """How many images of a shape are decoded at a time."""
    return max(1, min(_MOST_FILES, _MOST_BYTES // int(np.prod(shape))))


class _Pool:
    """Workers that take turns; a thread waits for each of them."""

    def __init__(self, n_workers: int) -> None:
        self._workers = [_Worker() for _ in range(n_workers)]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(n_workers)

    def decode(self, chunks: list[list[str]], form: Form) -> Iterator[Decoded]:
        """The images of each chunk, in order."""
        # A few chunks ahead only, so that a slow reader does not fill the memory.
        ahead: deque[Future[Decoded]] = deque()
        for chunk in chunks:
            ahead.append(self._threads.submit(self._decode, chunk, form))
            if len(ahead) > 2 * len(self._workers):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.end()

    def _decode(self, chunk: list[str], form: Form) -> Decoded:
        worker = self._idle.get()
        try:
            return worker.decode(chunk, form)
        finally:
            self._idle.put(worker)


class _Worker:
    """One process. If a file makes it crash, that file is found, and another process goes on."""

    def __init__(self) -> None:
        self._stopped = False
        self._process = _started()

    def decode(self, files: list[str], form: Form) -> Decoded:
        """The images of some files."""
        if (answer := self._ask(files, form)) is not None:
            return answer
        pixels = np.zeros((len(files), *form.shape), dtype=np.uint8)
        bad: dict[int, str] = {}
        for i, file in enumerate(files):
            one = self._ask([file], form)
            pixels[i] = 0 if one is None else one.pixels[0]
            reasons = ["makes the decoder crash"] if one is None else one.bad.values()
            bad.update((i, reason) for reason in reasons)
        return Decoded(pixels, bad)

    def stop(self) -> None:
        """Make a thread that waits for an answer go on without one."""
        self._stopped = True
        self._process.kill()

    def end(self) -> None:
        """End the process and close its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # an unsent request
                    pipe.close()

    def _ask(self, files: list[str], form: Form) -> Decoded | None:
        requests, answers = self._process.stdin, self._process.stdout
        n_bytes = len(files) * int(np.prod(form.shape))
        try:
            if requests is None or answers is None:
                return None
            requests.write(form.as_request(files))
            requests.flush()
            line, content = answers.readline(), answers.read(n_bytes)
        except (OSError, ValueError):
            line, content = b"", b""
        if len(content) < n_bytes or self._stopped:
            if not self._stopped:
                self.end()
                self._process = _started()
            return None
        bad = {int(place): reason for place, reason in json.loads(line).items()}
        pixels = np.frombuffer(content, dtype=np.uint8).reshape(len(files), *form.shape)
        return Decoded(pixels, bad)


def _started() -> subprocess.Popen[bytes]:
    # -P: the folder of the program, which is that of this package, holds no modules for it.
    return subprocess.Popen(
        [sys.executable, "-P", _decode.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
