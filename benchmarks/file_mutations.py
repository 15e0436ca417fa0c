"""Flip, cut and edit every file that is read back, and see the same result or one line.

Each change is made to one file of a run, of an interrupted run, or of a comparison; then the command that
reads it runs in this process. Right is: exit code 2 and one line; or exit code 0 and the result of the
unchanged files, byte for byte. Wrong is a traceback, another result, more than 10 seconds or more than 1 GiB.

    python benchmarks/file_mutations.py [--number 1000] [--seed 0]
"""

import argparse
import contextlib
import io
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ramify.cli import main
from ramify.data import planted_table
from ramify.training import EpochEnded

QUICK = ["--hidden", "8,8", "--epochs", "2", "--baselines", "none", "--seed", "3"]
TREE = ["--sharing", "fully-adaptive", "--growing-epochs", "1", "--candidates", "2"]
SLOW_SECONDS, MOST_BYTES = 10.0, 1 << 30


@dataclass(frozen=True)
class Subject:
    """Files, the command that reads them back, and what is looked at afterwards."""

    name: str
    folder: Path
    files: list[str]
    command: list[str]
    result: Callable[[Path], object]


def said(arguments: list[str]) -> tuple[int, str]:
    """Exit code and complaint of a command; −1 with the traceback if it fell."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        except BaseException:  # noqa: BLE001  # that is what is looked for
            return -1, traceback.format_exc()
    return code, err.getvalue()


class _Killed(BaseException):
    """As if the process had ended."""


def interrupted(frame: Any, folder: Path, arguments: list[str]) -> None:  # noqa: ANN401  # polars
    """Leave the state of a run that was killed after its second epoch."""
    from ramify.cli import _fit  # noqa: PLC0415

    ends = Counter[str]()

    def watch(event: EpochEnded) -> None:
        ends["all"] += 1
        if ends["all"] == 2:
            raise _Killed

    before = _fit.run_table

    def killed(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        return before(*given, **{**named, "watch": watch})

    _fit.run_table = killed  # type: ignore[attr-defined]
    try:
        with contextlib.suppress(_Killed), contextlib.redirect_stdout(io.StringIO()):
            main(arguments)
    finally:
        _fit.run_table = before  # type: ignore[attr-defined]
    assert (folder / "checkpoint").is_dir()


def stable(path: Path) -> object:
    """A record without what another run changes by itself."""
    varying = {"created", "seconds", "milliseconds", "command", "sha256", "memory", "versions"}

    def kept(value: object) -> object:
        if isinstance(value, dict):
            return {k: kept(v) for k, v in value.items() if k not in varying}
        return [kept(each) for each in value] if isinstance(value, list) else value

    return kept(json.loads(path.read_text()))


def subjects(root: Path) -> Iterator[Subject]:
    """All files that are read back, once each."""
    frame, _ = planted_table(2, 2, rows=120, features=4, seed=1)
    table = root / "t.csv"
    frame.write_csv(table)
    run, state, many = root / "run", root / "state", root / "many"
    fit = ["fit", str(table), "--targets", "g*", *QUICK, *TREE]
    for arguments in (
        [*fit, "--output", str(run)],
        [
            "compare",
            str(table),
            "--targets",
            "g*",
            "--sharing",
            "hard,ridge-logistic",
            "--seeds",
            "2",
            "--hidden",
            "8",
            "--epochs",
            "1",
            "--output",
            str(many),
        ],
    ):
        code, words = said(arguments)
        assert code == 0, words
    interrupted(frame, state, [*fit, "--output", str(state), "--checkpoint-seconds", "0"])
    model = ["model.json", "model.safetensors", "record.json"]
    predictions = root / "p.csv"
    yield Subject(
        "predict",
        run,
        model,
        ["predict", str(run), str(table), "--output", str(predictions), "--overwrite"],
        lambda folder: predictions.read_bytes(),
    )
    yield Subject(
        "report",
        run,
        ["record.json"],
        ["report", str(run)],
        lambda folder: (folder / "report.html").read_bytes(),
    )
    yield Subject(
        "resume",
        state,
        below(state),
        [*fit, "--output", str(state), "--checkpoint-seconds", "0", "--resume"],
        lambda folder: (
            stable(folder / "record.json"),
            (folder / "model.safetensors").read_bytes(),
        ),
    )
    yield Subject(
        "compare",
        many,
        below(many),
        [
            "compare",
            str(table),
            "--targets",
            "g*",
            "--sharing",
            "hard,ridge-logistic",
            "--seeds",
            "2",
            "--hidden",
            "8",
            "--epochs",
            "1",
            "--output",
            str(many),
            "--resume",
        ],
        lambda folder: stable(folder / "comparison.json"),
    )


def below(folder: Path) -> list[str]:
    """The files of a folder that hold something."""
    files = (each for each in folder.rglob("*") if each.is_file() and each.stat().st_size)
    return sorted(str(each.relative_to(folder)) for each in files)


def changed(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A change of a file's content, and what it is."""
    kind = rng.choice(
        ["bit", "bit", "bit", "byte", "cut", "zeros", "twice", "json", "json", "json"]
    )
    place, n = rng.randrange(len(data)), rng.randrange(1, 64)
    before, here, after = data[:place], data[place], data[place + 1 :]
    made = {
        "bit": before + bytes([here ^ 1 << rng.randrange(8)]) + after,
        "byte": before + bytes([rng.randrange(256)]) + after,
        "cut": before,
        "zeros": before + bytes(n) + data[place + n :],
        "twice": data + data[place:],
    }
    if kind != "json":
        return kind, made[kind]
    try:
        content = json.loads(data)
    except ValueError:
        return "one more", data + b"x"
    edit(content, rng)
    return kind, json.dumps(content).encode()


