"""From the values of one target column to its kind and the order of its classes."""

from typing import Final

from ramify._core import InputError, counted, listed, quoted
from ramify.data.tables._declared_kinds import StatedKind
from ramify.data.tables._profile import Profile, Values
from ramify.data.tables._read import label_number, label_truth
from ramify.tasks import Binary, Kind, Multiclass, Ordinal, Ranking, Regression

_MOST_LEVELS = 100


def ordinal_of(name: str, texts: Values, stated: Ordinal | None) -> Ordinal:
    """The levels of an ordinal target: those stated, or its numbers as they rise.

    Args:
        name: The target.
        texts: How often each label occurs.
        stated: The levels, if they were named.

    Raises:
        InputError: If the column holds a label that is no level, or the order is not clear.
    """
    if stated is not None:
        levels = _as_written(stated, texts)
        strangers = [label for label in texts.counts if label not in set(levels.levels)]
        if strangers:
            raise InputError(
                f"target {quoted(name)} must hold its levels {listed(stated.levels)} or be empty. "
                f"Got {listed(strangers)}; name every level, from the lowest to the highest"
            )
        return levels
    numbers = {label: label_number(label) for label in texts.counts}
    words = [label for label, number in numbers.items() if number is None]
    if words:
        raise InputError(
            f"an ordinal target must hold numbers. {quoted(name)} holds {listed(words)}",
            remedy="name its `levels` as they rise, NAME=low,mid,high",
        )
    if not 2 <= texts.distinct <= _MOST_LEVELS:
        raise InputError(
            f"ordinal target {quoted(name)} must have from 2 to {_MOST_LEVELS} different labels",
            got=f"{texts.distinct:,}",
            remedy="use regression for more",
        )
    return Ordinal(tuple(sorted(texts.counts, key=lambda label: numbers[label] or 0.0)))


def ranking_of(name: str, profile: Profile, texts: Values) -> Ranking:
    """A ranking target, whose labels say how relevant a row is.

    Args:
        name: The target.
        profile: What stands in its column.
        texts: How often each label occurs.

    Raises:
        InputError: If a label is no number, or below 0.
    """
    if not profile.all_numbers and profile.present:
        text = next((label for label in texts.counts if label_number(label) is None), "text")
        raise InputError(
            f"ranking target {quoted(name)} must hold numbers, higher for rows that come first",
            got=quoted(text),
        )
    if profile.present and profile.low < 0:
        raise InputError(
            f"ranking target {quoted(name)} must hold labels of 0 or more, from not relevant up",
            got=f"{profile.low:g}",
            remedy="shift them",
        )
    return Ranking()


def _as_written(stated: Ordinal, texts: Values) -> Ordinal:
    """The levels as the column spells them: 1 where a level was stated as 1.0."""
    spelt = {n: label for label in texts.counts if (n := label_number(label)) is not None}

    def written(level: str) -> str:
        number = label_number(level)
        return level if level in texts.counts or number is None else spelt.get(number, level)

    return Ordinal(tuple(written(level) for level in stated.levels))


_MOST_CLASSES: Final = 1000
_MOST_INTEGERS: Final = 10
_POSITIVE: Final = frozenset(
    ("active", "case", "positive", "pos", "present", "toxic", "high", "+", "y", "yes", "true", "t")
)


def kind_of(
    name: str, profile: Profile, texts: Values, wanted: StatedKind | None
) -> tuple[Kind, str | None]:
    """Find the kind of a task.

    Args:
        name: The target.
        profile: What stands in its column.
        texts: How often each label occurs.
        wanted: The kind that the user asked for, if any, or the levels that the column declares.

    Returns:
        The kind, and a warning if the task cannot be learned.

    Raises:
        InputError: If the kind that was asked for does not fit, or there are too many classes.
    """
    chosen = wanted or _guess(profile, texts)
    warning = None
    if profile.present == 0:
        warning = f"target {quoted(name)} has no label; it is kept, but not learned or scored"
    elif texts.distinct == 1:
        label = next(iter(texts.counts))
        warning = f"all labels of target {quoted(name)} are {quoted(label)}; it cannot be scored"
    if isinstance(chosen, Ordinal) or chosen == "ordinal":
        return ordinal_of(name, texts, chosen if isinstance(chosen, Ordinal) else None), warning
    if chosen == "ranking":
        return ranking_of(name, profile, texts), warning
    if chosen == "regression":
        return _regression(name, profile, texts), warning
    if chosen == "binary":
        return _binary(name, texts), warning
    return _multiclass(name, profile, texts), warning


def _guess(profile: Profile, texts: Values) -> str:
    if texts.distinct <= 2 or _is_truth(profile, texts):
        return "binary"
    if not profile.all_numbers:
        return "multiclass"
    few = texts.distinct <= _MOST_INTEGERS and texts.distinct <= profile.present / 2
    return "multiclass" if profile.whole and few else "regression"


def _is_truth(profile: Profile, texts: Values) -> bool:
    return texts.truths == profile.present and not profile.all_numbers


def _regression(name: str, profile: Profile, texts: Values) -> Regression:
    if not profile.all_numbers and profile.present:
        text = next((label for label in texts.counts if label_number(label) is None), "text")
        raise InputError(
            f"regression target {quoted(name)} must hold numbers",
            got=quoted(text),
            remedy="make it binary or multiclass with `kinds`",
        )
    return Regression()


def _binary(name: str, texts: Values) -> Binary:
    labels = list(texts.counts)
    truths = [label_truth(label) for label in labels]
    if len(labels) > 2 and None not in truths:
        # Spellings such as TRUE and true are one label; the most frequent stands for it.
        labels = [labels[truths.index(truth)] for truth in (False, True) if truth in truths]
    if texts.distinct > 2 and len(labels) != 2:
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
    opposite = {"true": "false", "yes": "no", "t": "f", "y": "n", "active": "inactive"}
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


def _multiclass(name: str, profile: Profile, texts: Values) -> Multiclass:
    most = min(_MOST_CLASSES, max(profile.present // 2, 2))
    if texts.distinct > most:
        raise InputError(
            f"target {quoted(name)} must have at most {most:,} classes for "
            f"{counted(profile.present, 'label')}",
            got=f"{texts.distinct:,}",
            remedy="merge classes, or drop the target",
        )
    if texts.distinct < 2:
        raise InputError(
            f"multiclass target {quoted(name)} must have two or more different labels",
            got=listed(texts.counts) or "none",
            remedy="make it binary with `kinds`",
        )
    return Multiclass(tuple(sorted(texts.counts, key=_place)))


def _place(label: str) -> tuple[bool, float, str]:
    value = label_number(label)
    return (value is None, value or 0.0, label)
