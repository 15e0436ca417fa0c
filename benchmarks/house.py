"""The size of the code, and the way of `fit` to its first step.

    python benchmarks/house.py              # of this tree
    python benchmarks/house.py --source DIR # lines of another one, such as an older checkout

Docstrings are counted as such, a comment wherever it stands; remarks for checkers are none. Frames
are the calls of ramify that are on the stack when the first step begins, files those that ran
until then.
"""

import argparse
import ast
import io
import sys
import tokenize
from pathlib import Path
from types import FrameType

import ramify
from ramify.data import planted_table

HERE = Path(__file__).parents[1] / "src" / "ramify"
COMMENTED = ("training", "networks", "linear/solvers")


def docstring_lines(tree: ast.Module) -> set[int]:
    texts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    return {line for t in texts for line in range(t.lineno, (t.end_lineno or t.lineno) + 1)}


def counted(folder: Path) -> dict[str, int]:
    """Files, lines of code and of docstrings, and comments below a folder."""
    found = dict.fromkeys(("files", "lines", "code", "docstring", "comments"), 0)
    for path in folder.rglob("*.py"):
        text = path.read_text()
        docstrings = docstring_lines(ast.parse(text))
        lines = [line.strip() for line in text.splitlines()]
        found["files"] += 1
        found["lines"] += len(lines)
        found["docstring"] += len(docstrings)
        found["code"] += sum(
            bool(line) and not line.startswith("#") and i not in docstrings
            for i, line in enumerate(lines, 1)
        )
        found["comments"] += sum(
            token.type == tokenize.COMMENT and not token.string.startswith(("# type", "# noqa"))
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
        )
    return found


class _FirstStepError(Exception):
    """The first step begins."""


def to_first_step() -> tuple[list[str], set[str]]:
    """Functions on the stack when the first step of a small `fit` begins, and files that ran."""
    frame, _ = planted_table(n_groups=2, tasks_per_group=2, rows=300)
    stack: list[str] = []
    files: set[str] = set()

    def watch(at: FrameType, event: str, _given: object) -> None:
        path = Path(at.f_code.co_filename)
        if event != "call" or HERE not in path.parents or at.f_code.co_name == "<module>":
            return
        files.add(str(path.relative_to(HERE)))
        if path.name == "_step.py" and at.f_code.co_name == "train_on":
            above: FrameType | None = at
            while above is not None:
                if HERE in Path(above.f_code.co_filename).parents:
                    stack.append(f"{Path(above.f_code.co_filename).stem}.{above.f_code.co_name}")
                above = above.f_back
            sys.setprofile(None)
            raise _FirstStepError

    sys.setprofile(watch)
    try:
        ramify.fit(frame, "g*", sharing="fully-adaptive", baselines=())
    except _FirstStepError:
        pass
    finally:
        sys.setprofile(None)
    return stack[::-1], files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=HERE)
    given = parser.parse_args()
    print(", ".join(f"{n:,} {name}" for name, n in counted(given.source).items()))
    for room in COMMENTED:
        found = counted(given.source / room)
        print(
            f"  {room}: {100 * found['comments'] / max(1, found['code']):.1f} comments per 100 lines"
        )
    if given.source == HERE:
        stack, files = to_first_step()
        print(f"first step: {len(stack)} frames, {len(files)} files: {' > '.join(stack)}")


if __name__ == "__main__":
    main()
