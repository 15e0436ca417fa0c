"""The names of arguments as they are typed on the command line."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ramify._core import RamifyError
from ramify.cli._declared import options_of

_POSITIONALS: Final = ("table", "directory")
_SYNONYMS: Final[Mapping[str, str]] = {
    "attached": "attach",
    "cache": "image_cache",
    "growing_epochs_first": "growing_epochs",
    "kinds": "kind",
    "levels": "ordinal",
    "n_candidates": "candidates",
    "n_groups": "groups",
    "n_trees": "trees",
    "n_trials": "search",
    "padding": "shift",
    "skip_bad": "skip_bad_images",
}
_SAID_ELSEWHERE: Final[Mapping[str, str]] = {
    "condition": "--condition, or the word after --sharing",
    "form": "the word after --sharing",
    "method": "the word after --sharing",
    "seed": "--seed, or --seeds of ramify compare",
    "separate": "the word after --sharing",
}


def flag(name: str) -> str:
    """The option, or the place on the command line, of a verb's parameter.

    Example:
        >>> flag("batch_size"), flag("table")
        ('--batch-size', 'TABLE')
    """
    return name.upper() if name in _POSITIONALS else f"--{name.replace('_', '-')}"


def option_of(argument: str) -> str:
    """What on the command line says an argument of a way of sharing.

    Example:
        >>> option_of("n_candidates")
        '--candidates'
    """
    return _SAID_ELSEWHERE.get(argument, flag(_SYNONYMS.get(argument, argument)))


def in_flags(error: RamifyError, verbs: Iterable[Callable[..., None]]) -> str:
    """The message of an error, its arguments called what the command line calls them.

    Arguments that no verb has keep their names.

    Args:
        error: What went wrong.
        verbs: Functions whose parameters are the options.

    Example:
        >>> from ramify._core import InputError
        >>> def fit(*, epochs: int = 1) -> None: ...
        >>> in_flags(InputError("must be finite", argument="epochs", got="inf"), [fit])
        '--epochs must be finite. Got inf'
    """
    known = {each.name for verb in verbs for each in options_of(verb)}

    def typed(argument: str) -> str:
        name = _SYNONYMS.get(argument, argument)
        return flag(name) if name in known else f"`{argument}`"

    return error.told(typed)
