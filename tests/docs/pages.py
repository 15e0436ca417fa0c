"""The pages of the documentation, their blocks, and the source that they quote.

``python -m tests.docs.pages`` writes the quoted source anew.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(
    r"(<!-- source: (\S+) (\S+) -->\n```python\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line that it starts on."""

    language: str
    text: str
    line: int
    is_quoted: bool


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page; quoted source is marked as such."""
    text = page.read_text(encoding="utf-8")
    quoted = {match.start(4) for match in _QUOTED.finditer(text)}
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        yield Block(match[1], match[2], line, match.start(2) in quoted)


def refreshed(text: str) -> str:
    """A page's text with every quoted class or function as it stands in its file."""
    return _QUOTED.sub(lambda m: f"{m[1]}{_source(m[2], m[3])}\n{m[5]}", text)


def _source(file: str, name: str) -> str:
    text = (ROOT / file).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise LookupError(f"{file} defines no {name}")


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(refreshed(each.read_text(encoding="utf-8")), encoding="utf-8")
