"""The names of arguments as they are typed on the command line."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

_POSITIONALS: Final = ("table", "directory")
_SYNONYMS: Final[Mapping[str, str]] = {
    "attached": "attach",
    "kinds": "kind",
    "n_candidates": "candidates",
    "n_groups": "groups",
    "n_trees": "trees",
    "n_trials": "search",
    "padding": "shift",
}
# What stands in quotation marks is the user's own.
_ARGUMENT: Final = re.compile(r"(?<!['\"])`([a-z_]+)`(?!['\"])")


def flag(name: str) -> str:
    """The option, or the place on the command line, of a verb's parameter.

    Example:
        >>> flag("batch_size"), flag("table")
        ('--batch-size', 'TABLE')
    """
    return name.upper() if name in _POSITIONALS else f"--{name.replace('_', '-')}"


def in_flags(message: str, verbs: Iterable[Callable[..., None]]) -> str:
    """Call the arguments that a message names what the command line calls them.

    The library speaks of its arguments, as ```epochs```; whoever typed ``--epochs`` should read that.
    Arguments that no verb has keep their names.

    Args:
        message: What an error says.
        verbs: Functions whose parameters are the options.

    Example:
        >>> def fit(*, epochs: int = 1) -> None: ...
        >>> in_flags("`epochs` must be finite and above 0. Got 0", [fit])
        '--epochs must be finite and above 0. Got 0'
    """
    known = {name for verb in verbs for name in inspect.signature(verb).parameters}

    def typed(found: re.Match[str]) -> str:
        name = _SYNONYMS.get(found[1], found[1])
        return flag(name) if name in known else found[0]

    return _ARGUMENT.sub(typed, message)
