"""Ways of sharing that need more than their name on the command line."""

import json
from pathlib import Path

import pytest

from ramify.comparison import Comparison
from ramify.records import RunRecord

from ._command import fit, make_table, ramify

LOW = ("--sharing", "low-level", "--attach", "g0_t0=0")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_table(tmp_path_factory.mktemp("ways") / "t.csv")


@pytest.mark.parametrize("name", ["low-level", "low-level:separate"])
def test_a_task_is_attached_to_a_stage(table: Path, tmp_path: Path, name: str) -> None:
    said = fit(table, tmp_path / "run", "--sharing", name, "--attach", "g0_t0=0,g1_t1=-2")
    assert said.code == 0, said.err
    settings = RunRecord.load(tmp_path / "run" / "record.json").sharing.settings
    assert settings["attached"] == ["g0_t0: 0", "g1_t1: -2"]
    assert settings["separate"] == (name == "low-level:separate")


@pytest.mark.parametrize("way", ["factorised", "trace-norm"])
@pytest.mark.parametrize("form", ["tucker", "tt"])
def test_a_form_of_the_stacked_weights_is_named(
    table: Path, tmp_path: Path, way: str, form: str
) -> None:
    said = fit(table, tmp_path / "run", "--sharing", f"{way}:{form}", "--epochs", "5")
    assert said.code == 0, said.err
    sharing = RunRecord.load(tmp_path / "run" / "record.json").sharing
    assert (sharing.name, sharing.settings["form"]) == (way, form)


def test_networks_that_are_trained_alone_first_are_called_so(table: Path, tmp_path: Path) -> None:
    said = fit(table, tmp_path / "run", "--sharing", "factorised", "--epochs", "5")
    assert "growing: one network per task, to start from: epoch 1/4" in said.out


def test_an_anchored_run_starts_from_another_run(table: Path, tmp_path: Path) -> None:
    assert fit(table, tmp_path / "anchor", "--sharing", "hard").code == 0
    given = ("--sharing", "anchored", "--start-from", str(tmp_path / "anchor"))
    said = fit(table, tmp_path / "run", *given)
    assert said.code == 0, said.err
    record = RunRecord.load(tmp_path / "run" / "record.json")
    assert record.sharing.name == "anchored"
    assert record.tree.stages[0] == [[task.name] for task in record.tasks]


def test_they_take_part_in_a_comparison(table: Path, tmp_path: Path) -> None:
    assert fit(table, tmp_path / "anchor", "--sharing", "hard").code == 0
    said = ramify(
        *("compare", table, "--targets", "g*", "--output", tmp_path / "out", "--seeds", "1"),
        *("--hidden", "8,8", "--epochs", "1", "--trees", "4", "--attach", "g0_t0=0"),
        *("--sharing", "low-level,low-level:separate,anchored"),
        *("--start-from", tmp_path / "anchor"),
    )
    assert said.code == 0, said.err
    names = {method.name for method in Comparison.load(tmp_path / "out").record.methods}
    assert {"low-level", "low-level:separate", "anchored"} <= names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sharing", "low-level"), "--sharing low-level needs --attach"),
        (("--sharing", "low-level", "--attach", "g0_t0"), "--attach must be TASK=STAGE"),
        (("--sharing", "low-level", "--attach", "g0_t0=top"), "--attach must be TASK=STAGE"),
        (("--sharing", "low-level", "--attach", "x=0"), "--attach must name tasks. Got unknown"),
        (("--sharing", "low-level", "--attach", "g0_t0=9"), "must be stages from 0 to 1"),
        (("--sharing", "low-level", "--attach", "g0_t0=-9"), "back from -1 to -2. Got -9"),
        (("--sharing", "hard", "--attach", "g0_t0=0"), "--attach is for --sharing low-level"),
        (("--sharing", "anchored"), "--sharing anchored needs --start-from"),
        (("--sharing", "linear:clustered", "--weighting", "dwa"), "--weighting is for networks"),
        (("--sharing", "soft", "--condition", "random"), "--condition is for --sharing selective"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(
    table: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    given = ("fit", table, "--targets", "g*", "--output", tmp_path / "out", "--hidden", "8,8")
    said = ramify(*given, *arguments)
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_tree_that_is_no_text_is_named(table: Path, tmp_path: Path) -> None:
    (tmp_path / "tree.json").write_bytes(b"\xff\xfe\x00")
    said = fit(table, tmp_path / "out", "--sharing", "tree", "--tree", str(tmp_path / "tree.json"))
    assert said.code == 2
    assert "error: --tree" in said.err
    assert "must be UTF-8 text" in said.err


def test_a_tree_may_begin_with_a_byte_order_mark(table: Path, tmp_path: Path) -> None:
    tasks = ["g1_t1", "g1_t0", "g0_t1", "g0_t0"]
    text = json.dumps({"tasks": tasks, "stages": [[tasks], [tasks[:2], tasks[2:]]]})
    path = tmp_path / "tree.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    said = fit(table, tmp_path / "run", "--sharing", "tree", "--tree", str(path))
    assert said.code == 0, said.err
    stages = RunRecord.load(tmp_path / "run" / "record.json").tree.stages
    assert stages[1] == [["g0_t0", "g0_t1"], ["g1_t0", "g1_t1"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a tree must be JSON of the form"),
        ('{"tasks": ["a"], "stages": [[["b"]]]}', "names unknown tasks: 'b'"),
    ],
)
def test_a_file_that_holds_no_tree_is_named(
    table: Path, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "tree.json"
    path.write_text(text)
    said = fit(table, tmp_path / "out", "--sharing", "tree", "--tree", str(path))
    assert said.code == 2
    assert said.err.startswith("error: --tree '")
    assert words in said.err


def test_an_unknown_form_is_answered_with_the_known_ones(table: Path, tmp_path: Path) -> None:
    said = fit(table, tmp_path / "out", "--sharing", "trace-norm:cp")
    assert "must be one of 'trace-norm', 'trace-norm:tucker', 'trace-norm:tt'. Got" in said.err


@pytest.mark.parametrize("name", ["low-level", "anchored"])
def test_a_comparison_refuses_before_anything_is_trained(
    table: Path, tmp_path: Path, name: str
) -> None:
    given = ("compare", table, "--targets", "g*", "--output", tmp_path / "out", "--sharing", name)
    said = ramify(*given)
    assert said.code == 2
    assert f"--sharing {name} needs" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ((), "auto"),
        (("--seed", "1", "--device", "cpu"), "auto"),
        (("--epochs", "1"), "fully-adaptive"),
        (("--hidden", "8,8", "--epochs", "1"), "fully-adaptive"),
        (("--max-parameters", "999999", "--epochs", "1"), "fully-adaptive"),
        (("--kind", "g0_t0=ranking", "--epochs", "1"), "fully-adaptive"),
    ],
)
def test_tables_get_the_ensemble_unless_networks_are_spoken_of(
    table: Path, tmp_path: Path, more: tuple[str, ...], name: str
) -> None:
    said = ramify(
        *("fit", table, "--targets", "g*", "--output", tmp_path / "run", "--baselines", "none"),
        *more,
    )
    assert said.code == 0, said.err
    assert RunRecord.load(tmp_path / "run" / "record.json").sharing.name == name
