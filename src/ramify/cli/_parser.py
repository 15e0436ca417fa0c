"""The command line's words, from the signatures of the verbs; flags or a YAML file."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any, Final

from docstring_parser import parse as parse_docstring
from jsonargparse import ArgumentParser

from ramify._core import InputError, quoted
from ramify.cli._config_file import check_config_files
from ramify.cli._options_from_signature import CommandOption, called, epilog_of, flag, options_of
from ramify.cli._overview import SUMMARIES, top_parser
from ramify.cli._repeated_options import gathered

Verb = Callable[..., None]
_SHORT: Final[Mapping[str, Sequence[str]]] = {"output": ("-o",)}


class _Verbs(Mapping[str, Verb]):
    """The verbs by their words. Each is loaded when it is asked for: what some need takes seconds."""

    def __getitem__(self, word: str) -> Verb:
        if word not in SUMMARIES:
            raise KeyError(word)
        verb: Verb = getattr(import_module(f"ramify.cli._{word}"), word)
        return verb

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


VERBS: Mapping[str, Verb] = _Verbs()


def verb_in(typed: Sequence[str]) -> str | None:
    """The word for a verb among those that were typed.

    Args:
        typed: The words.
    """
    return next((word for word in typed if word in SUMMARIES), None)


def build_parser(typed: Sequence[str] | None = None) -> ArgumentParser:
    """The parser of ``ramify`` with one subcommand per verb.

    A verb's positional parameters become positional arguments, the others options; what its
    docstring says of them is their help.

    Args:
        typed: Only the verb among these words is loaded and has its options; without it, all are.
    """
    wanted = SUMMARIES if typed is None else {verb_in(typed)}
    return top_parser(
        {
            name: _verb_parser(VERBS[name])
            if name in wanted
            else ArgumentParser(exit_on_error=False)
            for name in SUMMARIES
        }
    )


def _verb_parser(verb: Verb) -> ArgumentParser:
    text = parse_docstring(verb.__doc__ or "")
    parser = ArgumentParser(
        description=text.short_description, epilog=epilog_of(verb), exit_on_error=False
    )
    parser.add_argument("--config", action="config", help="Read options from a YAML file.")
    for option in options_of(verb):
        _add(parser, option)
    return parser


def run_verb(parser: ArgumentParser, typed: Sequence[str]) -> None:
    """Parse and do what was asked.

    Args:
        parser: What `build_parser` gave for the words.
        typed: The words.
    """
    verb, options = parsed_options(parser, typed)
    called(VERBS[verb], options)


def parsed_options(parser: ArgumentParser, typed: Sequence[str]) -> tuple[str, dict[str, object]]:
    """The verb that was typed, and all its options, from flags and files.

    Args:
        parser: What `build_parser` gave.
        typed: The words.

    Raises:
        InputError: If a file holds what is no option, or an option has no value.
    """
    check_config_files(typed)
    words, texts = gathered(typed, VERBS)
    _check_values(words)
    chosen = parser.parse_args(words)
    options = {name: texts.put_back(v) for name, v in chosen[chosen.verb].as_dict().items()}
    options.pop("config", None)
    for option in options_of(VERBS[chosen.verb]):
        if options.get(option.name) is None and option.default is not None:
            raise InputError(  # the parser takes what a file calls null for any option
                f"{flag(option.name)} must have a value in a --config file. Got null; leave it out"
            )
    return chosen.verb, options


def _check_values(words: Sequence[str]) -> None:
    """The parser takes these values for those of an option that was left out."""
    verb = verb_in(words)
    known = set() if verb is None else {flag(option.name) for option in options_of(VERBS[verb])}
    for word, following in pairwise([*words, "the end"]):
        option, equals, value = word.partition("=")
        given = value if equals else following
        if option in known and given.strip().lower() in ("", "null", "~"):
            raise InputError(f"{option} must have a value. Got {quoted(given)}; leave it out")


def _add(parser: ArgumentParser, option: CommandOption) -> None:
    required = option.default is inspect.Parameter.empty
    if option.annotation is bool:
        parser.add_argument(flag(option.name), action="store_true", help=option.words)
        return
    details: dict[str, Any] = {"type": option.annotation, "help": option.words}
    if option.is_place:
        optional: dict[str, Any] = {} if required else {"nargs": "?", "default": option.default}
        parser.add_argument(option.name, metavar=option.name.upper(), **details, **optional)
        return
    flags = [*_SHORT.get(option.name, ()), flag(option.name)]
    if required:
        parser.add_argument(*flags, required=True, **details)
    else:
        parser.add_argument(*flags, default=option.default, **details)
