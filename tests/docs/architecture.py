"""What docs/architecture.md takes from the sources: the rooms, their imports, and where things are added.

``make architecture`` writes it anew.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from grimp import build_graph
from tests.docs.pages import ROOT

PAGE: Final = ROOT / "docs" / "architecture.md"
PACKAGE: Final = ROOT / "src" / "ramify"
_MADE: Final = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
Rooms = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Addition:
    """A kind of thing that contributors add, and one of it that is there to look at.

    Attributes:
        what: What it is.
        like: The file of the one that is there, from the package.
        names: What the file gives.
        most: So many files of the package may know it, its own included.
    """

    what: str
    like: str
    names: tuple[str, ...]
    most: int

    def files(self) -> list[str]:
        """The files that know it, its own first."""
        knowing = [file for file, names in _names().items() if not names.isdisjoint(self.names)]
        return [self.like, *(file for file in knowing if file != self.like)]


ADDITIONS: Final = (
    Addition("strategy", "sharing/strategies/_soft.py", ("Soft",), 4),
    Addition(
        "strategy with a network of its own",
        "sharing/strategies/_mtan.py",
        ("MTAN", "AttentionNetwork"),
        8,
    ),
    Addition("method that is no network", "runs/methods/_per_task.py", ("RidgeLogistic",), 4),
    Addition("weighting", "weighting/_tchebycheff.py", ("SmoothTchebycheff",), 3),
    Addition("linear method", "linear/estimators/_dirty.py", ("Dirty", "DirtyCV"), 4),
    Addition("backbone", "networks/backbones/_specs.py", ("ResNetSpec",), 4),
    Addition("affinity", "affinity/_feature_gradients.py", ("FeatureGradientAffinity",), 4),
    Addition("loss of a kind of task", "losses/_ordinal.py", ("OrdinalLoss",), 3),
    Addition("metric", "metrics/_levels.py", ("weighted_kappa", "KAPPA"), 6),
    Addition("kind of task", "tasks/_order.py", ("Ordinal",), 25),
    Addition("split", "data/splits/_rules.py", ("GroupSplit",), 5),
)


@cache
def _names() -> dict[str, frozenset[str]]:
    """The names in the code of every file: docstrings and comments have none."""
    return {
        path.relative_to(PACKAGE).as_posix(): frozenset(_named(path))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def _named(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.alias(name=name) | ast.Attribute(attr=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name


@cache
def rooms() -> Rooms:
    """For each room, the rooms that it imports."""
    names = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    graph = build_graph("ramify", exclude_type_checking_imports=True, cache_dir=None)
    found: dict[str, set[str]] = {name: set() for name in sorted(names)}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            here, there = (f"{each}.".split(".")[1] for each in (module, other))
            if {here, there} <= names and here != there:
                found[here].add(there)
    return {name: frozenset(others) for name, others in found.items()}


def floors(imports: Rooms) -> list[list[str]]:
    """Rooms from the top: each imports only from floors below its own."""
    height: dict[str, int] = {}
    while len(height) < len(imports):
        ready = [name for name in imports if name not in height and imports[name] <= height.keys()]
        assert ready, "rooms import each other in a circle"
        height |= {
            name: 1 + max((height[each] for each in imports[name]), default=-1) for name in ready
        }
    highest = max(height.values())
    return [[n for n in height if height[n] == level] for level in range(highest, -1, -1)]


def _picture() -> str:
    """The rooms as a graph, without arrows that follow from others."""
    imports = rooms()
    order = [name for floor in floors(imports) for name in floor]
    below: dict[str, set[str]] = {}
    for name in reversed(order):
        below[name] = set(imports[name]).union(*(below[each] for each in imports[name]))
    lines = ["```mermaid", "graph TD"]
    for name in order:
        inside = " · ".join(_inside(name))
        lines.append(f'  {name}["{name}{f"<br/><small>{inside}</small>" if inside else ""}"]')
    for name in order:
        through = set().union(*(below[each] for each in imports[name])) if imports[name] else set()
        lines += [f"  {name} --> {each}" for each in order if each in imports[name] - through]
    return "\n".join([*lines, "```"])


def _inside(room: str) -> list[str]:
    return sorted(path.parent.name for path in (PACKAGE / room).glob("*/__init__.py"))


def _table() -> str:
    imports = rooms()
    lines = ["| room | holds | imports |", "|---|---|---|"]
    for floor in floors(imports):
        for name in floor:
            tree = ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))
            holds = (ast.get_docstring(tree) or "").splitlines()[0]
            others = ", ".join(f"`{each}`" for each in sorted(imports[name])) or "nothing"
            lines.append(f"| `{name}` | {holds} | {others} |")
    return "\n".join(lines)


def _additions() -> str:
    lines = ["| to add a | look at | files | what knows it |", "|---|---|---|---|"]
    for each in ADDITIONS:
        own, *others = each.files()
        there = ", ".join(f"`{name}`" for name in each.names)
        known = ", ".join(f"`{file}`" for file in others)
        link = f"[{own}](../src/ramify/{own})"
        lines.append(f"| {each.what} | {there} in {link} | {1 + len(others)} | {known} |")
    return "\n".join(lines)


def made(text: str) -> str:
    """The page's text with the parts that the sources say as they are now."""
    parts = {"picture": _picture, "rooms": _table, "additions": _additions}
    return _MADE.sub(lambda m: f"{m[1]}{parts[m[2]]()}\n{m[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(made(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
