"""The tree as the page draws it: blocks side by side, large parts folded away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

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


_FEW_TASKS = 40
_MOST_ROWS = 40
_MOST_NAMES = 2
# Darker than this, the text on a block would no longer stand out.
_DARKEST = 42
_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Block:
    """A run of stages of one group, or of several tasks that each have their own.

    Attributes:
        span: Number of stages, which is its width.
        stages: The stages in words.
        count: What passes through it, in words.
        short: The same in a few characters, for narrow screens.
        shade: Percent of the accent colour; more for more tasks.
        names: The tasks at the output; empty before.
        folded: Whether the names are folded into a list.
        children: The blocks that follow.
        more: Further blocks, folded away.
    """

    span: int
    stages: str
    count: str
    short: str
    shade: int
    names: tuple[str, ...]
    folded: bool
    children: tuple["Block", ...]
    more: tuple["Block", ...]


@dataclass(frozen=True)
class TreePicture:
    """All blocks, and how many stages they span."""

    n_stages: int
    n_tasks: int
    blocks: tuple[Block, ...]
    more: tuple[Block, ...]


def tree_picture(stages: Sequence[Sequence[Sequence[str]]], rows: int = _MOST_ROWS) -> TreePicture:
    """Lay out a tree; of more than 40 tasks, about ``rows`` rows of the largest groups are open."""
    n_tasks = sum(len(group) for group in stages[0])
    shown, more = _blocks(runs(stages), n_tasks, rows)
    return TreePicture(len(stages), n_tasks, shown, more)


def _blocks(
    following: Sequence[Run], n_tasks: int, rows: int
) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    if not following or n_tasks <= _FEW_TASKS:
        return tuple(_block(run, n_tasks, rows) for run in following), ()
    alone = [run for run in following if len(run.tasks) == 1]
    alone = alone if len(alone) > 1 else []
    kept = sorted((run for run in following if run not in alone), key=lambda run: -len(run.tasks))
    extra = [_alone(alone)] if alone else []
    if rows < 2 and len(kept) + len(extra) > 1:
        # Folded away, but laid out in full: whoever opens it has asked to see it.
        return (), tuple([_block(run, n_tasks, _MOST_ROWS) for run in kept] + extra)
    shares = _shares(kept, max(rows - len(extra), 1))
    blocks = [_block(run, n_tasks, share) for run, share in zip(kept, shares, strict=False)]
    more = [_block(run, n_tasks, _MOST_ROWS) for run in kept[len(blocks) :]]
    return tuple(blocks + extra), tuple(more)


def _shares(kept: Sequence[Run], rows: int) -> list[int]:
    """Rows for each of the largest runs, by their size, until the rows are used up."""
    total = sum(len(run.tasks) for run in kept)
    shares: list[int] = []
    for run in kept:
        left = rows - sum(shares)
        if left < 1:
            break
        needed = sum(1 for _ in leaves([run]))
        shares.append(min(max(round(rows * len(run.tasks) / total), 1), needed, left))
    return shares


def _block(run: Run, n_tasks: int, rows: int) -> Block:
    children, more = _blocks(run.children, n_tasks, rows)
    names = () if run.children else run.tasks
    return Block(
        span=run.last - run.first + 1,
        stages=run.stages,
        count="1 task" if len(run.tasks) == 1 else f"{len(run.tasks):,} tasks",
        short=f"{len(run.tasks):,}",
        shade=_shade(len(run.tasks), n_tasks),
        names=names,
        folded=n_tasks > _FEW_TASKS and len(names) > _MOST_NAMES,
        children=children,
        more=more,
    )


def _alone(alone: Sequence[Run]) -> Block:
    first = alone[0]
    return Block(
        span=first.last - first.first + 1,
        stages=first.stages,
        count=f"{len(alone):,} {_TIMES} 1 task",
        short=f"{len(alone):,}{_TIMES}1",
        shade=0,
        names=tuple(run.tasks[0] for run in alone),
        folded=True,
        children=(),
        more=(),
    )


def _shade(n_members: int, n_tasks: int) -> int:
    if n_members == 1 or n_tasks == 1:
        return 0
    return round(10 + (_DARKEST - 10) * log(n_members) / log(n_tasks))
