"""Classes and intervals that the validation rows decide."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score

import ramify
from ramify import InputError, Run
from ramify.cli import main
from ramify.records import Decision
from ramify.runs._deciding import decisions_from, widths
from ramify.sharing import HardSharing
from ramify.tasks import Binary, Regression, Task, TaskSet
from ramify.training import Predictions


def predictions(values: np.ndarray, targets: np.ndarray) -> Predictions:
    return Predictions(values, targets, ~np.isnan(targets))


def test_the_threshold_is_that_of_the_largest_balanced_accuracy() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random(300) < 0.1).astype(float)
    values = np.round(0.1 * labels + 0.2 * rng.random(300), 2)  # all below one half, with ties
    tasks = TaskSet([Task("a", Binary())])
    [found] = decisions_from(predictions(values[:, None], labels[:, None]), tasks)
    assert found.threshold is not None
    cuts = np.unique(values)
    best = max(balanced_accuracy_score(labels, values >= cut) for cut in cuts)
    assert balanced_accuracy_score(labels, values >= found.threshold) == pytest.approx(best)
    assert found.threshold < 0.5
    [alone] = decisions_from(predictions(values[:, None], np.ones((300, 1))), tasks)
    assert alone.threshold == 0.5


def test_intervals_hold_their_share_of_new_rows() -> None:
    rng = np.random.default_rng(0)
    tasks = TaskSet([Task("a", Regression())])
    held = []
    for _ in range(200):
        errors = rng.standard_t(3, size=(60, 1))
        known = decisions_from(predictions(np.zeros((60, 1)), errors), tasks)
        held.append(np.mean(np.abs(rng.standard_t(3, size=500)) <= widths(tasks, known, 0.9)["a"]))
    assert 0.89 <= np.mean(held) <= 0.93


def test_too_few_labels_for_a_level_are_told() -> None:
    tasks = TaskSet([Task("a", Regression())])
    few = [Decision(task="a", errors=[0.1, 0.2, 0.3])]
    assert widths(tasks, few, 0.5) == {"a": 0.2}
    with pytest.raises(
        InputError, match=r"`interval` of 0.9 needs 9 validation labels of 'a'. Got 3"
    ):
        widths(tasks, few, 0.9)
    with pytest.raises(InputError, match="`interval` is for tasks of numbers"):
        widths(TaskSet([Task("b", Binary())]), [], 0.9)


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    return pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(200)],
            "x": x,
            "z": rng.normal(size=200),
            "ill": np.where(x > 1, "ja", "nein"),
            "grade": np.array(["low", "mid", "high"])[np.digitize(x, [-0.5, 0.5])],
            "size": 3 * x,
        }
    )


@pytest.fixture(scope="module")
def run(frame: pl.DataFrame) -> Run:
    return ramify.fit(
        frame,
        ["ill", "grade", "size"],
        ignore="id",
        sharing=HardSharing(),
        hidden=(8,),
        training=ramify.Training(epochs=3),
        baselines=(),
    )


def test_decisions_stand_in_place_of_probabilities(
    run: Run, frame: pl.DataFrame, tmp_path: Path
) -> None:
    found = run.predict(frame, id_column="id", decide=True, interval=0.8)
    assert found.columns == ["id", "ill", "grade", "size", "size low", "size high"]
    assert set(found["ill"]) <= {"ja", "nein"}
    likely = run.predict_proba(frame)["grade"]
    assert found["grade"].to_list() == [
        likely.columns[i] for i in likely.to_numpy().argmax(axis=1).tolist()
    ]
    assert (found["size low"] < found["size high"]).all()
    [known] = [each for each in run.record.decisions if each.task == "ill"]
    positive = run.predict(frame)["ill=ja"] >= known.threshold
    assert (found["ill"] == "ja").to_list() == positive.to_list()
    few = run.predict(frame[:3], decide=True)
    assert few["ill"].to_list() == found["ill"][:3].to_list()
    run.save(tmp_path / "run")
    frame.write_csv(tmp_path / "t.csv")
    arguments = ["predict", str(tmp_path / "run"), str(tmp_path / "t.csv"), "--decide"]
    main([*arguments, "--interval", ".8", "--id-column", "id", "-o", str(tmp_path / "p.csv")])
    written = pl.read_csv(tmp_path / "p.csv")
    assert written.columns == found.columns
    assert written["ill"].to_list() == found["ill"].to_list()
    assert ramify.load(tmp_path / "run").predict(frame, decide=True)["ill"].equals(found["ill"])
