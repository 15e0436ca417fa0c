"""Bad tables, options, directories, new rows, models and records."""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from tests.bad_input._case import FIT, SMALL, Case, NotHereError, write
from tests.bad_input._settings import SETTINGS

from ramify.cli import main
from ramify.data import planted_table

PREDICT = ["predict", "model", "t.csv", "--output", "p.csv"]
LONG = "n" * 10_000
HOSTILE = {
    "g0_t0": "<script>alert('x')</script>",
    "g0_t1": 'quo"te, comma',
    "g1_t0": "two\nlines\r\nthree",
    "g1_t1": LONG,
    "x00": "<img src=x onerror=alert(1)>",
    "x01": "</script>*^.+[b]$",
}


def table(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "t.csv")


def in_turn(*preparations: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: [prepare(folder) for prepare in preparations]


def rewritten(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], object]:
    """A preparation that changes the table."""
    return lambda folder: change(table(folder)).write_csv(folder / "t.csv")


def text(change: Callable[[str], str | bytes]) -> Callable[[Path], object]:
    """A preparation that changes the text of the table."""

    def do(folder: Path) -> None:
        path = folder / "t.csv"
        new = change(path.read_text())
        path.write_bytes(new if isinstance(new, bytes) else new.encode())

    return do


def with_column(name: str, values: Callable[[int], Sequence[object]]) -> Callable[[Path], object]:
    return rewritten(
        lambda t: t.with_columns(pl.Series(name, values(len(t)), dtype=None, strict=False))
    )


def labels_only(column: str, rows: Callable[[int], bool], value: int | None = None) -> pl.Expr:
    """The labels of some rows; the others lose theirs."""
    kept = pl.int_range(pl.len()).map_elements(rows, return_dtype=pl.Boolean)
    return pl.when(kept).then(pl.col(column) if value is None else value).alias(column)


def sided(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], object]:
    """A preparation that adds a column with the side of each row: 2 of 3 train."""
    sides = ["train", "train", "train", "train", "validation", "test"]
    return rewritten(
        lambda t: change(
            t.with_columns(
                pl.Series("side", [sides[i % 6] for i in range(len(t))], dtype=pl.String)
            )
        )
    )


