"""Nothing lost, nothing half-written, one writer at a time; resumed is as uninterrupted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.unit.runs._runs import fitted, names_in, quick, small_table

from ramify import InputError
from ramify._core import DirectoryInUseError, sole_writer
from ramify.runs import Options
from ramify.runs._directory import RESULT_FILES, STATE_FOLDER, output_directory
from ramify.sharing import FullyAdaptive, HardSharing
from ramify.training import EpochEnded, Watcher

ALL = {*RESULT_FILES, ".lock"}


class Crash(BaseException):
    """Whatever ends a process."""


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return small_table(("binary", "regression"))


def crash_after(n_epochs: int) -> Watcher:
    seen: list[EpochEnded] = []

    def watch(event: EpochEnded) -> None:
        seen.append(event)
        if len(seen) == n_epochs:
            raise Crash

    return watch


def interrupted(frame: pl.DataFrame, output: Path, n_epochs: int, options: Options) -> None:
    with pytest.raises(Crash):
        fitted(frame, options, output=output, watch=crash_after(n_epochs))


def content(directory: Path) -> dict[str, Any]:
    """What must not depend on interruptions."""
    record = json.loads((directory / "record.json").read_text())
    for name in ("created", "seconds", "milliseconds", "command", "sha256"):
        record.pop(name)
    for baseline in record["baselines"].values():
        baseline.pop("seconds")
    weights = (directory / "model.safetensors").read_bytes()
    return {"record": record, "weights": weights, "card": (directory / "model.json").read_text()}


@pytest.fixture(scope="module")
def straight(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("straight")
    fitted(frame, quick(baselines=("single_task", "shared")), output=output)
    return output


# 1 growing epoch, 2 candidates of 2, then 3 epochs of each baseline.
@pytest.mark.parametrize("n_epochs", [1, 2, 3, 4, 5, 6, 8, 9, 11])
def test_a_resumed_run_ends_as_the_uninterrupted_one(
    frame: pl.DataFrame, tmp_path: Path, straight: Path, n_epochs: int
) -> None:
    options = quick(baselines=("single_task", "shared"))
    interrupted(frame, tmp_path, n_epochs, options)
    assert names_in(tmp_path) == {".lock", STATE_FOLDER}
    fitted(frame, quick(baselines=("single_task", "shared")), output=tmp_path, resume=True)
    assert content(tmp_path) == content(straight)
    assert names_in(tmp_path) == ALL


def test_a_run_killed_before_training_resumes_from_the_beginning(
    frame: pl.DataFrame, tmp_path: Path, straight: Path
) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / STATE_FOLDER).mkdir()
    (tmp_path / STATE_FOLDER / ".job.json.torn").write_text("{")
    fitted(frame, quick(baselines=("single_task", "shared")), output=tmp_path, resume=True)
    assert content(tmp_path) == content(straight)
    assert names_in(tmp_path) == ALL


def test_how_often_states_are_saved_does_not_make_another_run(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    interrupted(frame, tmp_path, 2, quick())
    other = replace(quick(), checkpoint_seconds=60.0)
    fitted(frame, other, output=tmp_path, resume=True)
    assert names_in(tmp_path) == ALL


def test_a_state_without_its_job_is_not_gone_on_with(
    frame: pl.DataFrame, tmp_path: Path, straight: Path
) -> None:
    interrupted(frame, tmp_path, 5, quick(epochs=7))
    (tmp_path / STATE_FOLDER / "job.json").unlink()
    fitted(frame, quick(baselines=("single_task", "shared")), output=tmp_path)
    assert content(tmp_path) == content(straight)


@pytest.mark.parametrize(
    ("options", "different"),
    [
        (quick(batch_size=16), "batch_size"),
        (quick(sharing=HardSharing()), "sharing"),
        (quick(sharing=FullyAdaptive(growing_epochs=2, n_candidates=2)), "sharing.growing_epochs"),
    ],
)
def test_resuming_needs_the_same_options(
    frame: pl.DataFrame, tmp_path: Path, options: Options, different: str
) -> None:
    interrupted(frame, tmp_path, 2, quick())
    with pytest.raises(InputError, match=f"Different: '{different}'"):
        fitted(frame, options, output=tmp_path, resume=True)
    fitted(frame, quick(), output=tmp_path, resume=True)  # the state is still there


def test_resuming_needs_the_same_data(frame: pl.DataFrame, tmp_path: Path) -> None:
    interrupted(frame, tmp_path, 2, quick())
    with pytest.raises(InputError, match="Different: 'data'"):
        fitted(frame.with_columns(x00=-pl.col("x00")), output=tmp_path, resume=True)


def test_an_interrupted_run_is_not_overwritten_unasked(frame: pl.DataFrame, tmp_path: Path) -> None:
    interrupted(frame, tmp_path, 2, quick())
    with pytest.raises(InputError, match="use `resume` to go on with it or `overwrite`"):
        fitted(frame, output=tmp_path)
    fitted(frame, output=tmp_path, overwrite=True)
    assert names_in(tmp_path) == ALL


def test_results_stay_until_the_new_ones_are_there(frame: pl.DataFrame, tmp_path: Path) -> None:
    fitted(frame, output=tmp_path)
    before = content(tmp_path)
    with pytest.raises(Crash):
        fitted(frame, quick(epochs=3), output=tmp_path, overwrite=True, watch=crash_after(3))
    assert content(tmp_path) == before
    fitted(frame, quick(epochs=3), output=tmp_path, resume=True)
    assert content(tmp_path) != before


def test_a_bad_table_leaves_an_interrupted_run_alone(frame: pl.DataFrame, tmp_path: Path) -> None:
    interrupted(frame, tmp_path, 2, quick())
    with pytest.raises(InputError, match="no column"):
        fitted(frame, quick(targets=("h",)), output=tmp_path, overwrite=True)
    fitted(frame, output=tmp_path, resume=True)


@pytest.mark.parametrize(
    "options", [quick(targets=("h",)), quick(sharing=FullyAdaptive(max_parameters=9))]
)
def test_an_error_leaves_nothing(frame: pl.DataFrame, tmp_path: Path, options: Options) -> None:
    with pytest.raises(InputError):
        fitted(frame, options, output=tmp_path / "new" / "deeper")
    assert names_in(tmp_path) == set()
    with pytest.raises(InputError):
        fitted(frame, options, output=tmp_path)
    assert names_in(tmp_path) == set()


def test_there_is_one_writer_at_a_time(frame: pl.DataFrame, tmp_path: Path) -> None:
    message = r"another run is writing to .*; choose another `output`"
    with sole_writer(tmp_path), pytest.raises(DirectoryInUseError, match=message):
        fitted(frame, output=tmp_path)
    assert names_in(tmp_path) == {".lock"}


def test_torn_files_of_a_killed_process_are_removed(frame: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / ".model.safetensors.abcd1234").write_text("half")
    (tmp_path / ".mine").write_text("kept")
    fitted(frame, output=tmp_path)
    assert names_in(tmp_path) == {*ALL, ".mine"}


@pytest.mark.parametrize(
    ("resume", "overwrite", "message"),
    [
        (True, False, "holds a finished run"),
        (False, False, "already holds"),
        (True, True, "exclude"),
    ],
)
def test_a_finished_run_is_neither_resumed_nor_overwritten_unasked(
    straight: Path, resume: bool, overwrite: bool, message: str
) -> None:
    with (
        pytest.raises(InputError, match=message),
        output_directory(straight, resume=resume, overwrite=overwrite),
    ):
        pass
    assert names_in(straight) == ALL


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "new"):
        with (
            pytest.raises(InputError, match="holds no run; leave `resume` out"),
            output_directory(directory, resume=True, overwrite=False),
        ):
            pass
    assert names_in(tmp_path) == set()
