"""The names of arguments in messages as they are typed on the command line."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ramify._core import RamifyError
from ramify.cli._options_from_signature import flag, options_of

_SYNONYMS: Final[Mapping[str, str]] = {
    "cache": "image_cache",
    "kinds": "kind",
    "levels": "ordinal",
    "n_trials": "search",
    "padding": "shift",
    "skip_bad": "skip_bad_images",
}


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
    options = [each for verb in verbs for each in options_of(verb)]
    known = {each.name for each in options}
    synonyms = {argument: each.name for each in options for argument in each.arguments}
    synonyms |= _SYNONYMS

    def typed(argument: str) -> str:
        name = argument if argument in known else synonyms.get(argument, argument)
        return flag(name) if name in known else f"`{argument}`"

    return error.told(typed)
