"""The directory of a comparison: nothing is lost, mixed up or half-written."""

import json
from pathlib import Path

import pytest

from ramify._core import DirectoryInUseError, InputError, ModelFileError, sole_writer
from ramify.comparison import COMPARISON_FILE, COMPARISON_PAGE, Comparison, Contender, Study
from ramify.comparison._contender import digest_of
from ramify.comparison._directory import Store
from ramify.records import ComparisonRecord, RunResult, Scores, Setting

from ._small import compared, hard, mixed, small_table

JOB: dict[str, Setting] = {"method": "hard", "learning_rate": 0.1, "data": "abc"}


def result(job: dict[str, Setting]) -> RunResult:
    return RunResult.model_validate(
        {
            "method": "hard",
            "seed": 0,
            "trial": 0,
            "digest": digest_of(job),
            "job": job,
            "scores": Scores.model_construct(test=[], validation=[]).model_dump(),
            "size": 1,
            "flops": 1,
            "seconds": 1.0,
            "memory": None,
            "settings": {},
            "stages": None,
        }
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "runs").mkdir()
    return Store(tmp_path)


def test_a_finished_run_is_found_again(store: Store) -> None:
    place = store.place("hard", 0, 0, JOB)
    assert place.finished(JOB) is None
    result(JOB).save(place.result)
    assert place.finished(JOB) == result(JOB)


def test_a_result_of_other_settings_is_refused_by_name(store: Store) -> None:
    result(JOB).save(store.place("hard", 0, 0, JOB).result)
    changed = {**JOB, "learning_rate": 0.2, "data": "def"}
    with pytest.raises(InputError, match=r"hard-seed-0.*'data', 'learning_rate'; give the same"):
        store.place("hard", 0, 0, changed).finished(changed)


def test_a_damaged_result_is_refused_with_what_to_do(store: Store) -> None:
    place = store.place("hard", 0, 0, JOB)
    result(JOB).save(place.result)
    place.result.write_text(place.result.read_text()[:-30])
    with pytest.raises(ModelFileError, match=r"damaged.*remove it and use `resume`"):
        place.finished(JOB)


def test_a_changed_result_is_refused(store: Store) -> None:
    place = store.place("hard", 0, 0, JOB)
    result(JOB).save(place.result)
    found = json.loads(place.result.read_text())
    found["job"]["learning_rate"] = 0.3
    place.result.write_text(json.dumps(found))
    with pytest.raises(ModelFileError, match="digest does not fit"):
        place.finished(JOB)


def test_trials_and_seeds_have_files_of_their_own(store: Store) -> None:
    places = {store.place("hard", seed, trial, JOB).result for seed in (0, 1) for trial in (0, 1)}
    assert len(places) == 4


def test_a_state_serves_the_very_same_job_only(store: Store) -> None:
    states = {store.place("hard", 0, 0, {**JOB, "epochs": n}).state for n in (1, 2)}
    assert len(states) == 2


def test_a_comparison_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    compared(small_table(), sharing={}, seeds=1, output=tmp_path)
    before = (tmp_path / COMPARISON_FILE).read_bytes()
    with pytest.raises(InputError, match="already holds a comparison; use `resume`"):
        compared(small_table(), sharing={}, seeds=1, output=tmp_path)
    assert (tmp_path / COMPARISON_FILE).read_bytes() == before
    compared(small_table(), sharing={"again": hard}, seeds=1, output=tmp_path, overwrite=True)
    names = {method.name for method in Comparison.load(tmp_path).record.methods}
    assert "again" in names


def test_other_data_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    compared(small_table(), sharing={}, seeds=1, output=tmp_path)
    with pytest.raises(InputError, match=r"Different in 'hard-seed-0\.json': 'data'"):
        compared(small_table()[:-1], sharing={}, seeds=1, output=tmp_path, resume=True)


def test_what_is_wrong_with_the_directory_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for path, resume, overwrite, words in (
        (file, False, False, "must be a directory"),
        (tmp_path / "new", True, False, "holds none; leave `resume` out"),
        (tmp_path / "new", True, True, "exclude each other"),
        (file / "below", False, False, "cannot be made"),
        (None, True, False, "need `output`"),
    ):
        with pytest.raises(InputError, match=words):
            compared(small_table(), output=path, resume=resume, overwrite=overwrite)
    assert not (tmp_path / "new").exists()


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    with sole_writer(tmp_path), pytest.raises(DirectoryInUseError):
        compared(small_table(), output=tmp_path)


def test_a_bad_table_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        compared(small_table().drop("g0_t0", "g1_t0"), output=tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_saved_comparison_is_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    found = Comparison(mixed())
    found.save(tmp_path)
    again = Comparison.load(tmp_path)
    assert again.record == found.record
    assert (tmp_path / COMPARISON_PAGE).read_text(encoding="utf-8") == found.report()
    assert again.leaderboard()["method"].to_list() == [m.name for m in found.record.methods]
    with pytest.raises(InputError, match="already holds"):
        found.save(tmp_path)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"format_version": 3}, "newer ramify"),
        ({"seeds": []}, "seeds"),
        ({"tasks": []}, "tasks"),
        ({"methods": []}, "a method is named that the record does not hold"),
    ],
)
def test_a_tampered_record_is_refused(tmp_path: Path, part: dict[str, object], words: str) -> None:
    path = tmp_path / COMPARISON_FILE
    path.write_text(json.dumps(mixed().model_dump(mode="json") | part))
    with pytest.raises(ModelFileError, match=words):
        ComparisonRecord.load(path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seeds": ()}, "`seeds` must be 1 or more. Got 0"),
        ({"seeds": (1, 1)}, "different numbers"),
        ({"seeds": (-1,)}, "each 0 or more"),
        ({"n_trials": -1}, "`search` must be 0 or more"),
        ({"threads": 0}, "`threads` must be 1 or more"),
        ({"threads": 100_000}, "`threads` must be at most 1024"),
        ({"processes": 0}, "`processes` must be 1 or more, or -1"),
    ],
)
def test_a_study_checks_its_numbers(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Study(**settings)  # type: ignore[arg-type]


def test_names_that_would_be_mixed_up_are_refused() -> None:
    with pytest.raises(InputError, match="one forest per task, scikit-learn is, which always"):
        compared(small_table(), sharing={"random-forest": hard})
    for name in ("", "a/b", "../up", "two words", "x" * 61):
        with pytest.raises(InputError, match="must be a word"):
            Contender(name, hard)


def test_growing_that_takes_all_epochs_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=r"more than the 1 growing epochs of adaptive\. Got 1"):
        compared(small_table(), epochs=1, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
