"""From a table to features and tasks: what each column holds, and what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ramify._core import InputError, counted, listed, quoted
from ramify.data.tables._find_notation import as_written
from ramify.data.tables._look import look_of
from ramify.data.tables._names import resolve_columns
from ramify.data.tables._profile import Profile, indexes_among, profiles
from ramify.data.tables._read import FIT_ADVICE, check_numbers
from ramify.data.tables._schema import SCHEMA_VERSION, ColumnType, FeatureColumn, TableSchema
from ramify.data.tables._spelling import Names, names_in
from ramify.data.tables._table import Rows, Table
from ramify.data.tables._target_kinds import (
    StatedKind,
    kind_of,
    learns_numbers,
    stated_kinds,
    stated_labels,
)
from ramify.data.tables._target_leakage import copies_of_targets
from ramify.tasks import Task, TaskSet

MOST_CATEGORIES: Final = 64
_NO_TARGET: Final = "must not name a target"
_READ_AS: Final[dict[ColumnType, str]] = {
    "date": "days since 1970",
    "time": "seconds since midnight",
}


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
            whose kind is not to be inferred, or a kind with its labels, such as an `Ordinal` with
            the levels in their order.
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
    table = written_plainly(table, ignore)
    labels = infer_labels(
        table,
        targets,
        ignore=ignore,
        kinds=kinds,
        split_column=split_column,
        group_column=group_column,
    )
    return infer_features(table, labels)


def written_plainly(table: Table, ignore: Iterable[str] = ()) -> Table:
    """A table whose columns of texts are read as the numbers and dates that they write.

    Args:
        table: The table.
        ignore: Names or globs of columns that are neither feature nor target.

    Raises:
        InputError: If a column mixes notations that cannot be told apart.
    """
    ignored = set(resolve_columns(table.columns, list(ignore), "ignore"))
    return as_written(table, [name for name in table.columns if name not in ignored])


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
    tasks, warnings = _infer_tasks(table, wanted, kinds or {})
    others = tuple(name for name in table.columns if name not in taken)
    return InferredLabels(tasks, left_out, [*table.remarks, *warnings], others)


def infer_features(table: Table, labels: InferredLabels, rows: Rows | None = None) -> Inferred:
    """Find out what the columns hold that are no targets.

    Types, categories and whether a column is of any use, all is learned from the training rows: what
    the other rows hold changes no model.

    Args:
        table: The table.
        labels: What `infer_labels` found in it.
        rows: The training rows, ascending; by default all rows.

    Raises:
        InputError: If a column mixes numbers and text, holds an infinite number, or none is left.
    """
    seen = table if rows is None else table.select(rows)
    found = profiles(seen, labels.others)
    for name, profile in found.items():
        check_numbers(seen, name, profile, FIT_ADVICE)
    wordy = [n for n, p in found.items() if p.present and not p.all_numbers and not p.is_boolean]
    columns = {n: _FoundColumn(n, p, None) for n, p in found.items()}
    columns |= {n: _FoundColumn(n, found[n], names) for n, names in names_in(seen, wordy).items()}
    useless = {name: why for name, one in columns.items() if (why := one.useless())}
    indexes = indexes_among(seen, {n: p for n, p in found.items() if n not in useless})
    if len(useless) + len(indexes) < len(found):  # else it may be the time of what is to be learned
        useless |= indexes
    kept = [columns[name] for name in labels.others if name not in useless]
    if not kept:
        raise InputError(
            "at least one feature column must be left. "
            f"{_all_gone(useless)}; give columns with different values"
        )
    features = tuple(one.feature(seen) for one in kept)
    schema = TableSchema(features=features, version=SCHEMA_VERSION)
    said = [words for one in columns.values() if (words := one.said(seen, useless.get(one.name)))]
    copies = copies_of_targets(table, schema, labels.tasks)
    return Inferred(
        schema, labels.tasks, labels.left_out | useless, [*labels.warnings, *said, *copies]
    )


@dataclass(frozen=True, eq=False)
class _FoundColumn:
    """What was found in a column that may be a feature; names of texts only."""

    name: str
    profile: Profile
    names: Names | None

    @property
    def type(self) -> ColumnType:
        names, form = self.names, self.profile.form
        if form == "moment" or (names is not None and names.are_moments):
            return "date"
        if form == "clock" or (names is not None and names.are_clocks):
            return "time"
        if names is None:
            return "boolean" if form == "truth" else "numeric"
        return "boolean" if names.truths == self.profile.present else "categorical"

    def useless(self) -> str | None:
        """Why the column is no feature; None if it is one."""
        profile, names = self.profile, self.names
        if profile.present == 0:
            return "all values are missing"
        if names is None:
            return "constant" if profile.low == profile.high else None
        if names.distinct == 1 or (names.are_moments and not names.moments_differ()):
            return "constant"
        many = names.distinct > MOST_CATEGORIES and names.distinct > profile.present / 2
        if self.type == "categorical" and many:
            rows = counted(profile.present, "row")
            return f"text with {names.distinct:,} different values in {rows}"
        return None

    def feature(self, table: Table) -> FeatureColumn:
        """How the column is read."""
        names, found, notation = self.names, self.type, table.column(self.name).notation
        if found != "categorical" or names is None:
            return FeatureColumn(name=self.name, type=found, notation=notation)
        kept = tuple(list(names.counts)[:MOST_CATEGORIES])
        return FeatureColumn(name=self.name, type="categorical", categories=kept, notation=notation)

    def said(self, table: Table, useless: str | None) -> str | None:
        """What a user should know of how the column is read; None if nothing."""
        name = quoted(self.name)
        if useless is not None and useless.startswith("an index"):
            return f"column {name} is {useless}; it is not used as a feature"
        if useless is not None and not useless.startswith("text"):
            return _inexact(f"column {name}", self.profile)
        if self.type == "categorical" and self.names is not None:
            return self._said_of_text(self.names, useless)
        if table.column(self.name).notation is not None:
            return None  # the table's remarks tell it
        if self.type in _READ_AS or self.name in table.notes:
            read_as = table.notes.get(self.name, _READ_AS.get(self.type))
            return f"column {name} was read as {read_as}"
        return _inexact(f"column {name}", self.profile)

    def _said_of_text(self, names: Names, useless: str | None) -> str | None:
        name = quoted(self.name)
        fate = f"is {useless}, like an identifier; it is not used as a feature"
        if useless is None:
            fate = f"is read as {names.distinct:,} categories"
        if self.profile.are_codes:
            return f"column {name} has codes with leading zeros and {fate}"
        if look := look_of(names.counts):
            example = quoted(look.example)
            return f"column {name} looks like {look.what} ({example}), but {fate}; {look.advice}"
        return None if useless is None else f"column {name} {fate}"


def _inexact(what: str, profile: Profile) -> str | None:
    if not profile.is_inexact:
        return None
    return (
        f"{what} has whole numbers beyond 2^53, which are rounded to 53 bits; "
        "subtract an offset if their last digits matter"
    )


def _all_gone(left_out: dict[str, str]) -> str:
    if not left_out:
        return "Every column is a target or ignored"
    return f"Left out: {listed(left_out)} ({listed(dict.fromkeys(left_out.values()))})"


def _infer_tasks(
    table: Table, targets: Sequence[str], kinds: Mapping[str, StatedKind]
) -> tuple[TaskSet, list[str]]:
    """The tasks in the order of `targets`, and warnings."""
    stated = stated_kinds(targets, kinds)
    wanted = {name: stated.get(name, table.levels.get(name)) for name in targets}
    found = profiles(table, targets, count=targets)
    for name, profile in found.items():
        if learns_numbers(wanted[name]):
            check_numbers(table, name, profile, " or make the task multiclass with `kinds`")
    # Numbers that are too many for classes are not told apart by name.
    named = [
        name
        for name, profile in found.items()
        if not profile.all_numbers
        or profile.distinct is not None
        or not learns_numbers(wanted[name])
    ]
    names = names_in(table, named, {name: stated_labels(wanted[name]) for name in named})
    if not any(p.present or (n in names and names[n].counts) for n, p in found.items()):
        raise InputError(
            f"at least one target must have labels. {listed(targets)} are empty in all rows; "
            "check `targets`"
        )
    tasks, warnings = [], []
    for name, profile in found.items():
        kind, warning = kind_of(name, profile, names.get(name), wanted[name])
        tasks.append(Task(name, kind))
        warnings += [each for each in (warning, _said_of_target(tasks[-1], profile, names)) if each]
    return TaskSet(tasks), warnings


def _said_of_target(task: Task, profile: Profile, every: Mapping[str, Names]) -> str | None:
    what = f"target {quoted(task.name)}"
    if not task.kind.labels:
        return _inexact(what, profile)
    names = every[task.name]
    if names.words and not profile.all_numbers:
        words = listed(names.words)
        n = counted(sum(names.words.values()), "cell")
        return (
            f"{what} has {n} with {words}, which is read as missing; "
            "name it among the classes or `levels` of the target if it is one"
        )
    if look := look_of(names.counts):
        return f"{what} looks like {look.what} ({quoted(look.example)}), but is learned as classes; {look.advice}"
    return None


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
