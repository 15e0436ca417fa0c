"""Scores on new labelled rows, identifiers in predictions, probabilities of classes, the leaderboard."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import accuracy_score, roc_auc_score, root_mean_squared_error
from tests.unit.runs._runs import fitted, quick, small_table

import ramify
from ramify import InputError, Run
from ramify.cli import main
from ramify.data import open_table, rows_by_task
from ramify.sharing import HardSharing

KINDS = ("binary", "multiclass", "regression")


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return small_table(KINDS).with_columns(pl.int_range(pl.len()).mul(7).alias("id"))


@pytest.fixture(scope="module")
def run(frame: pl.DataFrame) -> Run:
    return fitted(frame.drop("id"), quick(epochs=2, baselines=("single_task",)))


def names_of(run: Run) -> dict[str, str]:
    return {task.kind.name: task.name for task in run.model.tasks}


def test_scores_are_those_of_scikit_learn(run: Run, frame: pl.DataFrame) -> None:
    names, proba = names_of(run), run.predict_proba(frame)
    found = {each.metric: each for each in run.evaluate(frame).scores}
    truth = {kind: frame[name] for kind, name in names.items()}
    known = {kind: labels.is_not_null().to_numpy() for kind, labels in truth.items()}
    binary = proba[names["binary"]]
    positive, labels = binary.columns[1], truth["binary"].cast(pl.String).to_numpy()
    expected = roc_auc_score(
        labels[known["binary"]] == positive, binary[positive].to_numpy()[known["binary"]]
    )
    assert found["roc_auc"].value == pytest.approx(expected)
    classes = proba[names["multiclass"]]
    assert_allclose(classes.sum_horizontal().to_numpy(), 1, atol=1e-6)
    likely = np.array(classes.columns)[classes.to_numpy().argmax(axis=1)]
    labels = truth["multiclass"].cast(pl.String).to_numpy()[known["multiclass"]]
    assert found["accuracy"].value == pytest.approx(
        accuracy_score(labels, likely[known["multiclass"]])
    )
    values = run.predict(frame)[names["regression"]].to_numpy()[known["regression"]]
    numbers = truth["regression"].drop_nulls().to_numpy()
    assert found["rmse"].value == pytest.approx(root_mean_squared_error(numbers, values))


def test_the_mean_is_that_of_the_skills_and_has_an_interval(run: Run, frame: pl.DataFrame) -> None:
    found = run.evaluate(frame)
    mean = found.frame.row(-1, named=True)
    assert mean["task"] == "mean"
    assert mean["low"] < mean["value"] < mean["high"]
    _, *others = run.model.tasks.names
    alone = run.evaluate(frame.drop(others))
    assert alone.absent == tuple(others)
    assert alone.mean.value == alone.scores[0].value
    assert alone.mean.low == alone.scores[0].low


def test_rows_without_a_label_do_not_count(run: Run, frame: pl.DataFrame) -> None:
    name = names_of(run)["regression"]
    half = frame.with_columns(pl.when(pl.col("id") % 2 == 0).then(pl.col(name)).alias(name))
    [score] = [s for s in run.evaluate(half).scores if s.task == name]
    [alone] = [
        s for s in run.evaluate(frame.filter(pl.col("id") % 2 == 0)).scores if s.task == name
    ]
    assert score.value == pytest.approx(alone.value)
    assert score.n_labels == alone.n_labels


def test_rows_by_task_are_evaluated_by_task() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=120)
    frame = pl.DataFrame({"x": x, "z": rng.normal(size=120), "y": x, "school": ["a", "b"] * 60})
    table, names = rows_by_task(open_table(frame), ["y"], "school")
    run = ramify.fit(
        table,
        names,
        hidden=(4,),
        sharing=HardSharing(),
        training=ramify.Training(epochs=1),
        baselines=(),
    )
    found = run.evaluate(frame, task_column="school")
    assert [each.task for each in found.scores] == ["y:a", "y:b"]
    assert [each.n_labels for each in found.scores] == [60, 60]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_identifiers_are_carried_into_predictions(
    run: Run, frame: pl.DataFrame, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"p{suffix}"
    run.predict_to(frame, path, id_column="id")
    read = pl.read_csv(path) if suffix == ".csv" else pl.read_parquet(path)
    assert read.columns[0] == "id"
    assert read["id"].to_list() == frame["id"].to_list()
    there = run.predict(frame, id_column=["id"])
    assert there.columns == ["id", *run.predict(frame).columns]
    with pytest.raises(InputError, match="`id_column` must name columns"):
        run.predict(frame, id_column="nobody")
    with pytest.raises(InputError, match="must not be a column of the predictions"):
        run.predict(frame, id_column=names_of(run)["regression"])


def test_the_leaderboard_has_the_model_and_its_baselines(run: Run) -> None:
    board = run.leaderboard()
    assert set(board["method"]) == {run.record.sharing.name, "single_task"}
    ahead = board.filter(pl.col("method") == "single_task").row(0, named=True)
    difference = run.record.baselines["single_task"].mean_difference
    assert ahead["ahead"] == pytest.approx(-(difference.value or 0))
    assert ahead["ahead_low"] == pytest.approx(-(difference.high or 0))
    assert board["ahead"].is_sorted(descending=True)


def test_the_positive_class_is_chosen_and_stands_in_the_header() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=90)
    frame = pl.DataFrame({"x": x, "z": x[::-1], "ill": np.where(x > 0, "ja", "nein")})
    settings = {"hidden": (4,), "training": ramify.Training(epochs=3), "baselines": ()}
    usual = ramify.fit(frame, "ill", sharing=HardSharing(), **settings)  # type: ignore[arg-type]
    other = ramify.fit(
        frame,
        "ill",
        positive={"ill": "nein"},
        sharing=HardSharing(),
        **settings,  # type: ignore[arg-type]
    )
    assert usual.predict(frame).columns == ["ill=ja"]
    assert other.predict(frame).columns == ["ill=nein"]
    assert other.predict_proba(frame)["ill"].columns == ["ja", "nein"]
    with pytest.raises(InputError, match="`positive` must be one of the two labels of target"):
        ramify.fit(frame, "ill", positive={"ill": "oui"})


def test_the_command_shows_scores_and_writes_them(
    run: Run, frame: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.save(tmp_path / "run")
    frame.write_csv(tmp_path / "t.csv")
    main(
        ["evaluate", str(tmp_path / "run"), str(tmp_path / "t.csv"), "-o", str(tmp_path / "s.csv")]
    )
    said = capsys.readouterr().out
    assert "ROC-AUC" in said
    assert "mean" in said
    assert pl.read_csv(tmp_path / "s.csv")["task"].to_list()[-1] == "mean"
    with pytest.raises(SystemExit):
        main(["evaluate", str(tmp_path / "run"), str(tmp_path / "s.csv")])
    assert "must have the target column of a task" in capsys.readouterr().err


def test_notebooks_show_runs_trees_and_tasks_with_names_escaped(
    run: Run, frame: pl.DataFrame
) -> None:
    found = run.evaluate(frame)
    assert "<table" in found._repr_html_()
    assert "single_task" in run._repr_html_()
    assert repr(run).startswith("Run(6 tasks, ")
    hostile = ramify.SharingTree.shared(["<b>x</b>", "y"], 2)
    assert "&lt;b&gt;x" in hostile._repr_html_()
    tasks = ramify.TaskSet([ramify.Task("<i>", ramify.Binary(("no", "<u>")))])
    assert "&lt;i&gt;" in tasks._repr_html_()
    assert "<u>" not in tasks._repr_html_()


def test_names_that_are_imported_late_are_listed() -> None:
    assert {"fit", "MultiTaskClassifier", "InputError"} <= set(dir(ramify))
