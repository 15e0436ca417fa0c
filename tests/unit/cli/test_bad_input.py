"""Bad input: exit code 2, one line, nothing left behind. More cases: tests/bad_input."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.unit.cli._command import Said, fit, make_table, ramify


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    said = fit(make_table(folder / "t.csv"), folder / "run")
    assert said.code == 0, said.err
    return folder


@pytest.fixture
def folder(base: Path, tmp_path: Path) -> Path:
    """A copy of the table and the finished run."""
    shutil.copytree(base, tmp_path / "copy")
    return tmp_path / "copy"


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(said: Said, words: str) -> None:
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is empty"),
        (b"a,g\n", "header only"),
        (b"a,g\n1,2\n1,2,3\n", "must have 2 fields"),
        (b"a,a,g\n1,2,3\n", "must be different"),
        (b"a,g\n\xff\0,1\n", "must be UTF-8"),
        (b"g1,g2\n1,0\n0,1\n1,1\n", "at least one feature column"),
        (b"a,g\n1,\n2,\n3,\n", "at least one target must have labels"),
        (b"a,g\n1,1\n2,0\n", "at least 3 rows"),
        (b"a,g\n1,1\n2,0\n3,1\n4,0\ninf,1\n5,0\n", "finite numbers"),
    ],
)
def test_bad_tables(folder: Path, text: bytes, words: str) -> None:
    (folder / "b.csv").write_bytes(text)
    before = content(folder)
    assert_refused(fit(folder / "b.csv", folder / "out"), words)
    assert content(folder) == before
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--max-parameters", "10"], "--max-parameters must be at least 180"),
        (["--device", "toaster"], "--device must be"),
        (["--epochs", "many"], "--epochs must be int. Got many"),
        (["--epochs", "0"], "--epochs must be"),
        (["--hidden", "0"], "--hidden must be"),
        (["--hidden", "99999999,99999999"], "--hidden must be a whole number up to 1,000,000"),
        (["--seed", "9" * 30], "--seed must be"),
        (["--sharing", "caring"], "--sharing must be one of"),
        (["--paper"], "--paper is for pictures and the --backbone vgg16"),
        (["--checkpoint-seconds=-1"], "--checkpoint-seconds must be"),
        (["--learning-rate", "1e30", "--epochs", "3"], "smaller learning rate"),
        (
            ["--split", "column:side"],
            "--split must name columns of the table. It has no column 'side'",
        ),
        (["--kind", "g0_t0=foo"], "multiclass, ordinal, ranking or regression"),
        (["--ordinal", "g0_t0=0,1", "--kind", "g0_t0=regression"], "contradict each other"),
        (["--ordinal", "g0_t0=0,1", "--ordinal", "g0_t1=one"], "Got 'g0_t1=one'"),
        (["--kind", "g0_t0=foo", "--kind", "g0_t1=binary"], "multiclass, ordinal, ranking or"),
        (["--kind", "nosuch=binary"], "--kind must name targets. 'nosuch'"),
        (["--ordinal", "nosuch=low,high"], "--ordinal must name targets. 'nosuch'"),
        (["--ignore", "x00", "--ignore", "nosuch"], "--ignore must name columns of the table"),
        (["--targets"], "argument --targets: expected one argument"),
        (["--targets", "--targets", "g0_t1"], "expected one argument"),
        (["--depth", "3"], "--depth"),
        (["--resume"], "holds no run"),
    ],
)
def test_bad_options(folder: Path, more: list[str], words: str) -> None:
    before = content(folder)
    assert_refused(fit(folder / "t.csv", folder / "out", *more), words)
    assert content(folder) == before
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "{demo,fit,compare,grouping,evaluate"),
        (["learn"], "'learn'"),
        (["fit", "--targets", "a", "--output", "o"], "ramify fit needs TABLE"),
        (["report", "none"], "no record"),
        (["predict", "none", "t.csv", "--output", "p.csv"], "no model description"),
    ],
)
def test_bad_commands(arguments: list[str], words: str) -> None:
    assert_refused(ramify(*arguments), words)


@pytest.mark.parametrize(
    ("table", "output", "words"),
    [
        ("t.csv", "p.txt", "must end in"),
        ("t.csv", "none/p.csv", "folder that exists"),
        ("t.csv", "t.csv", "exists already"),
        ("none.csv", "p.csv", "no table"),
        ("less.csv", "p.csv", "It lacks 'x01'"),
        ("text.csv", "p.parquet", "'abc'"),
    ],
)
def test_bad_predictions(folder: Path, table: str, output: str, words: str) -> None:
    frame = pl.read_csv(folder / "t.csv")
    frame.drop("x01").write_csv(folder / "less.csv")
    frame.with_columns(x01=pl.lit("abc")).write_csv(folder / "text.csv")
    before = content(folder)
    assert_refused(
        ramify("predict", folder / "run", folder / table, "--output", folder / output), words
    )
    assert content(folder) == before


def test_predictions_do_not_replace_their_table(folder: Path) -> None:
    path = folder / "t.csv"
    said = ramify("predict", folder / "run", path, "--output", path, "--overwrite")
    assert_refused(said, "is the table itself")


def test_a_table_is_no_output_directory(folder: Path) -> None:
    assert_refused(fit(folder / "t.csv", folder / "t.csv"), "is a file")
    assert_refused(fit(folder / "t.csv", folder / "t.csv" / "out"), "Not a directory")


def without_digest(data: bytes) -> bytes:
    """A description as from before there were digests."""
    return json.dumps({n: v for n, v in json.loads(data).items() if n != "sha256"}).encode()


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("model.safetensors", lambda data: data[:-9], "is not the file that model.json describes"),
        ("model.json", lambda data: b"[" + data + b"]", "is damaged or was changed"),
        ("model.json", lambda data: data[:99], "is damaged or was changed"),
        (
            "model.json",
            lambda data: data.replace(b'"format_version": 3', b'"format_version": 4'),
            "use a newer ramify",
        ),
        ("model.json", lambda data: data.replace(b'"x01"', b'"x00"'), "is damaged or was changed"),
        (
            "model.json",
            lambda data: data.replace(b"  8,", b"  99999999999,"),
            "its digest does not fit",
        ),
        (
            "model.json",
            lambda data: without_digest(data.replace(b"  8,", b"  99999999999,")),
            "do not fit each other",
        ),
    ],
)
def test_a_damaged_model_is_refused(folder: Path, file: str, change: object, words: str) -> None:
    assert callable(change)
    path = folder / "run" / file
    path.write_bytes(change(path.read_bytes()))
    said = ramify("predict", folder / "run", folder / "t.csv", "--output", folder / "p.csv")
    assert_refused(said, words)
    assert not (folder / "p.csv").exists()