def edit(content: Any, rng: random.Random) -> None:  # noqa: ANN401  # JSON
    """Change, swap, drop or add something somewhere in JSON, in place."""
    while isinstance(content, dict | list) and content:
        keys = list(content) if isinstance(content, dict) else list(range(len(content)))
        key = rng.choice(keys)
        if isinstance(content[key], dict | list) and content[key] and rng.random() < 0.8:
            content = content[key]
            continue
        act = rng.choice(["set", "set", "swap", "drop", "add"])
        if act == "drop":
            del content[key]
        elif act == "swap":
            other = rng.choice(keys)
            content[key], content[other] = content[other], content[key]
        elif act == "add" and isinstance(content, dict):
            content["unknown"] = 1
        elif isinstance(content[key], int | float):
            content[key] = rng.choice([content[key] + 1, -1, 0, 2**70, 40_000, 1e308, None, "1"])
        else:
            content[key] = rng.choice(
                [None, 0, "x", "../../x", [], {}, [1] * 20_000, "y" * 100_000]
            )
        return


def judged(subject: Subject, expected: object, code: int, words: str) -> str:
    """What came of a change, in a word or two."""
    if code == -1:
        return "TRACEBACK " + words.strip().splitlines()[-1][:200]
    if code == 2:
        lines = words.strip().splitlines()
        return "a line" if len(lines) == 1 and lines[0].startswith("error: ") else "NOT ONE LINE"
    if code != 0:
        return f"EXIT {code}"
    return "the same" if subject.result(subject.folder) == expected else "ANOTHER RESULT"


def tried(subject: Subject, number: int, rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Change files one at a time; what, how, and what came of it."""
    kept = subject.folder.with_name(f"{subject.folder.name}-kept")
    shutil.copytree(subject.folder, kept)
    code, words = said(subject.command)
    assert code == 0, (subject.name, words)
    expected = subject.result(subject.folder)
    for _ in range(number):
        shutil.rmtree(subject.folder)
        shutil.copytree(kept, subject.folder)
        name = rng.choice(subject.files)
        how, data = changed((kept / name).read_bytes(), rng)
        (subject.folder / name).write_bytes(data)
        started = time.monotonic()
        outcome = judged(subject, expected, *said(subject.command))
        if time.monotonic() - started > SLOW_SECONDS:
            outcome = f"SLOW {outcome}"
        yield name, how, outcome
    shutil.rmtree(subject.folder)
    shutil.move(kept, subject.folder)


def run() -> int:
    """Try them all and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    rng, counts, wrong = random.Random(wanted.seed), Counter[tuple[str, str]](), 0
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        every = list(subjects(Path(folder)))
        for subject in every:
            for name, how, outcome in tried(subject, wanted.number // len(every), rng):
                counts[subject.name, outcome if outcome.islower() else "WRONG"] += 1
                if not outcome.islower():
                    wrong += 1
                    print(f"{subject.name}: {name}: {how}: {outcome}")
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    for (subject_name, outcome), n in sorted(counts.items()):
        print(f"{subject_name:<12} {outcome:<10} {n:>5}")
    print(f"{wrong} of {sum(counts.values())} wrong; {more / 2**20:,.0f} MiB beyond the start")
    return int(wrong > 0 or more > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(run())
