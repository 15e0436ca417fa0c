"""The kinds of task that a user states, by target."""

from collections.abc import Mapping, Sequence
from typing import Final

from ramify._core import InputError, listed, quoted
from ramify.data.tables._names import resolve_columns
from ramify.tasks import Ordinal

KINDS: Final = ("binary", "multiclass", "ordinal", "ranking", "regression")
StatedKind = str | Ordinal


def stated_kinds(targets: Sequence[str], kinds: Mapping[str, StatedKind]) -> dict[str, StatedKind]:
    """What is stated for each target; names come before globs.

    Args:
        targets: Names of the targets.
        kinds: By name or glob, a word of `KINDS`, or the levels of an ordinal target.

    Raises:
        InputError: If a name is no target, or a kind is unknown.
    """
    known = set(targets)
    found: dict[str, StatedKind] = {}
    if strangers := [name for name in kinds if not _matching(name, targets)]:
        raise InputError(
            f"must name targets. {listed(strangers)} are none of {listed(targets)}",
            argument="levels" if isinstance(kinds[strangers[0]], Ordinal) else "kinds",
        )
    for name, kind in kinds.items():
        if not isinstance(kind, Ordinal) and kind not in KINDS:
            words = f"of {quoted(name)} must be {', '.join(KINDS[:-1])} or {KINDS[-1]}"
            raise InputError(words, argument="kinds", got=quoted(kind))
        for each in _matching(name, targets):
            if name in known or each not in kinds:
                found[each] = kind
    return found


def _matching(name: str, targets: Sequence[str]) -> list[str]:
    try:
        return resolve_columns(targets, [name])
    except InputError:
        return []
