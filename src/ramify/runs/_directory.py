"""The rules of an output directory: nothing lost, nothing half-written, one writer at a time."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ramify._core import InputError, ModelFileError, listed, quoted, sole_writer, write_atomically
from ramify.records import RECORD_FILE
from ramify.report import REPORT_FILE
from ramify.runs._model import CARD_FILE, WEIGHTS_FILE

STATE_FOLDER = "checkpoint"
JOB_FILE = "job.json"
LOCK_FILE = ".lock"
RESULT_FILES = (WEIGHTS_FILE, CARD_FILE, RECORD_FILE, REPORT_FILE)


class State:
    """The state of a run in its output directory: a folder with a file that says which run it is.

    Attributes:
        folder: Where trainings keep their states; there once the run has claimed it.
        claimed: Whether the folder holds the state of this run.
    """

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self.folder, self.claimed = folder, False
        self._resume = resume

    def claim(self, job: dict[str, Any]) -> None:
        """Make the folder this run's, or check that it is: the last step before training.

        Args:
            job: What decides the result, as JSON holds it.

        Raises:
            InputError: If a resumed run had other settings or other data.
        """
        path = self.folder / JOB_FILE
        wanted = json.loads(json.dumps(job))
        if self._resume and path.exists():
            _check_same(path, wanted)
        else:
            self.forget()
            self.folder.mkdir()
            write_atomically(path, json.dumps(wanted))
        self.claimed = True

    def forget(self) -> None:
        """Remove the state; first the file without which the rest counts for nothing."""
        (self.folder / JOB_FILE).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def output_directory(directory: Path, *, resume: bool, overwrite: bool) -> Iterator[State]:
    """Hold a directory for a run and give its state.

    Earlier results stay until the new ones take their place, file by file, at the end. A run that
    fails before it claims the state, or on its input, leaves everything as it was.

    Args:
        directory: Made if missing.
        resume: Whether to go on with an interrupted run.
        overwrite: Whether to replace what is there.

    Raises:
        InputError: If results are there and neither was asked for, or nothing can be resumed.
        DirectoryInUseError: If another run is writing there.
    """
    if resume and overwrite:
        raise InputError("`resume` and `overwrite` exclude each other; give one of them")
    if directory.exists() and not directory.is_dir():
        raise InputError(f"must be a directory. {quoted(directory)} is a file", argument="output")
    _check_state(directory, resume=resume, overwrite=overwrite)
    is_new_here = not (directory / LOCK_FILE).exists()
    made = _make(directory)
    state = State(directory / STATE_FOLDER, resume=resume)
    with sole_writer(directory, made):
        try:
            _check_state(directory, resume=resume, overwrite=overwrite)
            _remove_torn_files(directory)
            yield state
        except BaseException as error:
            if _is_useless(state, error, resume=resume):
                state.forget()
            if is_new_here and not state.folder.exists():
                _unmake(directory, made)
            raise


def can_be_resumed(directory: Path) -> bool:
    """Whether a directory holds an interrupted run."""
    return (directory / STATE_FOLDER / JOB_FILE).exists()


def holds_run(directory: Path) -> bool:
    """Whether a directory holds a run, interrupted or finished."""
    return can_be_resumed(directory) or bool(_results_in(directory))


def _results_in(directory: Path) -> list[str]:
    return [name for name in RESULT_FILES if (directory / name).exists()]


def _others_in(directory: Path) -> list[str]:
    """What is no part of a run."""
    own = (*RESULT_FILES, STATE_FOLDER)
    names = sorted(each.name for each in directory.iterdir()) if directory.is_dir() else []
    return [name for name in names if name not in own and not name.startswith(".")]


def _make(directory: Path) -> list[Path]:
    """Make a directory and those above it; those that were missing, from the innermost."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove_empty(missing)
        raise InputError(
            f"`output` {quoted(directory)} cannot be made: {error.strerror}; choose another"
        ) from None
    return missing


def _unmake(directory: Path, made: list[Path]) -> None:
    (directory / LOCK_FILE).unlink(missing_ok=True)
    _remove_empty(made)


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):  # not made, or something else is in it by now
        for folder in folders:
            folder.rmdir()


def _remove_torn_files(directory: Path) -> None:
    """Remove what a killed process left of files that it was about to put in place."""
    for name in RESULT_FILES:
        for torn in directory.glob(f".{name}.*"):
            torn.unlink(missing_ok=True)


def _is_useless(state: State, error: BaseException, *, resume: bool) -> bool:
    """Whether going on from the state could only fail in the same way."""
    if not state.claimed:
        return not (state.folder / JOB_FILE).exists()
    return isinstance(error, InputError) and not resume


def _check_same(path: Path, wanted: dict[str, Any]) -> None:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name in wanted if before.get(name) != wanted[name]]
    except (OSError, ValueError, AttributeError):
        raise ModelFileError(f"{quoted(path)} is damaged; start again with `overwrite`") from None
    if differing:
        raise InputError(
            f"`resume` needs the data and settings of the interrupted run. Different: "
            f"{listed(differing)}; give the same ones, or start again with `overwrite`"
        )


def _check_state(directory: Path, *, resume: bool, overwrite: bool) -> None:
    unfinished = can_be_resumed(directory)
    there = _results_in(directory)
    if resume:
        others = _others_in(directory)
        # A run that was killed while it read its table has left nothing but the lock.
        if unfinished or (not (there or others) and (directory / LOCK_FILE).exists()):
            return
        what, also = ("a finished run", " or use `overwrite`") if there else ("no run", "")
        if others and not there:
            what, also = f"no run but {listed(others)}", " or choose the `output` of the run"
        raise InputError(
            f"`resume` needs an interrupted run in {quoted(directory)}. It holds {what}; "
            f"leave `resume` out{also}"
        )
    if overwrite:
        return
    if unfinished:
        raise InputError(
            f"{quoted(directory)} holds an interrupted run; use `resume` to go on with it or "
            "`overwrite` to start again"
        )
    if there:
        raise InputError(
            f"{quoted(directory)} already holds {listed(there)}; choose another `output` or use "
            "`overwrite`"
        )
