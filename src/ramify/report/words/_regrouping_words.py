"""What selective sharing did, in sentences."""

from collections.abc import Sequence

from ramify._core import counted
from ramify.records import Regrouping
from ramify.report.words._words import cited, enumerated, large

_MOST_GROUPS = 3
_MOST_NAMES = 4


def changed(look: Regrouping) -> bool:
    """Whether a look merged or divided anything."""
    return set(map(frozenset, look.before)) != set(map(frozenset, look.groups))


def n_unknown(look: Regrouping) -> int:
    """Pairs of tasks without a distance."""
    rows = enumerate(look.distances)
    return sum(value is None for i, row in rows for value in row[:i])


def regrouped(looks: Sequence[Regrouping]) -> str:
    """Say what the looks at the gradients came to; empty without any.

    Args:
        looks: All of them, in their order.
    """
    if not looks:
        return ""
    times = "once" if len(looks) == 1 else f"{len(looks):,} times"
    start = f"Selective sharing looked at the tasks' gradients {times}"
    if not any(map(changed, looks)):
        return f"{start} and changed no group: {_as_it_was(looks[-1])}."
    first, last = looks[0], looks[-1]
    end = [look for look in looks if changed(look)][-1]
    merged = f"made {counted(len(last.groups), 'group')} of {len(first.before):,}"
    sizes = f"from {large(first.parameters_before)} to {large(last.parameters)} parameters"
    when = f"The last change was in epoch {end.epoch:,}, at step {end.step:,}"
    return f"{start} and {merged}: {_keeping(last)}. The network went {sizes}. {when}."


def unjudged(look: Regrouping) -> str:
    """Say how many pairs a look could not judge; empty if it could judge all."""
    found = n_unknown(look)
    if not found:
        return ""
    verb = "has" if found == 1 else "have"
    return (
        f"{counted(found, 'pair')} of tasks {verb} no distance at that look, because one of the two "
        "had no label since the look before, or only labels that are all the same; a task without any "
        "distance stayed where it was."
    )


def _as_it_was(look: Regrouping) -> str:
    if all(len(group) == 1 for group in look.groups):
        return f"each of the {len(look.tasks):,} tasks keeps an estimator of its own"
    return f"the {counted(len(look.groups), 'group')} from the start stayed"


def _keeping(look: Regrouping) -> str:
    several = [(k, g) for k, g in zip(look.keepers, look.groups, strict=True) if len(g) > 1]
    several.sort(key=lambda pair: -len(pair[1]))
    if not several:
        return "every task is alone at the end"
    parts = [_kept(keeper, group) for keeper, group in several[:_MOST_GROUPS]]
    if len(several) > _MOST_GROUPS:
        parts.append(f"and {counted(len(several) - _MOST_GROUPS, 'more group')}")
    return "; ".join(parts)


def _kept(keeper: str, group: Sequence[str]) -> str:
    others = [name for name in group if name != keeper]
    verb = "uses" if len(others) == 1 else "use"
    words = counted(len(others), "task") if len(others) > _MOST_NAMES else enumerated(others)
    return f"{words} {verb} the estimator of {cited(keeper)}"
