"""What no room may say, read off the sources: options outside ``cli``, methods by their names."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import ramify
from ramify.runs import STRATEGIES

PACKAGE: Final = Path(ramify.__file__).parent
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
WORDS: Final = {"tree", "linear", "auto"}  # mean other things too: a structure, any device
ABOVE: Final = ("cli", "comparison", "regions", "report", "runs", "training", "trials")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def knows_no_method(path: Path) -> bool:
    return room_of(path) in ABOVE and "methods" not in path.parts


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a module with its line, docstrings aside."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def saying(found: re.Pattern[str], where: Callable[[Path], bool]) -> list[str]:
    """The strings in which it is found, with their places."""
    return [
        f"{path.relative_to(PACKAGE)}:{line}: {text!r}"
        for path in MODULES
        if where(path)
        for line, text in strings(path)
        if found.search(text)
    ]


def test_only_the_command_line_names_its_options() -> None:
    assert saying(OPTION, lambda path: room_of(path) == "cli")
    assert saying(OPTION, lambda path: room_of(path) != "cli") == []
    templates = sorted(PACKAGE.rglob("*.html"))
    assert [
        page.name for page in templates if re.search(r">--[a-z]", page.read_text("utf-8"))
    ] == []


def test_no_room_above_names_a_method() -> None:
    names = set(STRATEGIES) - WORDS
    assert len(names) > 15
    named = re.compile(rf"^({'|'.join(map(re.escape, sorted(names)))})(\.\w+|:.*| \+ .*)?$")
    assert saying(named, knows_no_method) == []


def test_no_room_above_imports_a_method() -> None:
    """Two files may: where all are registered, and the demonstration, which asks for one."""
    may = {"runs/_register.py", "runs/__init__.py", "cli/_demo.py"}
    classes = {method.__name__ for method in STRATEGIES.values()}
    imported = [
        f"{path.relative_to(PACKAGE)}: {alias.name}"
        for path in MODULES
        if knows_no_method(path) and path.relative_to(PACKAGE).as_posix() not in may
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in classes
    ]
    assert imported == []


def test_no_room_imports_private_files_of_another() -> None:
    private = re.compile(r"ramify\.(\w+)\.(\w+\.)*_")
    crossing = [
        f"{path.relative_to(PACKAGE)}: {node.module}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        if (found := private.match(node.module or "")) and found[1] != room_of(path)
    ]
    assert crossing == []


UNUSUAL: Final = re.compile(
    "of every random number|gone on with|machines that train|asks? for no distance|readers of which",
    re.IGNORECASE,
)


def test_the_words_are_those_of_the_field() -> None:
    """A seed, a rank, all-reduce, resumable, a trivial partition, a consumer are called that."""
    pages = sorted((PACKAGE.parents[1] / "docs").glob("*.md"))
    found = [path.name for path in [*MODULES, *pages] if UNUSUAL.search(path.read_text("utf-8"))]
    assert found == []
