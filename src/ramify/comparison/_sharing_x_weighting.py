"""Weightings of losses as a second axis: each way of sharing with each weighting."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ramify.comparison._contender import ALWAYS, Contender, check_different
from ramify.weighting import Weighting

BETWEEN = " + "
"""Stands between the two halves of a name, such as in ``hard + upgrad``."""


def crossed(
    methods: Sequence[Contender], weightings: Mapping[str, Weighting], usual: Weighting
) -> list[Contender]:
    """Each way of sharing with each weighting.

    With the usual weighting a method keeps its plain name. Separate networks share nothing that
    could be balanced, and linear models are not trained in steps: they take part once, with the
    usual weighting. So does whatever always takes part, beside its other weightings.

    Args:
        methods: The ways of sharing, those that always take part among them.
        weightings: By the name that each shall have; none for the usual one alone.
        usual: The weighting that training has without this.

    Raises:
        InputError: If two would have one name, or a name is no plain word.

    Example:
        >>> from ramify.weighting import Equal, UPGrad
        >>> [m.name for m in crossed(ALWAYS, {"upgrad": UPGrad()}, Equal())]
        ['single-task', 'hard', 'hard + upgrad', 'random-forest', 'ridge-logistic']
    """
    if not weightings:
        return list(methods)
    further = {name: each for name, each in weightings.items() if not _same(each, usual)}
    usual_is_wanted = len(further) < len(weightings)
    always = {method.name for method in ALWAYS}
    found = []
    for method in methods:
        weighable = method.is_weighable
        if usual_is_wanted or not weighable or method.name in always:
            found.append(method)
        if weighable:
            found += [_with(method, name, each) for name, each in further.items()]
    check_different(found)
    return found


def _with(method: Contender, name: str, weighting: Weighting) -> Contender:
    return replace(method, name=f"{method.name}{BETWEEN}{name}", weighting=weighting)


def _same(one: Weighting, other: Weighting) -> bool:
    return (one.word, one.settings()) == (other.word, other.settings())
