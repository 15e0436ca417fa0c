"""Targets whose labels have an order that the user states: levels, and relevance for ranking."""

from ramify._core import InputError, listed, quoted
from ramify.data._profile import Profile
from ramify.data._read_targets import label_number
from ramify.data._values import Values
from ramify.tasks import Ordinal, Ranking

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
            f"--kind {quoted(name)}=ordinal needs numbers. The column holds {listed(words)}; "
            "name the levels in their order, --ordinal NAME=low,mid,high"
        )
    if not 2 <= texts.distinct <= _MOST_LEVELS:
        raise InputError(
            f"--kind {quoted(name)}=ordinal needs from 2 to {_MOST_LEVELS} different labels. "
            f"Got {texts.distinct:,}; use regression for more"
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
            f"--kind {quoted(name)}=ranking needs numbers, higher for rows that come first. The "
            f"column holds {quoted(text)}"
        )
    if profile.present and profile.low < 0:
        raise InputError(
            f"--kind {quoted(name)}=ranking needs labels of 0 or more, from not relevant up. "
            f"The column holds {profile.low:g}; shift them"
        )
    return Ranking()


def _as_written(stated: Ordinal, texts: Values) -> Ordinal:
    """The levels as the column spells them: 1 where a level was stated as 1.0."""
    spelt = {n: label for label in texts.counts if (n := label_number(label)) is not None}

    def written(level: str) -> str:
        number = label_number(level)
        return level if level in texts.counts or number is None else spelt.get(number, level)

    return Ordinal(tuple(written(level) for level in stated.levels))
