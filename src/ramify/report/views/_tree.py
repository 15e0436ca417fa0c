"""A sharing tree as nested runs of stages, which both the page and the terminal draw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ramify.report.words import enumerated

_EN_DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Run:
    """Stages that one group of tasks passes together before it divides or ends.

    Attributes:
        first: Index of the first stage, 0 at the input.
        last: Index of the last stage.
        tasks: The tasks that share these stages.
        children: The runs that follow; empty at the output.
    """

    first: int
    last: int
    tasks: tuple[str, ...]
    children: tuple["Run", ...]

    @property
    def stages(self) -> str:
        """Its stages in words, counted from 1."""
        if self.first == self.last:
            return f"stage {self.first + 1}"
        return f"stages {self.first + 1}{_EN_DASH}{self.last + 1}"


def runs(stages: Sequence[Sequence[Sequence[str]]]) -> tuple[Run, ...]:
    """Fold stages in which a group stays whole into one run.

    Example:
        >>> (root,) = runs([[["a", "b", "c"]], [["a", "b", "c"]], [["a", "b"], ["c"]]])
        >>> root.stages, [child.tasks for child in root.children]
        ('stages 1–2', [('a', 'b'), ('c',)])
    """
    places = [{name: g for g, group in enumerate(stage) for name in group} for stage in stages]
    return tuple(_run(stages, places, 0, tuple(group)) for group in stages[0])


def _run(
    stages: Sequence[Sequence[Sequence[str]]],
    places: Sequence[dict[str, int]],
    first: int,
    tasks: tuple[str, ...],
) -> Run:
    last = first
    while last + 1 < len(stages):
        parts = list(dict.fromkeys(places[last + 1][name] for name in tasks))
        if len(parts) > 1:
            following = (tuple(stages[last + 1][part]) for part in parts)
            children = tuple(_run(stages, places, last + 1, group) for group in following)
            return Run(first, last, tasks, children)
        last += 1
    return Run(first, last, tasks, ())


def leaves(tree: Sequence[Run]) -> Iterator[Run]:
    """The runs that end at the output, in the order in which they are drawn."""
    for run in tree:
        if run.children:
            yield from leaves(run.children)
        else:
            yield run


def every(tree: Sequence[Run]) -> Iterator[Run]:
    """All runs, a run before its children."""
    for run in tree:
        yield run
        yield from every(run.children)


def leaf_order(tree: Sequence[Run]) -> list[str]:
    """All tasks in the order in which the tree draws them: those that share stand together."""
    return [name for leaf in leaves(tree) for name in leaf.tasks]


def outline(tree: Sequence[Run], most: int = 40) -> str:
    """The tree as indented text, cut after ``most`` lines."""
    lines = list(_lines(tree, ""))
    if len(lines) > most:
        lines[most:] = [f"… and {len(lines) - most:,} more branches"]
    return "\n".join(lines)


def _lines(tree: Sequence[Run], indent: str) -> Iterator[str]:
    for run in tree:
        inside = f"{len(run.tasks):,} tasks" if run.children else enumerated(run.tasks, most=8)
        yield f"{indent}{run.stages}: {inside}"
        yield from _lines(run.children, indent + "    ")


def widths(stages: Sequence[Sequence[Sequence[str]]]) -> str:
    """Number of branches per stage, input to output.

    Example:
        >>> widths([[["a", "b"]], [["a"], ["b"]]])
        '1 → 2'
    """
    return " → ".join(f"{len(stage):,}" for stage in stages)
