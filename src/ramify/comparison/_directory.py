"""The directory of a comparison: a result per run, and what they say together."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ramify._core import InputError, ModelFileError, listed, quoted, sole_writer
from ramify.comparison._contender import Decisive, digest_of
from ramify.records import RunResult
from ramify.runs import holds_run

COMPARISON_FILE = "comparison.json"
COMPARISON_PAGE = "comparison.html"
_RUNS, _LOCK = "runs", ".lock"


@dataclass(frozen=True)
class Place:
    """Where one run keeps its result and its state."""

    result: Path
    state: Path

    def finished(self, job: Decisive, *, may_differ: bool = False) -> RunResult | None:
        """The result of an earlier time, if there is one.

        Args:
            job: What decides the result now.
            may_differ: Whether one of other data or settings counts as none.

        Raises:
            InputError: If other data or settings decided it.
            ModelFileError: If the file is damaged.
        """
        if not self.result.exists():
            return None
        try:
            found = RunResult.load(self.result)
        except ModelFileError as error:
            raise ModelFileError(f"{error}; remove it and use `resume`") from None
        if found.digest != digest_of(found.job):
            raise ModelFileError(
                f"the result {quoted(self.result)} is damaged or was changed: its digest does not "
                "fit; remove it and use `resume`"
            )
        names = sorted(found.job.keys() | job.keys())
        differing = [name for name in names if found.job.get(name) != job.get(name)]
        if differing and may_differ:
            return None
        if differing:
            raise InputError(
                f"`resume` needs the data and settings of the finished runs. Different in "
                f"{quoted(self.result.name)}: {listed(differing)}; give the same ones, choose "
                "another `output`, or start again with `overwrite`"
            )
        return found


@dataclass(frozen=True)
class Store:
    """The results below a directory."""

    folder: Path

    def place(self, method: str, seed: int, trial: int, job: Decisive, variant: str = "") -> Place:
        """Where a run keeps its things; a state only serves the very same job."""
        stem = f"{method}-seed-{seed}{variant}" + (f"-trial-{trial}" if trial else "")
        runs = self.folder / _RUNS
        return Place(runs / f"{stem}.json", runs / f".{stem}.{digest_of(job)[:12]}")


@contextmanager
def comparison_directory(directory: Path, *, resume: bool, overwrite: bool) -> Iterator[Store]:
    """Hold a directory for a comparison.

    Finished runs stay whatever happens; a comparison that fails before its first run leaves
    nothing new.

    Args:
        directory: Made if missing.
        resume: Whether to use the finished runs that are there.
        overwrite: Whether to remove what is there.

    Raises:
        InputError: If a comparison is there and neither was asked for, or none to be resumed.
        DirectoryInUseError: If another comparison is writing there.
    """
    if resume and overwrite:
        raise InputError("`resume` and `overwrite` exclude each other; give one of them")
    if directory.exists() and not directory.is_dir():
        raise InputError(f"`output` must be a directory. {quoted(directory)} is a file")
    _check(directory, resume=resume, overwrite=overwrite)
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    _make(directory)
    with sole_writer(directory, missing):
        if overwrite:
            _clear(directory)
        (directory / _RUNS).mkdir(exist_ok=True)
        try:
            yield Store(directory)
        finally:
            _unmake_if_empty(directory, missing)


def _check(directory: Path, *, resume: bool, overwrite: bool) -> None:
    there = [name for name in (COMPARISON_FILE, _RUNS) if (directory / name).exists()]
    if there and not (resume or overwrite):
        raise InputError(
            f"{quoted(directory)} already holds a comparison; use `resume` to keep its finished "
            "runs, `overwrite` to start again, or choose another `output`"
        )
    if resume and not there and holds_run(directory):
        raise InputError(
            f"`resume` needs a comparison in {quoted(directory)}. It holds a run of ramify fit; "
            "choose the `output` of the comparison, or leave `resume` out"
        )
    if resume and not there and not (directory / _LOCK).exists():
        raise InputError(
            f"`resume` needs a comparison in {quoted(directory)}. It holds none; leave `resume` out"
        )


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"`output` {quoted(directory)} cannot be made: {error.strerror}; choose another"
        ) from None


def _clear(directory: Path) -> None:
    for name in (COMPARISON_FILE, COMPARISON_PAGE):
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / _RUNS, ignore_errors=True)


def _unmake_if_empty(directory: Path, missing: list[Path]) -> None:
    if any((directory / _RUNS).iterdir()):
        return
    with suppress(OSError):  # not ours, or something else is in it by now
        (directory / _RUNS).rmdir()
        if missing:
            (directory / _LOCK).unlink(missing_ok=True)
        for folder in missing:
            folder.rmdir()
