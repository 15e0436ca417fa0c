"""From the values of a target column, and what a user says of it, to its kind and its classes."""

from collections.abc import Mapping, Sequence
from typing import Final

from ramify._core import InputError, counted, listed, quoted
from ramify.data.tables._cells import FALSE_WORDS, TRUE_WORDS
from ramify.data.tables._names import resolve_columns
from ramify.data.tables._profile import Profile
from ramify.data.tables._read import label_number, label_truth
from ramify.data.tables._spelling import Names, names_in
from ramify.data.tables._table import Table
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Ranking, Regression

KINDS: Final = ("binary", "multiclass", "ordinal", "ranking", "regression")
StatedKind = str | Kind

_MOST_CLASSES: Final = 1000
_MOST_INTEGERS: Final = 10
_MOST_LEVELS: Final = 100
_POSITIVE: Final = frozenset(
    ("active", "case", "positive", "pos", "present", "toxic", "high", "+", *TRUE_WORDS)
)


def stated_kinds(targets: Sequence[str], kinds: Mapping[str, StatedKind]) -> dict[str, StatedKind]:
    """What is stated for each target; names come before globs.

    Args:
        targets: Names of the targets.
        kinds: By name or glob, a word of `KINDS` or a kind itself. Of a kind its labels count, in
            their order; what training labels tell (location, scale, rates) is found out anew.

    Raises:
        InputError: If a name is no target, or a kind is unknown.
    """
    if strangers := [name for name in kinds if not _matching(name, targets)]:
        raise InputError(
            f"must name targets. {listed(strangers)} are none of {listed(targets)}",
            argument="levels" if isinstance(kinds[strangers[0]], Ordinal) else "kinds",
        )
    known = set(targets)
    found: dict[str, StatedKind] = {}
    for name, kind in kinds.items():
        if not isinstance(kind, Kind) and kind not in KINDS:
            words = f"of {quoted(name)} must be {', '.join(KINDS[:-1])} or {KINDS[-1]}"
            raise InputError(words, argument="kinds", got=quoted(kind))
        for each in _matching(name, targets):
            if name in known or each not in kinds:
                found[each] = _plain(kind)
    return found


def with_positive(
    table: Table, targets: Sequence[str], positive: Mapping[str, str]
) -> dict[str, StatedKind]:
    """Binary kinds of which a user names the positive class.

    Args:
        table: The table.
        targets: Names of the targets.
        positive: By name or glob of targets, the class whose probability is predicted.

    Raises:
        InputError: If a name is no target, or its labels are not two of which this is one.

    Example:
        >>> import polars as pl
        >>> from ramify.data import open_table
        >>> table = open_table(pl.DataFrame({"ill": ["ja", "nein", "ja"]}))
        >>> with_positive(table, ["ill"], {"ill": "nein"})["ill"].classes
        ('ja', 'nein')
    """
    wanted = {
        each: label
        for name, label in positive.items()
        for each in resolve_columns(targets, [name], "positive")
    }
    found: dict[str, StatedKind] = {}
    for name, names in names_in(table, list(wanted)).items():
        labels, label = list(names.counts), _as_written(wanted[name], names)
        if label not in labels or len(labels) != 2:
            raise InputError(
                f"must be one of the two labels of target {quoted(name)}",
                argument="positive",
                got=f"{quoted(wanted[name])} of {listed(labels)}",
            )
        found[name] = Binary((next(each for each in labels if each != label), label))
    return found


def _matching(name: str, targets: Sequence[str]) -> list[str]:
    try:
        return resolve_columns(targets, [name])
    except InputError:
        return []


def _plain(kind: StatedKind) -> StatedKind:
    """The word for a kind that says no more than the word does."""
    return kind.name if isinstance(kind, Regression | Ranking) or kind == Binary() else kind


def stated_labels(kind: StatedKind | None) -> tuple[str, ...]:
    """The labels that a stated kind names; empty if it names none."""
    return kind.labels if isinstance(kind, Kind) else ()


