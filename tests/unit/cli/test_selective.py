"""Selective sharing from the command line."""

from pathlib import Path

import polars as pl
import pytest
from tests.unit.cli._command import fit, make_table, ramify

from ramify import load
from ramify.records import ComparisonRecord


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
    ("word", "condition", "n_estimators"),
    [("all", "together", 1), ("none", "apart", 4), ("random", "Shuffled(", 2)],
)
def test_controls_are_in_the_record_and_in_the_report(
    word: str, condition: str, n_estimators: int, tmp_path: Path
) -> None:
    groups = ("--groups", "2") if word == "random" else ()
    said = fit(
        make_table(tmp_path / "t.csv"),
        tmp_path / "run",
        *("--sharing", "selective", "--condition", word, *groups, "--interval", "4"),
        *("--estimator-width", "4", "--epochs", "2", "--batch-size", "16"),
    )
    assert said.code == 0, said.err
    run = load(tmp_path / "run")
    assert str(run.record.sharing.settings["condition"]).startswith(condition)
    dropped = run.record.regroupings[0].parameters_before - run.record.parameters
    assert dropped == (4 - n_estimators) * (8 * 4 + 4)
    assert ramify("report", tmp_path / "run").code == 0


def test_controls_take_part_in_a_comparison(tmp_path: Path) -> None:
    said = ramify(
        *(
            "compare",
            make_table(tmp_path / "t.csv"),
            "--targets",
            "g*",
            "--output",
            tmp_path / "cmp",
        ),
        *("--sharing", "selective:all,selective:none,selective", "--groups", "2", "--seeds", "1"),
        *("--hidden", "8,8", "--epochs", "2", "--interval", "4", "--batch-size", "16"),
        *("--estimator-width", "4", "--trees", "2"),
    )
    assert said.code == 0, said.err
    record = ComparisonRecord.load(tmp_path / "cmp" / "comparison.json")
    sizes = {each.name: each.size for each in record.methods}
    estimator = 8 * 4 + 4
    assert sizes["selective"] - sizes["selective:all"] == estimator
    assert sizes["selective:none"] - sizes["selective"] == 2 * estimator


@pytest.mark.parametrize(
    ("names", "option", "words"),
    [
        (
            "selective:variance",
            ("--groups", "2", "--threshold", "1"),
            "--threshold is for --sharing selective or",
        ),
        (
            "selective:all,selective:none",
            ("--groups", "2"),
            "--groups is for --sharing selective or",
        ),
        (
            "selective",
            ("--nonnegative", "9"),
            "--nonnegative must be at most the number of tasks, 4",
        ),
    ],
)
def test_what_a_comparison_cannot_use_is_refused(
    names: str, option: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    table = make_table(tmp_path / "t.csv")
    where = ("--targets", "g*", "--output", tmp_path / "cmp", "--sharing", names)
    said = ramify("compare", table, *where, *option)
    assert (said.code, words in said.err) == (2, True), said.err
    assert not (tmp_path / "cmp").exists()


def test_a_target_with_one_label_joins_no_other(tmp_path: Path) -> None:
    table = make_table(tmp_path / "t.csv")
    frame = pl.read_csv(table).with_columns(g9_same=pl.lit(1))
    frame.write_csv(table)
    said = fit(
        table,
        tmp_path / "run",
        *("--sharing", "selective", "--groups", "1", "--interval", "4", "--epochs", "2"),
        *("--estimator-width", "4", "--batch-size", "16"),
    )
    assert said.code == 0, said.err
    assert load(tmp_path / "run").tree.stages[-1][-1] == ("g9_same",)
    assert load(tmp_path / "run").tree.widths[-1] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sharing", "hard", "--threshold", "0.3"], "--threshold is for --sharing selective"),
        (["--sharing", "hard", "--interval", "0"], "--interval is for"),
        (
            ["--sharing", "selective", "--interval", "0"],
            "--interval must be a whole number of at least 1",
        ),
        (["--sharing", "selective", "--condition", "variance"], "needs --groups"),
        (["--sharing", "selective", "--groups", "2", "--threshold", "1"], "give one of them"),
        (
            ["--sharing", "selective", "--groups", "0"],
            "--groups must be a whole number of at least 1",
        ),
        (["--sharing", "selective", "--groups", "5"], "at most the number of tasks, 4. Got 5"),
        (["--sharing", "selective:variance", "--groups", "5"], "at most the number of tasks, 4"),
        (
            ["--sharing", "selective", "--nonnegative", "5"],
            "--nonnegative must be at most the number",
        ),
        (
            ["--sharing", "selective", "--condition", "all", "--groups", "2"],
            "Got selective:all; leave",
        ),
        (
            ["--sharing", "selective:none", "--threshold", "1"],
            "--threshold is for --sharing selective or",
        ),
        (
            ["--sharing", "selective", "--threshold", "2.1"],
            "--threshold must be a finite number of at",
        ),
        (
            ["--sharing", "selective", "--estimator-width", "0"],
            "--estimator-width must be a whole number",
        ),
        (["--sharing", "selective", "--threshold", "nan"], "--threshold must be a finite number"),
        (["--sharing", "selective", "--alpha", "1"], "--alpha is for --sharing fully-adaptive"),
    ],
)
def test_options_that_do_not_fit_are_told(arguments: list[str], words: str, tmp_path: Path) -> None:
    said = fit(make_table(tmp_path / "t.csv"), tmp_path / "run", *arguments)
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "run").exists()
