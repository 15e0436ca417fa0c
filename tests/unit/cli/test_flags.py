"""Messages name options as they are typed, and leave everything else alone."""

from collections.abc import Callable

import pytest

from ramify._core import InputError
from ramify.cli._exit_codes import _SYNONYMS, in_flags
from ramify.cli._options_from_signature import options_of
from ramify.cli._parser import VERBS

EVERY_VERB = VERBS.values()


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("`weight_decay` must be 0 or more", "--weight-decay must be 0 or more"),
        ("`alpha` and `max_parameters` both", "--alpha and --max-parameters both"),
        ("`n_candidates` must be 1 or more", "--candidates must be 1 or more"),
        ("`padding` must be 0 or more", "--shift must be 0 or more"),
        ("`table` must be a file", "TABLE must be a file"),
        ("`basis` must be square", "`basis` must be square"),
        ("no column '`seed`'", "no column '`seed`'"),
        ("see `ramify --help`", "see `ramify --help`"),
        ("the tasks' `alpha` is the nets' own", "the tasks' --alpha is the nets' own"),
    ],
)
def test_arguments_become_options_and_nothing_else_does(said: str, typed: str) -> None:
    assert in_flags(InputError(said), EVERY_VERB) == typed


def test_synonyms_are_options() -> None:
    def names(verb: Callable[..., None]) -> set[str]:
        return {each.name for each in options_of(verb)}

    assert set(_SYNONYMS.values()) <= set().union(*map(names, EVERY_VERB))