def learns_numbers(kind: StatedKind | None) -> bool:
    """Whether a target of a stated kind, or of none, may hold numbers of which each is read."""
    return kind in (None, "regression", "ranking")


def kind_of(
    name: str, profile: Profile, names: Names | None, wanted: StatedKind | None
) -> tuple[Kind, str | None]:
    """Find the kind of a task.

    Args:
        name: The target.
        profile: What stands in its column.
        names: How often each label occurs; None for more different numbers than classes can be.
        wanted: The kind that the user asked for, if any, or the levels that the column declares.

    Returns:
        The kind, and a warning if the task cannot be learned.

    Raises:
        InputError: If the kind that was asked for does not fit, or there are too many classes.
    """
    if names is None:
        chosen = wanted or "regression"
        return (_ranking(name, profile) if chosen == "ranking" else Regression()), None
    warning = None
    if names.distinct == 0:
        warning = f"target {quoted(name)} has no label; it is kept, but not learned or scored"
    elif names.distinct == 1:
        label = next(iter(names.counts))
        warning = f"all labels of target {quoted(name)} are {quoted(label)}; it cannot be scored"
    return _kind(name, profile, names, wanted or _guess(profile, names)), warning


def _kind(name: str, profile: Profile, names: Names, chosen: StatedKind) -> Kind:
    if isinstance(chosen, Kind):
        return _stated(name, names, chosen)
    if chosen == "ordinal":
        return _ordinal(name, names)
    if chosen == "binary":
        return _binary(name, names)
    if chosen == "multiclass":
        return _multiclass(name, names)
    _check_numbers(name, profile, names, chosen)
    return _ranking(name, profile) if chosen == "ranking" else Regression()


def _guess(profile: Profile, names: Names) -> str:
    if names.distinct <= 2 or _is_truth(profile, names):
        return "binary"
    if names.are_moments:
        return "regression"
    if not profile.all_numbers:
        return "multiclass"
    few = names.distinct <= _MOST_INTEGERS and names.distinct <= profile.present / 2
    return "multiclass" if profile.whole and few else "regression"


def _is_truth(profile: Profile, names: Names) -> bool:
    return names.truths == profile.present and not profile.all_numbers


def _check_numbers(name: str, profile: Profile, names: Names, kind: str) -> None:
    temporal = names.are_moments or names.are_clocks
    # Codes with leading zeros are numbers for whoever says that they are.
    if profile.numeric == profile.present or temporal:
        return
    text = next((label for label in names.counts if label_number(label) is None), "text")
    what = "numbers, higher for rows that come first" if kind == "ranking" else "numbers"
    raise InputError(
        f"{kind} target {quoted(name)} must hold {what}",
        got=quoted(text),
        remedy="make it binary or multiclass with `kinds`",
    )


def _ranking(name: str, profile: Profile) -> Ranking:
    if profile.present and profile.low < 0:
        raise InputError(
            f"ranking target {quoted(name)} must hold labels of 0 or more, from not relevant up",
            got=f"{profile.low:g}",
            remedy="shift them",
        )
    return Ranking()


def _stated(name: str, names: Names, kind: Kind) -> Kind:
    """A kind with the labels that were stated, spelt as the column has them."""
    labels = tuple(_as_written(label, names) for label in kind.labels)
    word = "levels" if isinstance(kind, Ordinal) else "classes"
    if strangers := [label for label in names.counts if label not in set(labels)]:
        order = ", from the lowest to the highest" if isinstance(kind, Ordinal) else ""
        raise InputError(
            f"target {quoted(name)} must hold its {word} {listed(kind.labels)} or be empty",
            got=listed(strangers),
            remedy=f"name every one{order}",
        )
    if isinstance(kind, Ordinal):
        return Ordinal(labels)
    return Binary((labels[0], labels[1])) if isinstance(kind, Binary) else Multiclass(labels)


