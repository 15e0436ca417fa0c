"""Selective sharing from the command line."""

from pathlib import Path

import pytest
from tests.unit.cli._command import fit, make_table

from ramify import load


def test_a_run_is_made_and_its_looks_are_in_the_record(tmp_path: Path) -> None:
    said = fit(
        make_table(tmp_path / "t.csv"),
        tmp_path / "run",
        *("--sharing", "selective", "--groups", "2", "--estimator-width", "4"),
        *("--interval", "4", "--epochs", "2", "--batch-size", "16"),
    )
    assert said.code == 0, said.err
    run = load(tmp_path / "run")
    assert run.tree.widths[-1] == 2
    assert run.record.sharing.settings["condition"] == "Similarity(threshold=0.5, n_groups=2)"
    first = run.record.regroupings[0]
    assert len(first.before) == 4
    assert len(first.groups) == 2
    assert set(run.record.affinity) == {"gradient-factors"}
    assert run.record.parameters == run.record.regroupings[-1].parameters


def test_the_report_names_the_estimator_that_was_kept_at_the_merge(tmp_path: Path) -> None:
    said = fit(
        make_table(tmp_path / "t.csv"),
        tmp_path / "run",
        *("--sharing", "selective", "--groups", "1", "--interval", "2", "--epochs", "4"),
        *("--allow-split", "--estimator-width", "4", "--batch-size", "16"),
    )
    assert said.code == 0, said.err
    looks = load(tmp_path / "run").record.regroupings
    assert len(looks) > 1
    assert {tuple(look.keepers) for look in looks} == {tuple(looks[0].keepers)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sharing", "hard", "--threshold", "0.3"], "--threshold is for --sharing selective"),
        (["--sharing", "hard", "--interval", "0"], "--interval is for"),
        (["--sharing", "selective", "--interval", "0"], "--interval must be a whole number of at least 1"),
        (["--sharing", "selective", "--condition", "variance"], "needs --groups"),
        (["--sharing", "selective", "--groups", "2", "--threshold", "1"], "give one of them"),
        (["--sharing", "selective", "--groups", "0"], "--groups must be a whole number of at least 1"),
        (["--sharing", "selective", "--groups", "5"], "at most the number of tasks, 4. Got 5"),
        (["--sharing", "selective:variance", "--groups", "5"], "at most the number of tasks, 4"),
        (["--sharing", "selective", "--estimator-width", "0"], "--estimator-width must be a whole number"),
        (["--sharing", "selective", "--threshold", "nan"], "--threshold must be a finite number"),
        (["--sharing", "selective", "--alpha", "1"], "--alpha is for --sharing fully-adaptive"),
    ],
)
def test_options_that_do_not_fit_are_told(arguments: list[str], words: str, tmp_path: Path) -> None:
    said = fit(make_table(tmp_path / "t.csv"), tmp_path / "run", *arguments)
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "run").exists()
