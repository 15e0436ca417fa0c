"""A method of another package, as the page on extending builds it, from ``fit`` to ``predict``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.docs.pages import ROOT, blocks

from ramify.data import planted_table

ENTRY_POINTS = "[ramify.strategies]\nnearest = my_package:Nearest\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and the package as if it were installed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    page = blocks(ROOT / "docs" / "extending.md")
    (code,) = [block.text for block in page if "class Nearest(Method)" in block.text]
    (folder / "my_package.py").write_text(code, encoding="utf-8")
    info = folder / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    frame, _ = planted_table(n_groups=2, tasks_per_group=2, rows=200, features=6)
    levels = frame["g0_t0"].fill_null(0) + frame["g0_t1"].fill_null(0)
    frame.with_columns(g2=pl.concat_str(pl.lit("level "), levels)).write_csv(folder / "table.csv")
    return folder


def ramify(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(place), os.environ.get("PYTHONPATH", str(ROOT / "src"))])
    return subprocess.run(
        [sys.executable, "-m", "ramify", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_fitted_reported_and_predicts(place: Path) -> None:
    words = ("table.csv", "--targets", "g*", "--sharing", "nearest")
    setting = ("--set", "nearest.neighbours=3,9,30", "--baselines", "none")
    done = ramify(place, "fit", *words, *setting, "--output", "run")
    assert done.returncode == 0, done.stderr
    record = json.loads((place / "run" / "record.json").read_text())
    assert record["sharing"]["label"] == "The mean label of the nearest training rows"
    assert record["sharing"]["settings"]["neighbours"] == [3, 9, 30]
    assert record["sharing"]["settings"]["rows that answer"] in (3, 9, 30)
    assert sum(score["value"] > 0.6 for score in record["scores"]["test"]) >= 4  # of 5
    page = (place / "run" / "report.html").read_text()
    assert "Each task has a model of its own: “nearest” (The mean label of" in page
    done = ramify(place, "predict", "run", "table.csv", "--output", "told.csv")
    assert done.returncode == 0, done.stderr
    told = pl.read_csv(place / "told.csv")
    assert len(told) == 200
    assert told.null_count().sum_horizontal().item() == 0


def test_it_is_compared(place: Path) -> None:
    words = ("--targets", "g*", "--sharing", "nearest", "--epochs", "1", "--hidden", "4")
    done = ramify(place, "compare", "table.csv", *words, "--seeds", "1", "--output", "compared")
    assert done.returncode == 0, done.stderr
    record = json.loads((place / "compared" / "comparison.json").read_text())
    (found,) = [each for each in record["methods"] if each["name"] == "nearest"]
    assert (found["structure"], found["shares"]) == ("other", False)
    assert found["test"] is not None


def test_a_bad_setting_is_one_line(place: Path) -> None:
    words = ("table.csv", "--targets", "g*", "--sharing", "nearest", "--output", "bad")
    done = ramify(place, "fit", *words, "--set", "nearest.rows=3")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert (
        "--set nearest.rows is unknown; nearest has the settings neighbours (5,20)" in done.stderr
    )
    assert not (place / "bad").exists()
