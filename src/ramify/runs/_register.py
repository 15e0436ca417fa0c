"""Every way of sharing by its name, and how users' own classes join it."""

from typing import Any, Final

from ramify._core import InputError, OptionContext, Registry, listed, nearest, quoted
from ramify.networks import BACKBONES, NETWORKS
from ramify.runs.methods import Auto, LinearSharing, Method, RandomForest, RidgeLogistic
from ramify.sharing import BUILT_IN, Strategy
from ramify.weighting import WEIGHTINGS

_METHODS: Final[tuple[type[Method], ...]] = (LinearSharing, RandomForest, RidgeLogistic, Auto)

STRATEGIES: Final[Registry[Strategy]] = Registry(
    Strategy, "way of sharing", "ramify.strategies", [*BUILT_IN, *_METHODS]
)
"""Every way of sharing by its name; `ramify.register` and installed packages add to it."""

for _model in (model for method in _METHODS for model in method.models()):
    NETWORKS.add(_model)  # files have one list of kinds, of networks and of all else


_REGISTRIES: Final[tuple[Registry[Any], ...]] = (STRATEGIES, NETWORKS, BACKBONES, WEIGHTINGS)


def strategy_named(word: str, seed: int = 0) -> Strategy:
    """The way of sharing that a word stands for, with its usual settings.

    Args:
        word: Such as ``cross-stitch`` or ``linear:clustered``.
        seed: Random seed, where it draws something.

    Raises:
        InputError: If there is none, or if it needs to be told more.

    Example:
        >>> strategy_named("cross-stitch").name
        'cross-stitch'
    """
    known = {w: (kind, form) for kind in STRATEGIES.values() for w, form in kind.words().items()}
    if word not in known:
        close = nearest(word, known)
        raise InputError(
            f"must be one of {listed(STRATEGIES, len(STRATEGIES))}",
            argument="sharing",
            got=quoted(word),
            remedy=None if close is None else f"did you mean {close}?",
        )
    kind, form = known[word]
    # An ensemble beside others trains no branched network of its own, which only shows a tree.
    context = OptionContext(seed, beside=[word, word])
    try:
        return kind.from_options(form, {}, context)
    except TypeError:
        raise InputError(
            f"{quoted(word)} must be told more than its name",
            argument="sharing",
            remedy=f"give a {kind.__name__} object",
        ) from None


def register(added: type) -> None:
    """Make a strategy, network, backbone or weighting of one's own known by its name.

    A strategy then is a word of the command line, which has its options; the networks or models that
    it says it gives can be loaded again from a file. An installed package has its own registered without a
    call, by entry points of the groups ``ramify.strategies``, ``ramify.networks``,
    ``ramify.backbones`` and ``ramify.weightings``.

    Args:
        added: A class that derives from `ramify.sharing.Strategy`, `ramify.networks.TaskModel`,
            `ramify.networks.BackboneSpec`, or `ramify.weighting.Weighting`.

    Raises:
        InputError: If it is none of these, or another class has its name.

    Example:
        >>> from dataclasses import dataclass
        >>> from ramify.runs import STRATEGIES
        >>> from ramify.sharing import Soft
        >>> @dataclass(frozen=True)
        ... class Softer(Soft):
        ...     alpha: float = 100.0
        >>> register(Softer)
        >>> "softer" in STRATEGIES
        True
    """
    for registry in _REGISTRIES:
        if isinstance(added, type) and issubclass(added, registry.base):
            registry.add(added)
            break
    else:
        kinds = " or ".join(registry.base.__name__ for registry in _REGISTRIES)
        raise InputError(
            f"must be a class that derives from {kinds}", argument="added", got=quoted(added)
        )
    if issubclass(added, Strategy):
        for model in added.models():
            NETWORKS.add(model)
