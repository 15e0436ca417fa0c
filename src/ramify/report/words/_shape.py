"""A sharing tree in a sentence: what all tasks share, and who stays together to the top."""

from collections.abc import Sequence

from ramify._core import counted
from ramify.report.words._words import cited, enumerated

_MOST_GROUPS = 3
_MOST_MEMBERS = 4


def shape(stages: Sequence[Sequence[Sequence[str]]]) -> str:
    """Say who shares what.

    Example:
        >>> shape([[["a", "b", "c"]], [["a", "b"], ["c"]]])
        'All 3 tasks share stage 1 of 2; a shares with b to the top; 1 task has its own branch.'
        >>> shape([[["a", "b", "c"]]])
        'All 3 tasks share everything.'
    """
    n_tasks = sum(len(group) for group in stages[0])
    n_common = sum(len(stage) == 1 for stage in stages)
    if n_common == len(stages):
        return f"{_all(n_tasks)} tasks share everything."
    if all(len(stage) == n_tasks for stage in stages):
        return "No two tasks share a stage."
    parts = [_common(n_tasks, n_common, len(stages)), *_top(stages[-1])]
    sentence = "; ".join(part for part in parts if part)
    return f"{sentence}."


def _common(n_tasks: int, n_common: int, n_stages: int) -> str:
    if n_common == 0:
        return "No stage is shared by all tasks"
    which = "stage 1" if n_common == 1 else f"stages 1 to {n_common}"
    return f"{_all(n_tasks)} tasks share {which} of {n_stages}"


def _all(n_tasks: int) -> str:
    return "Both" if n_tasks == 2 else f"All {n_tasks:,}"


def _top(groups: Sequence[Sequence[str]]) -> list[str]:
    together = [group for group in groups if len(group) > 1]
    alone = len(groups) - len(together)
    if not together:
        return ["at the top every task has its own branch"]
    tail = f"{counted(alone, 'task')} {'has its' if alone == 1 else 'have their'} own branch"
    if len(together) > _MOST_GROUPS or max(map(len, together)) > _MOST_MEMBERS:
        sizes = f"the largest with {max(map(len, together)):,} tasks"
        sentence = f"{counted(len(together), 'group')} stay together to the top, {sizes}"
        if len(together) == 1:
            sentence = f"{len(together[0]):,} tasks stay together to the top"
        return [sentence, tail] if alone else [sentence]
    found = [_together(group) for group in together]
    return [*found, tail] if alone else found


def _together(group: Sequence[str]) -> str:
    if len(group) == 2:
        return f"{cited(group[0])} shares with {cited(group[1])} to the top"
    return f"{enumerated(group)} share to the top"
