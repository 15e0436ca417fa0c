"""A sharing tree as text: indented lines for a terminal, Mermaid for a document."""

from ramify._core import listed
from ramify.tasks._sharing_tree import SharingTree

_LONGEST_LABEL = 40


def tree_lines(tree: SharingTree) -> list[str]:
    r"""Draw a tree with box characters, input first, one line per group that divides or ends.

    Stages in which a group stays whole are drawn as one line.

    Example:
        >>> tree = SharingTree(("a", "b", "c"), ((("a", "b", "c"),), (("a", "b"), ("c",))))
        >>> print(*tree_lines(tree), sep="\n")
        stage 1: 3 tasks
        ├── stage 2: 'a', 'b'
        └── stage 2: 'c'
    """
    roots = range(len(tree.stages[0]))
    lines: list[str] = []
    for root in roots:
        _draw(tree, 0, root, "", "", lines)
    return lines


def _draw(
    tree: SharingTree, stage: int, group: int, lead: str, indent: str, lines: list[str]
) -> None:
    first = stage
    children = _children(tree, stage, group)
    while len(children) == 1:
        stage, group = stage + 1, children[0]
        children = _children(tree, stage, group)
    members = tree.stages[stage][group]
    span = f"stage {first + 1}" if first == stage else f"stages {first + 1}-{stage + 1}"
    what = listed(members, most=12) if not children else f"{len(members)} tasks"
    lines.append(f"{lead}{span}: {what}")
    for i, child in enumerate(children):
        last = i == len(children) - 1
        head, tail = ("└── ", "    ") if last else ("├── ", "│   ")
        _draw(tree, stage + 1, child, indent + head, indent + tail, lines)


def _children(tree: SharingTree, stage: int, group: int) -> list[int]:
    if stage + 1 == tree.n_stages:
        return []
    return [g for g, parent in enumerate(tree.parents(stage + 1)) if parent == group]


def tree_mermaid(tree: SharingTree) -> str:
    """Draw a tree as a Mermaid flowchart, from input to output.

    Example:
        >>> print(tree_mermaid(SharingTree.shared(["a"], 1)))
        flowchart LR
          input --> s0g0["stage 1 (1 task)"]
          s0g0 --> t0["a"]
    """
    lines = ["flowchart LR"]
    for stage, groups in enumerate(tree.stages):
        for g, (group, parent) in enumerate(zip(groups, tree.parents(stage), strict=True)):
            source = "input" if stage == 0 else f"s{stage - 1}g{parent}"
            noun = "task" if len(group) == 1 else "tasks"
            lines.append(f'  {source} --> s{stage}g{g}["stage {stage + 1} ({len(group)} {noun})"]')
    top = tree.n_stages - 1
    for t, (name, g) in enumerate(zip(tree.tasks, tree.assignment(top), strict=True)):
        lines.append(f'  s{top}g{g} --> t{t}["{_label(name)}"]')
    return "\n".join(lines)


def _label(name: str) -> str:
    # Mermaid reads quotes and brackets as syntax; its own entity codes are safe in a label.
    short = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
    return "".join(c if c.isalnum() or c in " -_.…" else f"#{ord(c)};" for c in short)
