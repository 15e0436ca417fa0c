"""The rules of an output directory: nothing lost, nothing half-written, one writer at a time."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ramify._core import InputError, ModelFileError, listed, quoted, sole_writer, write_atomically
from ramify.runs._model import CARD_FILE, WEIGHTS_FILE

RECORD_FILE = "record.json"
REPORT_FILE = "report.html"
STATE_FOLDER = "checkpoint"
JOB_FILE = "job.json"
RESULT_FILES = (WEIGHTS_FILE, CARD_FILE, RECORD_FILE, REPORT_FILE)


@contextmanager
def output_directory(directory: Path, *, resume: bool, overwrite: bool) -> Iterator[Path]:
    """Hold a directory for a run and give the folder for its state.

    Earlier results stay until the new ones take their place, file by file, at the end.

    Args:
        directory: Made if missing.
        resume: Whether to go on with an interrupted run.
        overwrite: Whether to replace what is there.

    Raises:
        InputError: If results are there and neither was asked for, or nothing can be resumed.
        DirectoryInUseError: If another run is writing there.
    """
    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other; give one of them")
    if directory.exists() and not directory.is_dir():
        raise InputError(f"--output must be a directory. {quoted(directory)} is a file")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--output {quoted(directory)} cannot be made: {error.strerror}; choose another"
        ) from None
    with sole_writer(directory):
        state = directory / STATE_FOLDER
        _check_state(directory, state, resume=resume, overwrite=overwrite)
        if overwrite:
            shutil.rmtree(state, ignore_errors=True)
        state.mkdir(exist_ok=True)
        yield state


def check_same_job(state: Path, job: dict[str, Any]) -> None:
    """Check that a resumed run is the run that was interrupted; note a new one.

    Args:
        state: Folder of the state.
        job: What decides the result, as JSON holds it.

    Raises:
        InputError: If the settings or the data differ.
    """
    path = state / JOB_FILE
    wanted = json.loads(json.dumps(job))
    if not path.exists():
        write_atomically(path, json.dumps(wanted))
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelFileError(f"{quoted(path)} is damaged; start again with --overwrite") from None
    differing = [name for name in wanted if before.get(name) != wanted[name]]
    if differing:
        raise InputError(
            f"--resume needs the data and settings of the interrupted run. Different: "
            f"{listed(differing)}; give the same ones, or start again with --overwrite"
        )


def forget_state(state: Path) -> None:
    """Remove the state of a run that is complete."""
    shutil.rmtree(state, ignore_errors=True)


def _check_state(directory: Path, state: Path, *, resume: bool, overwrite: bool) -> None:
    unfinished = (state / JOB_FILE).exists()
    there = [name for name in RESULT_FILES if (directory / name).exists()]
    if resume:
        if unfinished:
            return
        what = "a finished run" if there else "no run"
        raise InputError(
            f"--resume needs an interrupted run in {quoted(directory)}. It holds {what}; "
            "leave --resume out" + (" or use --overwrite" if there else "")
        )
    if overwrite:
        return
    if unfinished:
        raise InputError(
            f"{quoted(directory)} holds an interrupted run; use --resume to go on with it or "
            "--overwrite to start again"
        )
    if there:
        raise InputError(
            f"{quoted(directory)} already holds {listed(there)}; choose another --output or use "
            "--overwrite"
        )
