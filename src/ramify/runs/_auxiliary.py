"""Tasks that only help: which columns they are learned from, and with what weight."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ramify._core import InputError, check_number, listed, quoted
from ramify.data import InferredLabels, Table, resolve_columns, with_derived
from ramify.tasks import TaskSet


@dataclass(frozen=True)
class Auxiliary:
    """A target that only helps the others: learned beside them, scored nowhere, no part of the model.

    Its column is no feature, so it may be missing where the model predicts. Caruana (1997) calls such
    tasks backprop nets' extra outputs; which of them help is for `Options.baselines` to show, where
    the same network without them is always compared.

    Attributes:
        column: Name or glob of the columns, or the name of a new one where there is a formula.
        weight: Factor of its loss; a main task has 1.
        formula: What the new column is computed from, see `ramify.data.with_derived` (a hint in the
            sense of Abu-Mostafa, 1990); None for columns of the table.

    Example:
        >>> Auxiliary("big", formula="amount > 100").weight
        1.0
    """

    column: str
    weight: float = 1.0
    formula: str | None = None

    def __post_init__(self) -> None:
        """Check what a column's name and a weight must be."""
        if not isinstance(self.column, str) or not self.column:
            raise InputError("must name a column", argument="auxiliary", got=quoted(self.column))
        check_number("auxiliary_weight", self.weight)


def with_hints(table: Table, auxiliary: Sequence[Auxiliary]) -> Table:
    """The table with a column for each formula.

    Args:
        table: The table.
        auxiliary: What only helps.
    """
    formulas = {each.column: each.formula for each in auxiliary if each.formula is not None}
    return with_derived(table, formulas) if formulas else table


def auxiliary_columns(
    table: Table, targets: Sequence[str], auxiliary: Sequence[Auxiliary]
) -> dict[str, float]:
    """The columns of the tasks that only help, with their weights.

    Args:
        table: With a column for each formula.
        targets: Names or globs of the targets that are wanted.
        auxiliary: What only helps.

    Raises:
        InputError: If a column is wanted for its own sake, too.
    """
    wanted = set(resolve_columns(table.columns, targets)) if auxiliary else set()
    found: dict[str, float] = {}
    for each in auxiliary:
        columns = resolve_columns(table.columns, [each.column], "auxiliary")
        found |= dict.fromkeys(columns, each.weight)
    if both := [name for name in found if name in wanted]:
        raise InputError(
            "must not name a target", argument="auxiliary", got=f"{listed(both)} in both"
        )
    return found


def with_roles(labels: InferredLabels, weights: dict[str, float]) -> InferredLabels:
    """The same with tasks that only help marked as such, behind those that are wanted.

    Args:
        labels: Of all target columns.
        weights: By the name of each task that only helps, the factor of its loss.
    """
    main = [task for task in labels.tasks if task.name not in weights]
    helping = [
        replace(task, role="auxiliary", weight=weights[task.name])
        for task in labels.tasks
        if task.name in weights
    ]
    return replace(labels, tasks=TaskSet([*main, *helping])) if helping else labels
