"""``ramify grouping``: three files whatever the tasks are called, a tree that fit trains."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.unit.cli._command import Said, make_table, ramify

HOSTILE = "</style><script>alert(1)</script>"
QUICK = ("--hidden", "4,4", "--seeds", "1", "--steps", "20")


def grouping(folder: Path, *more: str, targets: str = "g*,<*") -> Said:
    where = ("--targets", targets, "--output", folder / "out")
    return ramify("grouping", folder / "t.csv", *where, *more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = make_table(tmp_path / "t.csv")
    pl.read_csv(table).rename({"g1_t1": HOSTILE}).write_csv(table)
    return tmp_path


def test_three_files_and_a_tree_that_fit_trains(folder: Path) -> None:
    said = grouping(folder, *QUICK)
    assert said.code == 0, said.err
    assert "every subset: 15 networks" in said.out
    assert "Train " in said.out
    page = (folder / "out" / "grouping.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert page.count("</style>") == 1
    record = json.loads((folder / "out" / "grouping.json").read_text(encoding="utf-8"))
    assert record["tasks"] == ["g0_t0", "g0_t1", "g1_t0", HOSTILE]
    tree = ("--sharing", "tree", "--tree", folder / "out" / "tree.json", "--hidden", "4,4")
    trained = ramify(
        *("fit", folder / "t.csv", "--targets", "g*,<*", "--output", folder / "run", *tree),
        *("--epochs", "1", "--growing-epochs", "0", "--baselines", "none"),
    )
    assert trained.code == 0, trained.err
    assert grouping(folder, *QUICK).code == 2
    assert grouping(folder, "--overwrite", *QUICK).code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--exhaustive", "--pairs"), "--exhaustive and --pairs exclude each other"),
        (("--hidden", "4,x"), "--hidden must be the width of each stage"),
        (("--hidden", "0"), "--hidden"),
        (("--seeds", "0"), "--seeds"),
        (("--time-limit", "soon"), "--time-limit"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    folder: Path, options: tuple[str, ...], words: str
) -> None:
    said = grouping(folder, *options)
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not (folder / "out").exists()


def test_one_task_is_none_to_group(folder: Path) -> None:
    said = grouping(folder, *QUICK, targets="g0_t0")
    assert said.code == 2
    assert "--targets must name at least two tasks" in said.err
    assert not (folder / "out").exists()
