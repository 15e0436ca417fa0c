"""What is typed is text, a file of options holds options, and a reader that goes away ends nothing."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.unit.cli._command import ramify

NAMES = ["[a]", "- b", "null", "~", "{c: d}", "*e", "1", "true", "f: g", "text-0-as-it-was-typed"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "t.csv"
    columns = {name: [(i * (k + 3)) % 7 % 2 for i in range(60)] for k, name in enumerate(NAMES)}
    pl.DataFrame({"x": range(60), "group": [i % 20 for i in range(60)], **columns}).write_csv(path)
    return path


QUICK = ("--sharing", "hard", "--epochs", "1", "--hidden", "2", "--baselines", "none")


@pytest.mark.parametrize("name", NAMES)
def test_a_column_may_have_any_name(name: str, table: Path, tmp_path: Path) -> None:
    said = ramify("fit", table, f"--targets={name}", *QUICK, "--output", tmp_path / "run")
    assert said.code == 0, said.err
    assert f"{name!r}: binary" in said.out
    said = ramify("fit", table, "--targets=x", f"--task-column={name}?", "--output", tmp_path / "o")
    assert f"has no column '{name}?'" in said.err


CONFIGS = {
    "ignore: null\n": "--ignore must have a value",
    "targets: ~\n": "--targets must have a value",
    'ignore: "a\\0b"\n': "must hold printable text. Got a NUL",
    f"targets: {'[' * 3000}{']' * 3000}\n": "must hold options and lists. Got 20 lists",
    "a: &a [x, x]\nb: &b [*a, *a]\ntargets: *b\n": "must write out what it repeats",
    "targets: [a\n": "must be YAML",
    "x" * 1_000_001: "must be a plain file of at most 1,000,000 bytes",
}


@pytest.mark.parametrize("content", CONFIGS, ids=[words[:25] for words in CONFIGS.values()])
def test_a_file_that_holds_no_options_is_one_line(
    content: str, table: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(content)
    said = ramify("fit", table, "--config", tmp_path / "c.yaml", *QUICK, "--output", tmp_path / "o")
    assert said.code == 2
    assert CONFIGS[content] in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_a_pipe_is_no_file_of_options(table: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said = ramify("fit", table, f"--config={tmp_path / 'pipe'}", "--output", tmp_path / "o")
    assert (said.code, "must be a plain file" in said.err) == (2, True)


def test_a_run_ends_whole_when_nobody_reads_its_output(table: Path, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "ramify", "fit", str(table), "--targets=1", *QUICK]
    command = [*words, "--output", str(tmp_path / "run")]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").exists()
