"""From a table to features and tasks: what each column holds, and what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ramify._core import InputError, listed
from ramify.data._copies import copies_of_targets
from ramify.data._infer_features import infer_features
from ramify.data._infer_targets import infer_tasks
from ramify.data._names import resolve_columns
from ramify.data._schema import TableSchema
from ramify.data._stated_kinds import StatedKind
from ramify.data._table import Table
from ramify.tasks import TaskSet


@dataclass(frozen=True, eq=False)
class InferredLabels:
    """What the target columns of a table hold.

    Attributes:
        tasks: The tasks; regression tasks still without location and scale.
        left_out: Columns that are neither target nor feature, with the reason.
        warnings: What the user should know, a sentence each.
        others: The columns that may be features, in order.
    """

    tasks: TaskSet
    left_out: dict[str, str]
    warnings: list[str]
    others: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Inferred:
    """What a table holds.

    Attributes:
        features: The feature columns and how to read them.
        tasks: The tasks; regression tasks still without location and scale.
        left_out: Columns that are neither, with the reason.
        warnings: What the user should know, a sentence each.
    """

    features: TableSchema
    tasks: TaskSet
    left_out: dict[str, str]
    warnings: list[str]


def infer_schema(
    table: Table,
    targets: Sequence[str],
    *,
    ignore: Iterable[str] = (),
    kinds: Mapping[str, StatedKind] | None = None,
    split_column: str | None = None,
    group_column: str | None = None,
) -> Inferred:
    """Find out what the columns of a table hold, from all rows.

    Args:
        table: The table.
        targets: Names or globs of the target columns.
        ignore: Names or globs of columns that are neither feature nor target.
        kinds: ``binary``, ``multiclass``, ``ordinal``, ``ranking`` or ``regression`` for tasks
            whose kind is not to be inferred, or an `Ordinal` with the levels in their order.
        split_column: The column that divides the rows, which is no feature.
        group_column: The column of the groups that a ranking puts in order, which is none either.

    Raises:
        InputError: If a column is unknown or cannot be read, or nothing is left to learn.

    Example:
        >>> import polars as pl
        >>> from ramify.data import open_table
        >>> frame = pl.DataFrame({"age": [30, 41, 52], "ill": ["no", None, "yes"]})
        >>> found = infer_schema(open_table(frame), ["ill"])
        >>> found.features.names, found.tasks[0].kind.classes
        (('age',), ('no', 'yes'))
    """
    labels = infer_labels(
        table,
        targets,
        ignore=ignore,
        kinds=kinds,
        split_column=split_column,
        group_column=group_column,
    )
    schema, unused, warnings = infer_features(table, labels.others)
    copies = copies_of_targets(table, schema, labels.tasks)
    left_out, warnings = labels.left_out | unused, [*labels.warnings, *warnings, *copies]
    return Inferred(schema, labels.tasks, left_out, warnings)


def infer_labels(
    table: Table,
    targets: Sequence[str],
    *,
    ignore: Iterable[str] = (),
    kinds: Mapping[str, StatedKind] | None = None,
    split_column: str | None = None,
    group_column: str | None = None,
) -> InferredLabels:
    """Find out what the target columns of a table hold, whatever the features are.

    Args:
        table: The table.
        targets: As for `infer_schema`.
        ignore: As for `infer_schema`.
        kinds: As for `infer_schema`.
        split_column: As for `infer_schema`.
        group_column: As for `infer_schema`.

    Raises:
        InputError: If a column is unknown or cannot be read.
    """
    wanted = resolve_columns(table.columns, targets)
    ignored = resolve_columns(table.columns, list(ignore), "--ignore")
    # The column of the groups divides the rows too unless told otherwise; it was named for this.
    _check_group_column(table, wanted, group_column)
    _check_roles(wanted, ignored, split_column)
    apart = {split_column: "divides the rows"} if split_column else {}
    apart |= {group_column: "groups the rows"} if group_column else {}
    left_out = dict.fromkeys(ignored, "ignored on request") | apart
    taken = {*wanted, *left_out}
    tasks, warnings = infer_tasks(table, wanted, kinds or {})
    others = tuple(name for name in table.columns if name not in taken)
    return InferredLabels(tasks, left_out, warnings, others)


def _check_roles(targets: list[str], ignored: list[str], split_column: str | None) -> None:
    if not targets:
        raise InputError("--targets must name at least one column. Got none")
    both = [name for name in targets if name in set(ignored)]
    if both:
        raise InputError(f"--ignore must not name a target. Got {listed(both)} in both")
    if split_column in targets:
        raise InputError(f"--split must not name a target. Got {listed([split_column])} in both")


def _check_group_column(table: Table, targets: list[str], group_column: str | None) -> None:
    if group_column is None:
        return
    if group_column in targets:
        raise InputError(
            f"--group-column must not be a target. Got {listed([group_column])} in both"
        )
    resolve_columns(table.columns, [group_column], "--group-column")
