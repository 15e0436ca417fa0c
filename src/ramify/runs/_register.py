"""A user's own classes, made known to all of ramify."""

from typing import Any, Final

from ramify._core import InputError, Registry, quoted
from ramify.networks import BACKBONES, NETWORKS
from ramify.runs._registry import STRATEGIES
from ramify.sharing import Strategy
from ramify.weighting import WEIGHTINGS

_REGISTRIES: Final[tuple[Registry[Any], ...]] = (STRATEGIES, NETWORKS, BACKBONES, WEIGHTINGS)


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
