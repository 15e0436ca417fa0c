"""What a bad input is, how its command is run, and what it must do."""

import contextlib
import hashlib
import io
import re
import shutil
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ramify.cli import main

SMALL = [
    *("--hidden", "8,8", "--epochs", "1", "--growing-epochs", "1"),
    *("--candidates", "2", "--baselines", "none"),
]
FIT = ["fit", "t.csv", "--targets", "g*", "--output", "out", *SMALL]


@dataclass
class Case:
    """An input, what it must print, and whether it must work."""

    part: str
    name: str
    prints: str
    command: Sequence[str] = tuple(FIT)
    prepare: Callable[[Path], object] = lambda folder: None
    works: bool = False
    around: Callable[[Path], contextlib.AbstractContextManager[None]] = field(
        default=lambda folder: contextlib.nullcontext()
    )
    keeps_state: bool = False


def write(name: str, content: str | bytes) -> Callable[[Path], object]:
    """A preparation that writes a file."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(data)


class NotHereError(Exception):
    """The case cannot be tried on this machine."""


@dataclass
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str
    changed: list[str]


def listing(folder: Path) -> dict[str, str]:
    """Every file and folder, with the digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


def run(case: Case, folder: Path) -> Outcome:
    """Prepare and run one case."""
    case.prepare(folder)
    out, err, code = io.StringIO(), io.StringIO(), 0
    with case.around(folder), contextlib.chdir(folder):
        before = listing(folder)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(list(case.command))
            except SystemExit as leaving:
                code = int(leaving.code or 0)
            except BaseException:  # noqa: BLE001 - whatever else comes out is what we look for
                code = 99
                traceback.print_exc()
        after = listing(folder)
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    return Outcome(code, out.getvalue(), err.getvalue(), sorted(changed))


def violations(case: Case, done: Outcome) -> list[str]:
    """What is not as it should be."""
    return _of_success(case, done) if case.works else _of_error(case, done)


def _of_success(case: Case, done: Outcome) -> list[str]:
    found = []
    if done.code != 0 or done.err:
        found.append(f"exit code {done.code}, not 0: {done.err[-300:]}")
    if not re.search(case.prints, done.out):
        found.append(f"does not print {case.prints!r}: {done.out[-300:]}")
    return found


def _of_error(case: Case, done: Outcome) -> list[str]:
    found = []
    if done.code != 2:
        found.append(f"exit code {done.code}, not 2: {done.err[-600:]}")
    if not re.fullmatch(r"error: [^\n]+\n", done.err) or len(done.err) > 400:
        found.append(f"not one short line: {done.err[-600:]!r}")
    elif not re.search(case.prints, done.err):
        found.append(f"does not say {case.prints!r}: {done.err!r}")
    kept = ("disk/out", "disk/out/.lock", "disk/out/checkpoint") if case.keeps_state else ()
    changed = [
        n for n in done.changed if n not in kept and not n.startswith("disk/out/checkpoint/")
    ]
    if changed:
        found.append(f"changed {changed}")
    return found


def faults(case: Case, base: Path, folder: Path) -> list[str]:
    """What is not as it must be where a case runs in a copy of files."""
    shutil.copytree(base, folder)
    try:
        done = run(case, folder)
    except NotHereError as reason:
        pytest.skip(str(reason))
    return violations(case, done)