def in_model(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: change(folder / "model")


def edit_json(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def do(model: Path) -> None:
        found = json.loads((model / name).read_text())
        found.pop("sha256")  # as changed by somebody who can make another
        (model / name).write_text(json.dumps(change(found)))

    return in_model(do)


def in_backbone(**settings: object) -> Callable[[Path], object]:
    """A preparation that changes what a model's description says of its network."""

    def changed(card: dict[str, dict[str, Any]]) -> object:
        known = card["backbone"]["settings"]
        return {**card, "backbone": {**card["backbone"], "settings": {**known, **settings}}}

    return edit_json("model.json", changed)


def cut(name: str) -> Callable[[Path], object]:
    def do(model: Path) -> None:
        data = (model / name).read_bytes()
        (model / name).write_bytes(data[: len(data) // 2])

    return in_model(do)


def flip(model: Path) -> None:
    data = bytearray((model / "model.safetensors").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (model / "model.safetensors").write_bytes(bytes(data))


def rehashed(model: Path, data: bytes) -> None:
    """Weights with a description that knows their digest: changed by somebody who can."""
    (model / "model.safetensors").write_bytes(data)
    card = json.loads((model / "model.json").read_text())
    del card["sha256"]
    card["weights_sha256"] = hashlib.sha256(data).hexdigest()
    (model / "model.json").write_text(json.dumps(card))


def interrupted(folder: Path) -> None:
    """An output directory with the state of a run that was killed."""
    code = (
        "import ramify.runs._fit as f, os, sys\n"
        "f.Run.save = lambda *a, **k: os._exit(9)\n"
        "from ramify.cli import main\nmain(sys.argv[1:])"
    )
    subprocess.run([sys.executable, "-c", code, *FIT], cwd=folder, capture_output=True, check=False)
    if not (folder / "out" / "checkpoint" / "job.json").exists():
        raise SystemExit("the interrupted run left no state")


def finished(folder: Path) -> None:
    shutil.copytree(folder / "model", folder / "out")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another run holds the output directory."""
    (folder / "out").mkdir(exist_ok=True)
    with (folder / "out" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    if os.geteuid() == 0:
        raise NotHereError("root may write everywhere")
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def tiny_disk(kib: int) -> Callable[[Path], contextlib.AbstractContextManager[None]]:
    """A file system that is full soon."""

    @contextlib.contextmanager
    def do(folder: Path) -> Iterator[None]:
        disk = folder / "disk"
        disk.mkdir(exist_ok=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", disk],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            raise NotHereError("mounting a small file system is not allowed")
        try:
            yield
        finally:
            subprocess.run(["umount", disk], check=True)

    return do


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """A file system without room for a single page."""
    with tiny_disk(8)(folder):
        with contextlib.suppress(OSError):
            for number in range(99):
                (folder / "disk" / f"filler-{number}").write_bytes(b"full")
        yield


def fit(*more: str, table: str = "t.csv", targets: str = "g*") -> list[str]:
    return ["fit", table, "--targets", targets, "--output", "out", *SMALL, *more]


def predict(model: str = "model", table: str = "t.csv", output: str = "p.csv") -> list[str]:
    return ["predict", model, table, "--output", output]


def nested(folder: Path) -> None:
    frame = table(folder).with_columns(pl.Series("list", [[1, 2]] * len(table(folder))))
    frame.write_parquet(folder / "t.parquet")


def ids(n: int) -> list[str]:
    return [f"class {i}" for i in range(n)]


def with_inf(sign: str) -> Callable[[Path], object]:
    return rewritten(
        lambda t: t.with_columns(
            pl.when(pl.int_range(pl.len()) == 6)
            .then(float(f"{sign}inf"))
            .otherwise("x00")
            .alias("x00")
        )
    )


def some_text(t: pl.DataFrame) -> pl.DataFrame:
    row = pl.int_range(pl.len())
    return t.with_columns(
        pl.when(row == 6).then(pl.lit("abc")).otherwise(pl.col("x00").cast(pl.String)).alias("x00")
    )


TABLES = [
    Case("table", "file missing", "no table at 'none.csv'", fit(table="none.csv")),
    Case("table", "empty file", "is empty", prepare=write("t.csv", "")),
    Case("table", "empty Parquet", "is empty", fit(table="e.parquet"), write("e.parquet", "")),
    Case("table", "a directory", "--layout must say whose", fit(table="model")),
    Case("table", "no text", "must be UTF-8", prepare=text(lambda s: s.encode() + b"\xff\xfe\0,1")),
    Case("table", "ragged rows", "must have 8 fields", prepare=text(lambda s: s + "1,2,3\n")),
    Case(
        "table",
        "duplicate columns",
        "must be different",
        prepare=text(lambda s: s.replace("x01", "x00", 1)),
    ),
    Case("table", "header only", "header only", prepare=text(lambda s: s.split("\n")[0] + "\n")),
    Case("table", "ending unknown", "must end in", fit(table="t.doc"), write("t.doc", "a")),
    Case(
        "table",
        "semicolons in a .csv",
        "Report: ",
        prepare=text(lambda s: s.replace(",", ";")),
        works=True,
    ),
    Case("table", "quotation mark never closed", "never closed", prepare=text(lambda s: s + '"a')),
    Case(
        "table",
        "Parquet that is none",
        "cannot be read as a table",
        fit(table="e.parquet"),
        write("e.parquet", "PAR1 this is text"),
    ),
    Case(
        "table",
        "Parquet cut off",
        "cannot be read as a table",
        fit(table="e.parquet"),
        in_turn(
            lambda folder: table(folder).write_parquet(folder / "e.parquet"),
            lambda folder: os.truncate(folder / "e.parquet", 1500),
        ),
    ),
    Case(
        "table", "gzip that is none", "gzip", fit(table="t.csv.gz"), write("t.csv.gz", "a,b\n1,2")
    ),
    Case(
        "table",
        "Parquet with a nested column",
        "'list' must hold numbers, text or true/false",
        fit(table="t.parquet"),
        nested,
    ),
    Case(
        "table",
        "nested column ignored",
        "Report: out/report.html",
        fit("--ignore", "list", table="t.parquet"),
        nested,
        works=True,
    ),
    Case(
        "table",
        "one row",
        "at least 3 rows must have a label",
        prepare=rewritten(lambda t: t.head(1)),
    ),
    Case("table", "two rows", "at least 3 rows", prepare=rewritten(lambda t: t.head(2))),
    Case(
        "table",
        "three rows",
        "at least one feature column must be left",  # nothing varies in one training row
        prepare=rewritten(lambda t: t.drop_nulls().head(3)),
    ),
    Case(
        "table",
        "fewer rows than a batch",
        "Report: out/report.html",
        prepare=rewritten(lambda t: t.head(20)),
        works=True,
    ),
    Case(
        "table",
        "targets only",
        "at least one feature",
        prepare=rewritten(lambda t: t.select("^g.*$")),
    ),
]
TARGETS = [
    Case("targets", "unknown target", "has no column 'g9'", fit(targets="g0_t0,g9")),
    Case("targets", "near miss", "did you mean 'g0_t0'", fit(targets="g0t0")),
    Case("targets", "glob without a match", "matches none", fit(targets="q*")),
    Case("targets", "repeated target", "Report:", fit(targets="g0_t0,g0_t0"), works=True),
    Case("targets", "no target", "at least one column", fit(targets="")),
    Case("targets", "target ignored", "must not name a target", fit("--ignore", "g0_t0")),
    Case("targets", "unknown column ignored", "--ignore must name", fit("--ignore", "nothing")),
    Case(
        "targets",
        "copy of a target among the features",
        "warning: feature 'copy' is a copy or recoding of target 'g0_t0'",
        prepare=rewritten(lambda t: t.with_columns(copy=pl.col("g0_t0"))),
        works=True,
    ),
    Case(
        "targets",
        "no target labelled at all",
        "at least one target must have labels",
        prepare=rewritten(lambda t: t.with_columns(pl.lit(None).alias(n) for n in t.columns[4:])),
    ),
    Case(
        "targets",
        "one target without labels",
        "warning: target 'g0_t0' has no label",
        prepare=rewritten(lambda t: t.with_columns(g0_t0=pl.lit(None))),
        works=True,
    ),
    Case(
        "targets",
        "labels of a task in the test rows only",
        "'g0_t0 .no labels.*their heads learn nothing",
        fit("--split", "column:side"),
        sided(
            lambda t: t.with_columns(pl.when(pl.col("side") == "test").then("g0_t0").alias("g0_t0"))
        ),
        works=True,
    ),
    Case(
        "targets",
        "labels of a task in the training rows only",
        "'g0_t0 .no labels.*their test scores are absent",
        fit("--split", "column:side"),
        sided(
            lambda t: t.with_columns(
                pl.when(pl.col("side") == "train").then("g0_t0").alias("g0_t0")
            )
        ),
        works=True,
    ),
    Case(
        "targets",
        "one class only",
        "warning: all labels of target 'g0_t0' are '1'; it cannot be scored",
        prepare=rewritten(lambda t: t.with_columns(g0_t0=pl.lit(1))),
        works=True,
    ),
    Case(
        "targets",
        "classes for",
        "classes for",
        prepare=with_column("g0_t0", ids),
    ),
    Case(
        "targets",
        "text in a regression target",
        "must hold numbers",
        fit("--kind", "g0_t0=regression"),
        with_column("g0_t0", lambda n: ["a", "b"] * (n // 2)),
    ),
    Case(
        "targets",
        "three labels in a binary target",
        "must have two different labels",
        fit("--kind", "g0_t0=binary"),
        with_column("g0_t0", lambda n: ["a", "b", "c"] * (n // 3)),
    ),
    Case("targets", "--kind without =", "--kind must be NAME=", fit("--kind", "regression")),
    Case("targets", "--kind nonsense", "must be binary, multiclass", fit("--kind", "g0_t0=foo")),
    Case("targets", "--kind of no target", "must name targets", fit("--kind", "x00=binary")),
    Case(
        "targets",
        "--ordinal of no target",
        "--ordinal must name targets",
        fit("--ordinal", "x00=low,high"),
    ),
    Case(
        "targets",
        "--ignore repeated, one unknown",
        "--ignore must name columns",
        fit("--ignore", "nothing", "--ignore", "x00"),
    ),
    Case(
        "targets",
        "more --groups than targets",
        "--groups must be at most the number of tasks, 4. Got 9",
        fit("--sharing", "selective", "--groups", "9"),
    ),
    Case("targets", "--ordinal of one level", "must be NAME=low", fit("--ordinal", "g0_t0=low")),
    Case(
        "targets",
        "a label that is no level",
        "'g0_t0' must hold its levels",
        fit("--ordinal", "g0_t0=low,mid,high"),
        with_column("g0_t0", lambda n: ["low", "high", "top"] * (n // 3)),
    ),
    Case(
        "targets",
        "levels of words without their order",
        "an ordinal target must hold numbers",
        fit("--kind", "g0_t0=ordinal"),
        with_column("g0_t0", lambda n: ["low", "mid", "high"] * (n // 3)),
    ),
    Case(
        "targets",
        "text in a ranking target",
        "must hold numbers, higher for rows",
        fit("--kind", "g0_t0=ranking"),
        with_column("g0_t0", lambda n: ["a", "b", "c"] * (n // 3)),
    ),
    Case(
        "targets",
        "a relevance below 0",
        "must hold labels of 0 or more",
        fit("--kind", "g0_t0=ranking"),
        with_column("g0_t0", lambda n: [-1, 0, 1] * (n // 3)),
    ),
    Case(
        "targets",
        "--group-column that is not there",
        "--group-column must name columns",
        fit("--kind", "g0_t0=ranking", "--group-column", "query"),
    ),
    Case(
        "targets",
        "--group-column that is a target",
        "--group-column must not name a target",
        fit("--kind", "g0_t0=ranking", "--group-column", "g0_t0"),
    ),
    Case(
        "targets",
        "--group-column without a ranking",
        "--group-column is for ranking tasks",
        fit("--group-column", "q", "--split", "random"),
        with_column("q", lambda n: [1, 2, 3] * (n // 3)),
    ),
    Case(
        "targets",
        "groups of one row each",
        "must put rows together",
        fit("--kind", "g0_t0=ranking", "--group-column", "q"),
        with_column("q", ids),
    ),
    Case(
        "targets",
        "a row without its group",
        "must name a group in every",
        fit("--kind", "g*=ranking", "--group-column", "q"),
        with_column("q", lambda n: ["a", "b", "c", None] * (n // 4) + ["a"] * (n % 4)),
    ),
    Case(
        "targets",
        "infinite target",
        "'g0_t0' must hold finite",
        prepare=with_column("g0_t0", lambda n: [0.5, float("inf")] + [1.5] * (n - 2)),
    ),
    Case("targets", "one task", "1 task;", fit(targets="g0_t0"), works=True),
]
FEATURES = [
    Case(
        "features",
        "text in a numeric column",
        "Data row 7 has 'abc'",
        prepare=rewritten(some_text),
    ),
    Case("features", "+inf", "must hold finite", prepare=with_inf("")),
    Case("features", "-inf", "must hold finite", prepare=with_inf("-")),
    Case(
        "features",
        "number too large to compute with",
        "must hold finite",
        prepare=with_column("x00", lambda n: [1e305] * n),
    ),
    Case(
        "features",
        "integers beyond 64 bits",
        "warning: column 'x00' has whole numbers beyond 2\\^53",
        prepare=with_column("x00", lambda n: [f"{i + 1}{'9' * 60}" for i in range(n)]),
        works=True,
    ),
    Case(
        "features",
        "integers of 64 bits",
        "Report: out/report.html",
        prepare=with_column("x00", lambda n: [2**63 - 1 - i for i in range(n)]),
        works=True,
    ),
    Case(
        "features",
        "constant column",
        "4 inputs|3 inputs",
        prepare=with_column("x00", lambda n: [1] * n),
        works=True,
    ),
    Case(
        "features",
        "column without a value",
        "inputs",
        prepare=with_column("x00", lambda n: [None] * n),
        works=True,
    ),
    Case(
        "features",
        "all columns constant",
        "at least one feature column must be left",
        prepare=rewritten(lambda t: t.with_columns(pl.lit(1).alias(f"x0{i}") for i in range(4))),
    ),
    Case(
        "features",
        "rows without any feature value",
        "Report: out/report.html",
        prepare=rewritten(
            lambda t: t.with_columns(
                pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col(f"x0{i}")).alias(f"x0{i}")
                for i in range(4)
            )
        ),
        works=True,
    ),
    Case(
        "features",
        "an identifier as text",
        "like an identifier; it is not used",
        prepare=with_column("name", lambda n: [f"molecule {i}" for i in range(n)]),
        works=True,
    ),
    Case(
        "features",
        "names with <script>, quotes, newlines, 10,000 characters",
        "Report: out/report.html",
        [
            "fit",
            "h.csv",
            "--targets",
            ",".join(f'"{HOSTILE[n].replace(chr(34), chr(34) * 2)}"' for n in ("g0_t0", "g0_t1"))
            + ",two*,n*",
            "--output",
            "out",
            *SMALL,
        ],
        lambda folder: table(folder).rename(HOSTILE).write_csv(folder / "h.csv"),
        works=True,
    ),
    Case("features", "unknown target of 10,000 characters", "has no column", fit(targets=LONG)),
]
OPTIONS = [
    Case(
        "options",
        "budget below the smallest tree",
        "must be at least",
        fit("--max-parameters", "10"),
    ),
    Case(
        "options",
        "budget and alpha",
        "--alpha and --max-parameters both",
        fit("--max-parameters", "999", "--alpha", "1"),
    ),
    Case(
        "options",
        "budget for a shared network",
        "is for --sharing fully-adaptive",
        fit("--max-parameters", "999", "--sharing", "hard"),
    ),
    Case("options", "alpha negative", "--alpha must be", fit("--alpha=-1")),
    Case("options", "seed negative", "--seed must be 0 or more", fit("--seed=-1")),
    Case("options", "seed beyond 64 bits", "--seed must be", fit("--seed", "9" * 30)),
    Case("options", "epochs 0", "--epochs must be", fit("--epochs", "0")),
    Case("options", "epochs no number", "--epochs must be int", fit("--epochs", "many")),
    Case("options", "hidden 0", "must be 1 or more", fit("--hidden", "0")),
    Case("options", "epochs null", "--epochs must have a value", fit("--epochs=null")),
    Case("options", "hidden empty", "--hidden must have a value", fit("--hidden", "")),
    Case("options", "hidden no number", "--hidden must be a whole number", fit("--hidden", "8,a")),
    Case("options", "hidden beyond the memory", "more than", fit("--hidden", "999999,999999")),
    Case("options", "dropout 1.5", "--dropout must be", fit("--dropout", "1.5")),
    Case("options", "input dropout -1", "--input-dropout must be", fit("--input-dropout=-1")),
    Case("options", "batch size 0", "--batch-size must be", fit("--batch-size", "0")),
    Case("options", "learning rate nan", "--learning-rate must be", fit("--learning-rate", "nan")),
    Case(
        "options",
        "learning rate 1e30",
        "smaller learning rate",
        fit("--learning-rate", "1e30", "--epochs", "3"),
    ),
    Case("options", "weight decay -1", "--weight-decay must be", fit("--weight-decay=-1")),
    Case("options", "patience 0", "--patience must be", fit("--patience", "0")),
    Case("options", "growing epochs 0", "--growing-epochs must be", fit("--growing-epochs", "0")),
    Case(
        "options",
        "candidates 0",
        "--candidates must be",
        fit("--candidates", "0"),
    ),
    Case(
        "options",
        "checkpoint seconds -1",
        "--checkpoint-seconds must be",
        fit("--checkpoint-seconds=-1"),
    ),
    Case("options", "device nonsense", "--device must be", fit("--device", "toaster")),
    Case("options", "precision nonsense", "--precision must be one of", fit("--precision", "3")),
    Case("options", "sharing nonsense", "--sharing must be one of", fit("--sharing", "caring")),
    Case("options", "baseline nonsense", "--baselines must be among", fit("--baselines", "luck")),
    Case("options", "split nonsense", "--split must be random", fit("--split", "fair")),
    Case("options", "split column missing", "no column 'side'", fit("--split", "column:side")),
    Case("options", "split by a target", "must not name a target", fit("--split", "column:g0_t0")),
    Case(
        "options",
        "split column with other words",
        "must hold train, validation or test",
        fit("--split", "column:side"),
        sided(lambda t: t.with_columns(side=pl.col("side").replace("test", "exam"))),
    ),
    Case(
        "options",
        "split column without test rows",
        "'test' got none",
        fit("--split", "column:side"),
        sided(lambda t: t.with_columns(side=pl.col("side").replace("test", "train"))),
    ),
    Case(
        "options",
        "two groups to split",
        "at least 3 groups",
        fit("--split", "group:patient"),
        with_column("patient", lambda n: ["a", "b"] * (n // 2)),
    ),
    Case("options", "unknown option", "--depth", fit("--depth", "3")),
    Case("options", "no verb", "fit", []),
    Case("options", "unknown verb", "'learn'", ["learn"]),
    Case(
        "options",
        "no table",
        "ramify fit needs TABLE",
        ["fit", "--targets", "g*", "--output", "out"],
    ),
    Case("options", "no output", "--output", ["fit", "t.csv", "--targets", "g*"]),
    Case("options", "--config missing", "c.yaml", fit("--config", "c.yaml")),
    Case(
        "options",
        "--config with an unknown key",
        "epochz",
        fit("--config", "c.yaml"),
        write("c.yaml", "epochz: 3\n"),
    ),
    Case(
        "options",
        "--config with a wrong value",
        "--epochs must be int",
        ["fit", "--config", "c.yaml", *fit()[1:-10]],
        write("c.yaml", "epochs: many\n"),
    ),
    Case(
        "options",
        "--config that is no YAML",
        "YAML|yaml|parse|config",
        fit("--config", "c.yaml"),
        write("c.yaml", "{a: [\n"),
    ),
    Case(
        "options",
        "--config that is a list",
        "config|Config|dict",
        fit("--config", "c.yaml"),
        write("c.yaml", "- a\n- b\n"),
    ),
]
DIRECTORY = [
    Case("directory", "output is a file", "is a file", [*FIT[:4], "--output", "t.csv"]),
    Case(
        "directory",
        "output below a file",
        "cannot be made|is a file",
        [*FIT[:4], "--output", "t.csv/out"],
    ),
    Case(
        "directory",
        "output name too long",
        "cannot be made|too long",
        [*FIT[:4], "--output", "o" * 300],
    ),
    Case("directory", "output not writable", "cannot be made|Permission", around=read_only),
    Case("directory", "results are there", "already holds", prepare=finished),
    Case(
        "directory",
        "results are there, --overwrite",
        "Report: out/report.html",
        fit("--overwrite"),
        finished,
        works=True,
    ),
    Case(
        "directory",
        "--overwrite with a bad table",
        "no table at",
        fit("--overwrite", table="none.csv"),
        finished,
    ),
    Case(
        "directory",
        "--overwrite with a bad option",
        "--device must be",
        fit("--overwrite", "--device", "toaster"),
        finished,
    ),
    Case(
        "directory",
        "--overwrite that fails in training",
        "smaller learning rate",
        fit("--overwrite", "--learning-rate", "1e30", "--epochs", "3"),
        finished,
    ),
    Case(
        "directory", "two runs into one directory", "another run is writing to 'out'", around=locked
    ),
    Case("directory", "--resume without a run", "holds no run", fit("--resume")),
    Case(
        "directory", "--resume of a finished run", "holds a finished run", fit("--resume"), finished
    ),
    Case(
        "directory",
        "--resume and --overwrite",
        "exclude each other",
        fit("--resume", "--overwrite"),
    ),
    Case(
        "directory", "an interrupted run is there", "holds an interrupted run", prepare=interrupted
    ),
    Case(
        "directory", "--resume", "Report: out/report.html", fit("--resume"), interrupted, works=True
    ),
    Case(
        "directory",
        "--resume with another option",
        "Different: 'batch_size'",
        fit("--resume", "--batch-size", "7"),
        interrupted,
    ),
    Case(
        "directory",
        "--resume with another table",
        "Different: 'data'",
        fit("--resume"),
        in_turn(interrupted, rewritten(lambda t: t.reverse())),
    ),
    Case(
        "directory",
        "--resume with a damaged state",
        "is damaged",
        fit("--resume"),
        in_turn(
            interrupted,
            lambda folder: [p.write_bytes(b"x") for p in (folder / "out").rglob("*.safetensors")],
        ),
    ),
    Case(
        "directory",
        "--resume with a damaged job.json",
        "is damaged",
        fit("--resume"),
        in_turn(interrupted, write("out/checkpoint/job.json", "[]")),
    ),
    Case(
        "directory",
        "--overwrite with a bad table beside an interrupted run",
        "no table at",
        fit("--overwrite", table="none.csv"),
        interrupted,
    ),
    Case(
        "directory",
        "disk full at once",
        "the disk is full",
        [*FIT[:4], "--output", "disk/out", *SMALL],
        around=tiny_disk(4),
        keeps_state=True,
    ),
    Case(
        "directory",
        "disk full while training",
        "the disk is full",
        [*FIT[:4], "--output", "disk/out", *SMALL],
        around=tiny_disk(32),
        keeps_state=True,
    ),
    Case(
        "directory",
        "disk full while predicting to CSV",
        "the disk is full",
        predict(output="disk/p.csv"),
        around=full_disk,
    ),
    Case(
        "directory",
        "disk full while predicting to Parquet",
        "the disk is full",
        predict(output="disk/p.parquet"),
        around=full_disk,
    ),
]
NEW_ROWS = [
    Case("predict", "new rows", "Predictions: p.csv", predict(), works=True),
    Case(
        "predict",
        "without the targets",
        "Predictions: p.csv",
        predict(),
        rewritten(lambda t: t.select("^x.*$")),
        works=True,
    ),
    Case(
        "predict",
        "a category unseen in training",
        "Predictions: p.csv",
        predict(model="colours"),
        with_column("colour", lambda n: ["purple"] * n),
        works=True,
    ),
    Case(
        "predict",
        "missing feature column",
        "It lacks 'x01'",
        predict(),
        rewritten(lambda t: t.drop("x01")),
    ),
    Case(
        "predict",
        "text in a numeric column",
        "Data row 7 has 'abc'",
        predict(),
        rewritten(some_text),
    ),
    Case("predict", "+inf", "'x00' must hold finite numbers", predict(), with_inf("")),
    Case(
        "predict",
        "rows without any value",
        "Predictions: p.csv",
        predict(),
        rewritten(lambda t: t.with_columns(pl.lit(None).alias(n) for n in t.columns)),
        works=True,
    ),
    Case(
        "predict", "header only", "header only", predict(), text(lambda s: s.split("\n")[0] + "\n")
    ),
    Case(
        "predict",
        "one row",
        "Predictions: p.csv",
        predict(),
        rewritten(lambda t: t.head(1)),
        works=True,
    ),
    Case("predict", "output is there", "exists already", predict(), write("p.csv", "old")),
    Case(
        "predict",
        "output is there, --overwrite",
        "Predictions: p.csv",
        [*predict(), "--overwrite"],
        write("p.csv", "old"),
        works=True,
    ),
    Case(
        "predict",
        "output is there, --overwrite, bad table",
        "must be a file|no table",
        [*predict(table="none.csv"), "--overwrite"],
        write("p.csv", "old"),
    ),
    Case(
        "predict",
        "output is the table",
        "is the table itself",
        [*predict(output="t.csv"), "--overwrite"],
    ),
    Case("predict", "output is a folder", "is no file", [*predict(output="model"), "--overwrite"]),
    Case("predict", "output ends in .txt", "must end in", predict(output="p.txt")),
    Case("predict", "output without an ending", "must end in", predict(output="p")),
    Case("predict", "output in no folder", "folder that exists", predict(output="no/p.csv")),
]
MODELS = [
    Case("model", "no model", "no model description", predict(model="none")),
    Case("model", "a file as model", "model", predict(model="t.csv")),
    Case(
        "model",
        "empty directory",
        "no model description",
        predict(model="."),
    ),
    Case(
        "model",
        "weights missing",
        "no weights",
        predict(),
        in_model(lambda m: (m / "model.safetensors").unlink()),
    ),
    Case(
        "model",
        "description missing",
        "no model description",
        predict(),
        in_model(lambda m: (m / "model.json").unlink()),
    ),
    Case(
        "model",
        "weights cut off",
        "is not the file that model.json describes",
        predict(),
        cut("model.safetensors"),
    ),
    Case("model", "description cut off", "is damaged or was changed", predict(), cut("model.json")),
    Case(
        "model",
        "byte of the weights flipped",
        "is not the file that model.json describes",
        predict(),
        in_model(flip),
    ),
    Case(
        "model",
        "other weights with their digest",
        "cannot read the weights",
        predict(),
        in_model(lambda m: rehashed(m, b"no tensors")),
    ),
    Case(
        "model",
        "of a newer version",
        "use a newer ramify",
        predict(),
        edit_json("model.json", lambda c: {**c, "format_version": 99}),
    ),
    Case(
        "model",
        "description is a list",
        "is damaged or was changed",
        predict(),
        edit_json("model.json", lambda c: [c]),
    ),
    Case(
        "model",
        "description is not UTF-8",
        "cannot read the model description",
        predict(),
        in_model(lambda m: (m / "model.json").write_bytes(b"\xff\xfe")),
    ),
    Case(
        "model",
        "description with an unknown key",
        "is damaged or was changed",
        predict(),
        edit_json("model.json", lambda c: {**c, "code": "rm"}),
    ),
    Case(
        "model",
        "stages without a task",
        "do not fit|damaged",
        predict(),
        edit_json("model.json", lambda c: {**c, "stages": [[["g0_t0"]], [["g0_t0"]]]}),
    ),
    Case(
        "model",
        "stages not nested",
        "do not fit|damaged",
        predict(),
        edit_json(
            "model.json",
            lambda c: {
                **c,
                "stages": [
                    [["g0_t0"], ["g0_t1", "g1_t0", "g1_t1"]],
                    [["g0_t0", "g0_t1", "g1_t0", "g1_t1"]],
                ],
            },
        ),
    ),
    Case(
        "model",
        "one stage too many",
        "do not fit|damaged",
        predict(),
        edit_json("model.json", lambda c: {**c, "stages": [*c["stages"], c["stages"][-1]]}),
    ),
    Case(
        "model",
        "no stages",
        "do not fit|damaged",
        predict(),
        edit_json("model.json", lambda c: {**c, "stages": []}),
    ),
    Case(
        "model",
        "width 10^12",
        "do not fit|damaged|memory",
        predict(),
        in_backbone(hidden=[10**12, 8]),
    ),
    Case(
        "model",
        "width -1",
        "do not fit|damaged",
        predict(),
        in_backbone(hidden=[-1, 8]),
    ),
    Case(
        "model",
        "one width changed",
        "do not fit|damaged",
        predict(),
        in_backbone(hidden=[8, 9]),
    ),
    Case(
        "model",
        "scale 0",
        "damaged|do not fit",
        predict(),
        edit_json(
            "model.json",
            lambda c: {
                **c,
                "tasks": [
                    {**c["tasks"][0], "kind": "regression", "classes": [], "scale": 0},
                    *c["tasks"][1:],
                ],
            },
        ),
    ),
    Case(
        "model",
        "task without a class",
        "damaged|do not fit",
        predict(),
        edit_json(
            "model.json",
            lambda c: {**c, "tasks": [{**c["tasks"][0], "classes": ["a"]}, *c["tasks"][1:]]},
        ),
    ),
    Case(
        "model",
        "feature removed",
        "damaged|do not fit",
        predict(),
        edit_json(
            "model.json",
            lambda c: {
                **c,
                "inputs": {
                    **c["inputs"],
                    "features": {"features": c["inputs"]["features"]["features"][1:]},
                },
            },
        ),
    ),
    Case(
        "model",
        "dropout nan",
        "damaged|do not fit",
        predict(),
        in_model(
            lambda m: (m / "model.json").write_text(
                (m / "model.json").read_text().replace('"dropout": 0.6', '"dropout": NaN')
            )
        ),
    ),
    Case(
        "record",
        "missing",
        "no record",
        ["report", "model"],
        in_model(lambda m: (m / "record.json").unlink()),
    ),
    Case("record", "cut off", "is damaged or was changed", ["report", "model"], cut("record.json")),
    Case(
        "record",
        "of a newer version",
        "use a newer ramify",
        ["report", "model"],
        edit_json("record.json", lambda c: {**c, "format_version": 99}),
    ),
    Case(
        "record",
        "a list",
        "is damaged or was changed",
        ["report", "model"],
        edit_json("record.json", lambda c: [c]),
    ),
    Case(
        "record",
        "tree without a task",
        "is damaged or was changed",
        ["report", "model"],
        edit_json("record.json", lambda c: {**c, "tree": {"stages": [[["g0_t0"]]]}}),
    ),
    Case(
        "record",
        "tree without stages",
        "is damaged or was changed",
        ["report", "model"],
        edit_json("record.json", lambda c: {**c, "tree": {"stages": []}}),
    ),
    Case(
        "record",
        "no scores",
        "is damaged or was changed",
        ["report", "model"],
        edit_json("record.json", lambda c: {**c, "scores": {"test": [], "validation": []}}),
    ),
    Case(
        "record",
        "affinity not square",
        "is damaged or was changed",
        ["report", "model"],
        edit_json(
            "record.json",
            lambda c: {
                **c,
                "affinity": {"margins": {**c["affinity"]["margins"], "matrix": [[1.0]]}},
            },
        ),
    ),
]
CASES = [*TABLES, *TARGETS, *FEATURES, *OPTIONS, *SETTINGS, *DIRECTORY, *NEW_ROWS, *MODELS]


def make_models(folder: Path) -> None:
    """A table and a model, and one with a categorical feature, that the cases copy."""
    frame, _ = planted_table(2, 2, rows=120, features=4, seed=1)
    frame.write_csv(folder / "t.csv")
    colours = np.random.default_rng(0).choice(["red", "green", "blue"], len(frame))
    frame.with_columns(pl.Series("colour", colours)).write_csv(folder / "c.csv")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for source, name in (("t.csv", "model"), ("c.csv", "colours")):
            main(["fit", source, "--targets", "g*", "--output", name, *SMALL])
            (folder / name / ".lock").unlink(missing_ok=True)
