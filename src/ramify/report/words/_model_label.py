"""What to call what a run trained, by its structure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ramify._core import counted
from ramify.records import RunRecord, Structure
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


_CALLED: Final[dict[Structure, str]] = {
    "tree": "the tree",
    "network": "the network",
    "linear": "the linear model",
    "forest": "the forests",
    "other": "the model",
}


@dataclass(frozen=True)
class Subject:
    """What a sentence is about.

    Attributes:
        name: Such as "the tree".
        plural: Whether it is several.
    """

    name: str
    plural: bool = False

    def told(self, sentence: str, other: str = "") -> str:
        """A sentence about it.

        Args:
            sentence: With ``{it}`` or ``{It}`` for the subject, ``{s}`` or ``{es}`` at the end of
                its verb, and ``{other}`` or ``{Other}`` for what it is compared with.
            other: That.

        Example:
            >>> Subject("the forests", plural=True).told("{It} beat{s} {other}", "one network")
            'The forests beat one network'
        """
        return sentence.format(
            it=self.name,
            It=_capital(self.name),
            s="" if self.plural else "s",
            es="" if self.plural else "es",
            other=other,
            Other=_capital(other),
        )


def ours(record: RunRecord) -> Subject:
    """What a run trained."""
    name = _CALLED[record.sharing.structure]
    return Subject(name, plural=record.sharing.structure == "forest")


def unit_of(structure: Structure) -> str:
    """What the size of a model counts."""
    return "nodes" if structure == "forest" else "parameters"


def is_tree(record: RunRecord) -> bool:
    """Whether the stages of a run's record are the whole of its network."""
    return record.sharing.structure == "tree"


def shows_tree(record: RunRecord) -> bool:
    """Whether the stages say anything: not of models that share none."""
    structure, groups = record.sharing.structure, record.tree.stages[-1]
    return structure in ("tree", "network") or (record.sharing.shares and len(groups) > 1)


def shared_how(record: RunRecord) -> str:
    """A sentence on what the tasks share."""
    sharing, stages = record.sharing, record.tree.stages
    if sharing.structure == "tree":
        return shape(stages)
    if sharing.structure == "forest":
        return "Each task has a forest of its own."
    if sharing.structure == "linear" and not sharing.shares:
        return "Each task has linear weights of its own, estimated from its labels alone."
    if sharing.structure == "linear":
        n_groups = len(stages[-1])
        start = (
            "Each task has linear weights of its own, estimated together with those of the others"
        )
        return f"{start}; the method found {n_groups:,} groups." if n_groups > 1 else f"{start}."
    what = f" ({sharing.label})" if sharing.label else ""
    if sharing.structure == "other":
        name = f"{quoted_name(sharing.name)}{what}"
        alone = f"Each task has a model of its own: {name}."
        beside = f" In the branched network beside it: {shape(stages)}"
        told = f"The tasks share by {name}." if sharing.shares else alone
        return told + beside * ("branched" in record.baselines)
    return f"The tasks share by {quoted_name(sharing.name)}{what}, which no tree of stages shows."


def quoted_name(name: str) -> str:
    """A name in quotation marks."""
    return f"“{cited(name).strip('“”')}”"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
