"""`ramify compare` as a user meets it: what it says, what it leaves, what it refuses."""

import sys
from pathlib import Path

import pytest

from ramify.comparison import Comparison
from ramify.data import planted_table
from ramify.tasks import SharingTree

from ._command import fit, ramify

QUICK = (
    *("--targets", "g*", "--hidden", "8,8", "--epochs", "2", "--growing-epochs", "1"),
    *("--trees", "4", "--seeds", "1"),
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare") / "t.csv"
    planted_table(2, 2, rows=120, features=4)[0].write_csv(path)
    return path


def test_compares_tells_and_can_go_on(table: Path, tmp_path: Path) -> None:
    names = [f"g{g}_t{t}" for g in range(2) for t in range(2)]
    tree = SharingTree.shared(names, 2).divided(1, [names[:2], names[2:]])
    (tmp_path / "tree.json").write_text(tree.to_json())
    given = ("compare", table, *QUICK, "--output", tmp_path / "out")
    said = ramify(*given, "--sharing", "tree", "--tree", tmp_path / "tree.json")
    assert said.code == 0, said.err
    assert "run 5 of 5: " in said.out
    assert "Take " in said.out
    assert f"Report: {tmp_path / 'out' / 'comparison.html'}" in said.out
    record = Comparison.load(tmp_path / "out").record
    assert {run.method: run.stages for run in record.runs}["tree"] == [
        [list(group) for group in stage] for stage in tree.stages
    ]
    assert {method.name for method in record.methods} == {
        *("hard", "single-task", "tree", "random-forest", "ridge-logistic")
    }
    said = ramify(*given, "--sharing", "hard", "--weighting", "equal,uncertainty", "--resume")
    assert said.code == 0, said.err
    assert said.out.count(": kept") == 4
    assert "run 5 of 5: hard + uncertainty, seed 0: " in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sharing", "nonsense"), "--sharing must be one of 'fully-adaptive', "),
        (
            ("--sharing", "hard", "--sharing", "hard"),
            "--sharing must name each way once. Got 'hard'",
        ),
        (("--sharing", "hard", "--start-from", "nowhere"), "--start-from must name the directory"),
        (("--sharing", "tree"), "--sharing tree needs --tree"),
        (("--sharing", "selective", "--sharing", "magic"), "Got 'magic'"),
        (("--sharing", "soft", "--threshold", "0.3"), "--threshold is for --sharing selective"),
        (("--sharing", "soft", "--sign-invariant"), "--sign-invariant is for --sharing selective"),
        (("--sharing", "selective", "--affinity", "margins"), "is for --sharing fully-adaptive"),
        (
            ("--sharing", "selective:variance", "--groups", "99"),
            "--groups must be at most the numb",
        ),
        (("--weighting", "magic"), "--weighting must be one of 'equal', 'fixed', 'uncertainty'"),
        (("--sharing", "tree", "--tree", "none.json"), "--tree 'none.json' cannot be read"),
        (("--seeds", "0"), "--seeds must be 1 or more. Got 0"),
        (("--seeds", "-1"), "--seeds must be 1 or more. Got -1"),
        (("--seeds", "two"), "--seeds must be"),
        (("--search", "-1"), "--search must be 0 or more"),
        (("--processes", "0"), "--processes must be 1 or more"),
        (("--processes=-5",), "or -1 for one per core. Got -5"),
        (("--sharing", ""), "--sharing must name at least one way. Got none"),
        (("--weighting", ""), "--weighting must name at least one weighting. Got none"),
        (("--weighting", "equal,equal"), "--weighting must name each weighting once. Got 'equal'"),
        (
            ("--weighting", "dwa", "--exact-gradients"),
            "that looks at gradients, such as upgrad. Got dwa",
        ),
        (("--epochs", "1"), "more than the 1 growing epochs of fully-adaptive"),
        (
            ("--sharing", "factorised:tt", "--epochs", "4"),
            "more than the 4 epochs of separate networks (`pretrain_epochs`) of factorised:tt. Got 4",
        ),
        (("--resume",), "holds none; leave --resume out"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    table: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    said = ramify("compare", table, *QUICK, "--output", tmp_path / "out", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert not (tmp_path / "out").exists()


def test_a_comparison_and_a_fit_do_not_go_on_with_each_other(table: Path, tmp_path: Path) -> None:
    assert fit(table, tmp_path / "run", "--sharing", "hard").code == 0
    given = ("compare", table, *QUICK, "--sharing", "hard", "--output")
    said = ramify(*given, tmp_path / "run", "--resume")
    assert (said.code, "It holds a run of ramify fit" in said.err) == (2, True)
    assert ramify(*given, tmp_path / "cmp").code == 0
    said = fit(table, tmp_path / "cmp", "--sharing", "hard", "--resume")
    assert (said.code, "It holds no run but 'comparison.html', " in said.err) == (2, True)


def test_a_search_without_optuna_says_what_to_install(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    said = ramify("compare", table, *QUICK, "--output", tmp_path / "out", "--search", "1")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "error: --search needs optuna, which is not installed; install it with "
        "pip install 'ramify[search]', or leave it at 0\n"
    )
    assert not (tmp_path / "out").exists()
