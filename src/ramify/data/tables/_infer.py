"""From a table to features and tasks: what each column holds, and what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ramify._core import InputError, counted, listed, quoted
from ramify.data.tables._declared_kinds import StatedKind, stated_kinds
from ramify.data.tables._label_values import kind_of
from ramify.data.tables._names import resolve_columns
from ramify.data.tables._profile import Profile, Values, number_values, profiles, text_values
from ramify.data.tables._read import check_numbers
from ramify.data.tables._schema import FeatureColumn, TableSchema
from ramify.data.tables._table import Table
from ramify.data.tables._target_leakage import copies_of_targets
from ramify.tasks import Task, TaskSet

MOST_CATEGORIES: Final = 64
_NO_TARGET: Final = "must not name a target"


def infer_features(
    table: Table, columns: Sequence[str]
) -> tuple[TableSchema, dict[str, str], list[str]]:
    """Find the type of each feature column.

    Returns:
        The feature columns; columns that are left out with the reason; warnings.

    Raises:
        InputError: If a column mixes numbers and text, holds an infinite number, or none is left.
    """
    found = profiles(table, columns)
    for name, profile in found.items():
        check_numbers(table, name, profile, " or leave the column out with `ignore`")
    wordy = [n for n, p in found.items() if p.present and not p.all_numbers and not p.is_boolean]
    texts = text_values(table, wordy)
    left_out = {name: why for name in columns if (why := _useless(found[name], texts.get(name)))}
    features = tuple(
        _feature(name, texts.get(name), found[name]) for name in columns if name not in left_out
    )
    if not features:
        raise InputError(
            "at least one feature column must be left. "
            f"{_all_gone(left_out)}; give columns with different values"
        )
    return TableSchema(features=features), left_out, _warnings(table, features, left_out)


def _useless(profile: Profile, texts: Values | None) -> str | None:
    if profile.present == 0:
        return "all values are missing"
    if texts is None:
        return "constant" if profile.low == profile.high else None
    if texts.distinct == 1:
        return "constant"
    if texts.distinct > MOST_CATEGORIES and texts.distinct > profile.present / 2:
        return f"text with {texts.distinct:,} different values in {counted(profile.present, 'row')}"
    return None


def _feature(name: str, texts: Values | None, profile: Profile) -> FeatureColumn:
    if texts is None:
        return FeatureColumn(name=name, type="boolean" if profile.is_boolean else "numeric")
    if texts.truths == profile.present:
        return FeatureColumn(name=name, type="boolean")
    kept = tuple(list(texts.counts)[:MOST_CATEGORIES])
    return FeatureColumn(name=name, type="categorical", categories=kept)


def _warnings(
    table: Table, features: tuple[FeatureColumn, ...], left_out: dict[str, str]
) -> list[str]:
    names = [name for name, why in left_out.items() if why.startswith("text")]
    found = [
        f"column {quoted(name)} is {left_out[name]}, like an identifier; it is not used as a feature"
        for name in names
    ]
    return found + [
        f"column {quoted(feature.name)} was read as {table.notes[feature.name]}"
        for feature in features
        if feature.name in table.notes
    ]


def _all_gone(left_out: dict[str, str]) -> str:
    if not left_out:
        return "Every column is a target or ignored"
    return f"Left out: {listed(left_out)} ({listed(dict.fromkeys(left_out.values()))})"


def infer_tasks(
    table: Table, targets: Sequence[str], kinds: Mapping[str, StatedKind]
) -> tuple[TaskSet, list[str]]:
    """Find the kind of each task.

    Returns:
        The tasks in the order of `targets`, and warnings.

    Raises:
        InputError: If a target cannot be learned from, or `kinds` does not fit.
    """
    stated = stated_kinds(targets, kinds)
    found = profiles(table, targets, count=targets)
    for name, profile in found.items():
        check_numbers(table, name, profile, " or make the task multiclass with `kinds`")
    if all(profile.present == 0 for profile in found.values()):
        raise InputError(
            f"at least one target must have labels. {listed(targets)} are empty in all rows; "
            "check `targets`"
        )
    texts = text_values(table, [name for name in targets if not found[name].all_numbers])
    tasks, warnings = [], []
    for name in targets:
        labels = texts.get(name) or number_values(found[name])
        wanted = stated.get(name, table.levels.get(name))
        kind, warning = kind_of(name, found[name], labels, wanted)
        tasks.append(Task(name, kind))
        warnings += [warning] if warning else []
    return TaskSet(tasks), warnings


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
    ignored = resolve_columns(table.columns, list(ignore), "ignore")
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
        raise InputError("must name at least one column", argument="targets", got="none")
    both = [name for name in targets if name in set(ignored)]
    if both:
        raise InputError(_NO_TARGET, argument="ignore", got=f"{listed(both)} in both")
    if split_column in targets:
        raise InputError(_NO_TARGET, argument="split", got=f"{quoted(split_column)} in both")


def _check_group_column(table: Table, targets: list[str], group_column: str | None) -> None:
    if group_column is None:
        return
    if group_column in targets:
        raise InputError(_NO_TARGET, argument="group_column", got=f"{quoted(group_column)} in both")
    resolve_columns(table.columns, [group_column], "group_column")