def _as_written(label: str, names: Names) -> str:
    """A stated label as the column spells it: 1 where 1.0 was stated, if nothing else is 1 there."""
    if label in names.counts or (number := label_number(label)) is None:
        return label
    same = [each for each in names.counts if label_number(each) == number]
    return same[0] if len(same) == 1 else label


def _ordinal(name: str, names: Names) -> Ordinal:
    numbers = {label: label_number(label) for label in names.counts}
    if words := [label for label, number in numbers.items() if number is None]:
        raise InputError(
            f"an ordinal target must hold numbers. {quoted(name)} holds {listed(words)}",
            remedy="name its `levels` as they rise, NAME=low,mid,high",
        )
    if len(set(numbers.values())) < len(numbers):
        raise InputError(
            f"labels of ordinal target {quoted(name)} must be different numbers",
            got=listed(sorted(names.counts)),
            remedy="name its `levels` as they rise, NAME=low,mid,high",
        )
    if not 2 <= names.distinct <= _MOST_LEVELS:
        raise InputError(
            f"ordinal target {quoted(name)} must have from 2 to {_MOST_LEVELS} different labels",
            got=f"{names.distinct:,}",
            remedy="use regression for more",
        )
    return Ordinal(tuple(sorted(names.counts, key=lambda label: numbers[label] or 0.0)))


def _binary(name: str, names: Names) -> Binary:
    labels = list(names.counts)
    truths = [label_truth(label) for label in labels]
    if len(labels) > 2 and None not in truths:
        # Spellings such as YES and yes are one label; the most frequent stands for it.
        labels = [labels[truths.index(truth)] for truth in (False, True) if truth in truths]
    if names.distinct > 2 and len(labels) != 2:
        raise InputError(
            f"binary target {quoted(name)} must have two different labels",
            got=listed(labels),
            remedy="make it multiclass or regression with `kinds`",
        )
    return Binary(_ordered([*labels, *_counterpart(labels)]))


def _counterpart(labels: list[str]) -> list[str]:
    """What the class that was never seen may be called."""
    if len(labels) == 2:
        return []
    if not labels:
        return ["0", "1"]
    label = labels[0]
    opposite = dict(zip(TRUE_WORDS, FALSE_WORDS, strict=False)) | {"active": "inactive"}
    opposite |= {b: a for a, b in opposite.items()} | {
        "positive": "negative",
        "negative": "positive",
    }
    if label.lower() in opposite:
        return [opposite[label.lower()]]
    value = label_number(label)
    if value is None:
        return [f"not {label}"]
    return ["1" if value in (0, -1) else "0"]


def _ordered(labels: list[str]) -> tuple[str, str]:
    """Put the positive, larger, true or later label second."""
    first, second = sorted(labels, key=_rank)
    return first, second


def _rank(label: str) -> tuple[bool, float, str]:
    return (label.lower() in _POSITIVE, label_number(label) or 0.0, label)


def _multiclass(name: str, names: Names) -> Multiclass:
    n_labels = sum(names.counts.values())
    most = min(_MOST_CLASSES, max(n_labels // 2, 2))
    if names.distinct > most:
        raise InputError(
            f"target {quoted(name)} must have at most {most:,} classes for "
            f"{counted(n_labels, 'label')}",
            got=f"{names.distinct:,}",
            remedy="merge classes, or drop the target",
        )
    if names.distinct < 2:
        raise InputError(
            f"multiclass target {quoted(name)} must have two or more different labels",
            got=listed(names.counts) or "none",
            remedy="make it binary with `kinds`",
        )
    return Multiclass(tuple(sorted(names.counts, key=label_order)))


def label_order(label: str) -> tuple[bool, float, str]:
    """Where a label stands among others: numbers as they rise, then texts."""
    value = label_number(label)
    return (value is None, value or 0.0, label)
