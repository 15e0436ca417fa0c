"""Runs the command in this process and keeps what it said."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from ramify.cli import main
from ramify.data import planted_table

QUICK = (
    *("--hidden", "8,8", "--epochs", "1", "--growing-epochs", "1"),
    *("--candidates", "2", "--baselines", "none"),
)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def ramify(*arguments: str | Path) -> Said:
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(each) for each in arguments])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


def fit(table: Path, output: Path, *more: str, targets: str = "g*") -> Said:
    return ramify("fit", table, "--targets", targets, "--output", output, *QUICK, *more)


def make_table(path: Path) -> Path:
    frame, _ = planted_table(2, 2, rows=120, features=4, seed=1)
    frame.write_csv(path)
    return path
