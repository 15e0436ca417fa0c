"""Change single lines where results are decided, and list the changes that no test notices.

Each change is made in a copy of the source, and the tests of its room run until the first one fails. A change
that all pass is a survivor: a test is missing, or the line does not matter.

    python benchmarks/mutants.py [--number 60] [--seed 0] [--only losses]
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = Path("src/ramify")
SECONDS = 240

ROOMS = {
    "metrics": ["tests/unit/metrics", "tests/unit/training/test_evaluation.py"],
    "losses": ["tests/unit/losses"],
    "affinity": ["tests/unit/affinity"],
    "data/splits": ["tests/unit/data/splits"],
    "ensembles": ["tests/unit/ensembles"],
    "grouping": ["tests/unit/grouping"],
    "training/_best.py": ["tests/unit/training/test_selection.py"],
    "comparison/_statistics.py": ["tests/unit/comparison/test_statistics.py"],
    "runs/_scoring.py": ["tests/unit/metrics/test_intervals.py", "tests/unit/runs/test_scoring.py"],
}
"""Rooms and files that decide results, with the tests that must notice a change."""

KNOWN = [
    (
        "runs/_predicting.py",
        "        yield _predicted(model, raw)",
        "        yield _predicted(model, raw.flip(0))",
        ["tests/unit/runs/test_scoring.py"],
    ),
    (
        "training/_segment.py",
        "return settings.rate * settings.course",
        "return settings.rate + 0 * settings.course",
        ["tests/unit/training/test_own_loader.py", "tests/unit/training/test_trainer.py"],
    ),
    (
        "training/_segment.py",
        "self.plan.generation * 100_000 + epoch",
        "epoch",
        ["tests/unit/training/test_selection.py"],
    ),
    (
        "training/_best.py",
        "<= error",
        "<= 2 * error",
        ["tests/unit/training/test_selection.py"],
    ),
    (
        "training/_best.py",
        "candidates[0].groups",
        "None",
        ["tests/unit/training/test_selection.py"],
    ),
    (
        "metrics/_scores.py",
        "if t.kind.metric.higher_is_better else -1.0",
        "if t.kind.metric.higher_is_better else 1.0",
        ["tests/unit/metrics", "tests/unit/runs/test_scoring.py"],
    ),
    (
        "runs/_scoring.py",
        "    groups = ours.predictions.groups\n",
        "    groups = None\n",
        ["tests/unit/runs/test_scoring.py"],
    ),
    (
        "comparison/_summary.py",
        'room = overlap(self.seeds, "test")',
        "room = 0.0",
        ["tests/unit/comparison/test_laws.py", "tests/unit/comparison/test_statistics.py"],
    ),
    (
        "sharing/_soft.py",
        "rate * self.alpha / n_labels",
        "self.alpha / n_labels",
        ["tests/unit/sharing/test_protocol_hooks.py", "tests/unit/sharing/test_ways.py"],
    ),
    (
        "sharing/_anchored.py",
        "rate * self.alpha / n_labels",
        "self.alpha / n_labels",
        ["tests/unit/sharing/test_protocol_hooks.py", "tests/unit/sharing/test_ways.py"],
    ),
    (
        "losses/_task_losses.py",
        "torch.where(weights > 0, weights, 1.0)",
        "weights.clamp(min=1.0)",
        ["tests/unit/losses", "tests/unit/data/batches/test_loader.py"],
    ),
    (
        "sharing/_look_schedule.py",
        "0 if changed else self._n_idle + 1",
        "self._n_idle + 1",
        ["tests/unit/sharing/test_selective.py"],
    ),
    (
        "penalties/_tensor_normal.py",
        "best / (n_out * n_tasks)",
        "best / n_out",
        ["tests/unit/penalties"],
    ),
]
"""Changes that no test noticed once: file, line, what it becomes, tests."""


@dataclass(frozen=True)
class Mutant:
    """One changed line."""

    file: Path
    before: str
    after: str
    tests: list[str]
    line: int = 0

    def written(self, tree: Path) -> None:
        """Change the file below a copy of the tree."""
        path = tree / SOURCE / self.file
        text = path.read_text(encoding="utf-8")
        if not self.line:
            assert text.count(self.before) >= 1, f"{self.file} no longer has {self.before!r}"
            path.write_text(text.replace(self.before, self.after, 1), encoding="utf-8")
            return
        lines = text.splitlines(keepends=True)
        lines[self.line - 1] = self.after + "\n"
        path.write_text("".join(lines), encoding="utf-8")

    def __str__(self) -> str:
        where = f":{self.line}" if self.line else ""
        return f"{self.file}{where}: {self.before.strip()} → {self.after.strip()}"


_SWAPS: dict[type[ast.AST], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*",
    ast.And: "or", ast.Or: "and",
}  # fmt: skip
_SIGNS: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.And: "and", ast.Or: "or",
}  # fmt: skip


def generated(file: Path, tests: list[str]) -> Iterator[Mutant]:
    """Every change of one operator or one number of a file, outside of annotations and messages."""
    text = (ROOT / SOURCE / file).read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        pairs: list[tuple[ast.expr, ast.AST, ast.expr]] = []
        if isinstance(node, ast.BinOp):
            pairs = [(node.left, node.op, node.right)]
        elif isinstance(node, ast.Compare):
            pairs = [(node.left, node.ops[0], node.comparators[0])]
        elif isinstance(node, ast.BoolOp):
            pairs = [(node.values[0], node.op, node.values[1])]
        for left, sign, right in pairs:
            yield from _swapped(file, tests, lines, left, sign, right)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            start, end = node.col_offset, node.end_col_offset
            line = lines[node.lineno - 1]
            after = f"{line[:start]}{node.value + 1}{line[end:]}"
            yield Mutant(file, line, after, tests, node.lineno)


def _swapped(
    file: Path, tests: list[str], lines: list[str], left: ast.expr, sign: ast.AST, right: ast.expr
) -> Iterator[Mutant]:
    number, start, end = left.end_lineno, left.end_col_offset, right.col_offset
    if number != right.lineno or type(sign) not in _SIGNS or start is None:
        return
    line = lines[number - 1]
    between, found = line[start:end], _SIGNS[type(sign)]
    if between.count(found) == 1 and line.isascii():
        middle = between.replace(found, _SWAPS[type(sign)])
        yield Mutant(file, line, f"{line[:start]}{middle}{line[end:]}", tests, number)


def all_generated(only: str) -> list[Mutant]:
    """Those of all rooms."""
    found: list[Mutant] = []
    for room, tests in ROOMS.items():
        if only not in room:
            continue
        place = ROOT / SOURCE / room
        files = [place] if place.is_file() else sorted(place.rglob("_*.py"))
        for file in files:
            if file.name != "__init__.py":
                found += generated(file.relative_to(ROOT / SOURCE), tests)
    return found


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Whether a test fails, or never ends, where the change is made."""
    original = ROOT / SOURCE / mutant.file
    mutant.written(tree)
    tests = [each for each in mutant.tests if (tree / each).exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        shutil.copyfile(original, tree / SOURCE / mutant.file)
    return done.returncode != 0


def run() -> int:
    """Try them and list the survivors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=60, help="how many of the generated ones")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the room's name")
    wanted = parser.parse_args()
    every = all_generated(wanted.only)
    chosen = random.Random(wanted.seed).sample(every, min(wanted.number, len(every)))
    if not wanted.only:
        chosen = [Mutant(Path(f), a, b, tests) for f, a, b, tests in KNOWN] + chosen
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in ("src", "tests", "docs", "benchmarks", "examples"):
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
            shutil.copyfile(ROOT / name, tree / name)
        for mutant in chosen:
            if not is_noticed(mutant, tree):
                survivors += 1
                print(f"survives: {mutant}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} changes are noticed ({len(every)} possible)")
    return 0


if __name__ == "__main__":
    sys.exit(run())
