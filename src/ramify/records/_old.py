"""What files of earlier versions left to their readers to know."""

from collections.abc import Mapping
from typing import Any, Final

# The ways of sharing of version 1, whose records held their names alone. No later one belongs here.
_NETWORKS: Final = frozenset(
    [
        "soft",
        "anchored",
        "trace-norm",
        "relationship",
        "cross-stitch",
        "sluice",
        "factorised",
        "mmoe",
        "cgc",
        "ple",
        "mtan",
        "low-level",
    ]
)
_LABELS: Final[Mapping[str, str]] = {
    "single-task": "one network per task",
    "hard": "one shared network",
    "fully-adaptive": "a tree learned in training",
    "tree": "the tree that was given",
    "random-forest": "one forest per task, scikit-learn",
    "ridge-logistic": "one linear model per task, scikit-learn",
}


def with_description(record: dict[str, Any]) -> dict[str, Any]:
    """A run's record of version 1 as one of version 2, in which a way of sharing is described."""
    sharing = record.get("sharing")
    if isinstance(sharing, dict):
        record["sharing"] = description_of(str(sharing.get("name"))) | sharing
    return record | {"format_version": 2}


def description_of(name: str) -> dict[str, Any]:
    """Label and structure of a way of sharing of version 1, and whether its tasks share."""
    base = name.partition(" + ")[0]
    structure = "network" if base in _NETWORKS else "tree"
    label = _LABELS.get(base, "")
    if base.startswith("linear:"):
        structure, label = "linear", "linear models that share"
    return {"label": label, "structure": structure, "shares": base != "single-task"}


def compared(record: dict[str, Any]) -> dict[str, Any]:
    """A comparison of version 1 as one of version 2."""
    for method in record.get("methods", ()):
        kind = method.pop("kind", "network")
        described = description_of(str(method["name"]))
        structure = described["structure"] if kind == "network" else kind
        method.update({"label": described["label"], "structure": structure})
    references = {"single_task": "single-task", "shared": "hard"}
    return record | {"format_version": 2, "references": references}
