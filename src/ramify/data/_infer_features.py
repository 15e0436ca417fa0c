"""Which columns are features, and of which type."""

from collections.abc import Sequence
from typing import Final

from ramify._core import InputError, counted, listed, quoted
from ramify.data._bad_cells import check_numbers
from ramify.data._profile import Profile, profiles
from ramify.data._schema import FeatureColumn, TableSchema
from ramify.data._table import Table
from ramify.data._values import Values, text_values

MOST_CATEGORIES: Final = 64


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
        check_numbers(table, name, profile)
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
