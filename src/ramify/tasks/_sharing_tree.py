"""Which tasks share which stages: nested partitions of the tasks, from input to output."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from ramify._core import InputError, checked, listed, quoted

Group = tuple[str, ...]
Partition = tuple[Group, ...]


@checked
@dataclass(frozen=True)
class SharingTree:
    """For each stage of a backbone, which tasks share one copy of it.

    Groups only divide from input to output: two tasks that part at one stage stay apart above it.
    Members stand in the order of ``tasks`` and groups in the order of their first member, so that
    two trees are equal exactly when they share alike.

    Attributes:
        tasks: Names of all tasks, in the network's order.
        stages: From input to output, one partition of the tasks per stage.

    Raises:
        InputError: If a stage is no partition of the tasks, or if groups join towards the output.

    Example:
        >>> tree = SharingTree(("a", "b", "c"), ((("a", "b", "c"),), (("c",), ("a", "b"))))
        >>> tree.stages[1]
        (('a', 'b'), ('c',))
        >>> tree.widths
        (1, 2)
    """

    tasks: Group
    stages: tuple[Partition, ...]

    def __post_init__(self) -> None:
        """Check the nesting and bring the groups into their one order."""
        place = {name: i for i, name in enumerate(self.tasks)}
        if not self.tasks or len(place) < len(self.tasks):
            raise InputError("`tasks` of a tree must be one or more different names")
        if not self.stages:
            raise InputError("`stages` of a tree must hold at least one stage. Got none")
        ordered = tuple(_in_order(stage, place, i) for i, stage in enumerate(self.stages))
        object.__setattr__(self, "stages", ordered)
        for stage in range(1, self.n_stages):
            _check_nested(ordered[stage - 1], ordered[stage], stage)

    @classmethod
    def shared(cls, tasks: Sequence[str], n_stages: int) -> "SharingTree":
        """One network for all tasks: a single group at every stage."""
        return cls(tuple(tasks), ((tuple(tasks),),) * n_stages)

    @classmethod
    def separate(cls, tasks: Sequence[str], n_stages: int) -> "SharingTree":
        """One network per task: a group of its own for every task at every stage."""
        return cls(tuple(tasks), (tuple((name,) for name in tasks),) * n_stages)

    @property
    def n_stages(self) -> int:
        """Number of stages."""
        return len(self.stages)

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of groups at each stage, from input to output; never falls."""
        return tuple(len(stage) for stage in self.stages)

    def assignment(self, stage: int) -> NDArray[np.int64]:
        """For each task, the index of its group at a stage."""
        group_of = {name: g for g, group in enumerate(self.stages[stage]) for name in group}
        return np.array([group_of[name] for name in self.tasks], dtype=np.int64)

    def parents(self, stage: int) -> NDArray[np.int64]:
        """For each group of a stage, the index of the group that feeds it (0 at the input)."""
        if stage == 0:
            return np.zeros(self.widths[0], dtype=np.int64)
        below = dict(zip(self.tasks, self.assignment(stage - 1), strict=True))
        return np.array([below[group[0]] for group in self.stages[stage]], dtype=np.int64)

    def divided(self, stage: int, partition: Iterable[Iterable[str]]) -> "SharingTree":
        """The tree with one stage divided as given, all others as they are."""
        groups = tuple(tuple(group) for group in partition)
        stages = (*self.stages[:stage], groups, *self.stages[stage + 1 :])
        return SharingTree(self.tasks, stages)

    def divides(self, coarser: "SharingTree") -> bool:
        """Whether every group of this tree lies within one group of ``coarser``."""
        if self.tasks != coarser.tasks or self.n_stages != coarser.n_stages:
            return False
        pairs = zip(self.stages, coarser.stages, strict=True)
        return all(_is_nested(coarse, fine) for fine, coarse in pairs)

    def restricted(self, names: Sequence[str]) -> "SharingTree":
        """The tree without the other tasks, and without the branches that served them only.

        Args:
            names: The tasks that stay, one or more, in the order of the tree's.
        """
        kept = set(names)
        stages = tuple(
            tuple(
                left for group in stage if (left := tuple(name for name in group if name in kept))
            )
            for stage in self.stages
        )
        return SharingTree(tuple(name for name in self.tasks if name in kept), stages)

    def reassigned(self, order: Sequence[int]) -> "SharingTree":
        """The tree of the same shape in which other tasks stand at the leaves.

        Args:
            order: A permutation of the tasks' places: leaf *i* is given to task ``order[i]``.
        """
        renamed = {name: self.tasks[j] for name, j in zip(self.tasks, order, strict=True)}
        stages = tuple(
            tuple(tuple(renamed[name] for name in group) for group in stage)
            for stage in self.stages
        )
        return SharingTree(self.tasks, stages)

    def _repr_html_(self) -> str:
        """A row per stage, from input to output, with its groups, for notebooks."""
        rows = [
            (str(i), "".join(f"<span>{{{escape(', '.join(group))}}}</span> " for group in stage))
            for i, stage in enumerate(self.stages, 1)
        ]
        cells = "".join(f"<tr><td>{i}</td><td>{groups}</td></tr>" for i, groups in rows)
        return f"<table><tr><th>stage</th><th>groups that share it</th></tr>{cells}</table>"

    def to_json(self) -> str:
        """The tree as JSON: ``{"tasks": […], "stages": [[[…]]]}``."""
        return json.dumps({"tasks": self.tasks, "stages": self.stages}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "SharingTree":
        """Read what `to_json` wrote.

        Raises:
            InputError: If the text is not such a tree.
        """
        try:
            value = json.loads(text)
            names = tuple(str(name) for name in value["tasks"])
            stages = tuple(
                tuple(tuple(str(name) for name in group) for group in stage)
                for stage in value["stages"]
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(
                "a tree must be JSON of the form {'tasks': […], 'stages': [[[…]]]}. "
                f"Got {quoted(text[:50])} ({type(error).__name__})"
            ) from None
        return cls(names, stages)


def _in_order(stage: Partition, place: dict[str, int], index: int) -> Partition:
    members = [name for group in stage for name in group]
    unknown = [name for name in members if name not in place]
    if unknown:
        raise InputError(f"stage {index} of a tree names unknown tasks: {listed(unknown)}")
    if empty := next((i for i, group in enumerate(stage, 1) if not group), 0):
        raise InputError(f"stage {index} of a tree must have no empty group. Group {empty} is")
    if sorted(members) != sorted(place):
        raise InputError(
            f"stage {index} of a tree must hold each of the {len(place)} tasks in exactly one "
            f"group. Got {len(members)} members, {len(set(members))} of them different"
        )
    groups = [tuple(sorted(group, key=place.__getitem__)) for group in stage]
    return tuple(sorted(groups, key=lambda group: place[group[0]]))


def _is_nested(coarse: Partition, fine: Partition) -> bool:
    group_of = {name: g for g, group in enumerate(coarse) for name in group}
    return all(len({group_of[name] for name in group}) == 1 for group in fine)


def _check_nested(below: Partition, above: Partition, stage: int) -> None:
    if not _is_nested(below, above):
        raise InputError(
            f"groups of a tree may only divide towards the output: stage {stage} joins tasks that "
            f"stage {stage - 1} holds apart"
        )


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
