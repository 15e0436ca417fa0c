"""What to call what a run trained, by its structure."""

from dataclasses import dataclass
from typing import Final

from ramify.records import RunRecord, Structure
from ramify.report.words._shape import shape
from ramify.report.words._words import cited

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
