"""The command line's words, from the signatures of the verbs; flags or a YAML file."""

import inspect
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from docstring_parser import parse as parse_docstring
from jsonargparse import ArgumentParser

from ramify._core import InputError, quoted
from ramify.cli._asked import DeclaredOptions, glossary
from ramify.cli._compare import compare
from ramify.cli._config_file import check_config_files
from ramify.cli._demo import demo
from ramify.cli._fit import fit
from ramify.cli._options_from_signature import CommandOption, called, flag, options_of
from ramify.cli._overview import top_parser
from ramify.cli._predict import predict
from ramify.cli._regions import regions
from ramify.cli._repeated_options import gathered
from ramify.cli._report import report

Verb = Callable[..., None]
VERBS: dict[str, Verb] = {
    "demo": demo,
    "fit": fit,
    "compare": compare,
    "predict": predict,
    "report": report,
    "regions": regions,
}


def build_parser() -> ArgumentParser:
    """The parser of ``ramify`` with one subcommand per verb.

    A verb's positional parameters become positional arguments, the others options; what its
    docstring says of them is their help.
    """
    parsers = {}
    for name, verb in VERBS.items():
        text = parse_docstring(verb.__doc__ or "")
        asks = any(
            isinstance(each, type) and issubclass(each, DeclaredOptions)
            for each in verb.__annotations__.values()
        )
        below = ArgumentParser(
            description=text.short_description,
            epilog=glossary() if asks else None,
            exit_on_error=False,
        )
        below.add_argument("--config", action="config", help="Read options from a YAML file.")
        for option in options_of(verb):
            _add(below, option)
        parsers[name] = below
    return top_parser(parsers)


def run_verb(parser: ArgumentParser, arguments: list[str] | None) -> None:
    """Parse and do what was asked.

    Args:
        parser: What `build_parser` gave.
        arguments: Instead of those of the process.
    """
    verb, options = parsed_options(parser, sys.argv[1:] if arguments is None else arguments)
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
    verb = next((VERBS[word] for word in words if word in VERBS), None)
    known = set() if verb is None else {flag(option.name) for option in options_of(verb)}
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
    elif required:
        parser.add_argument(flag(option.name), required=True, **details)
    else:
        parser.add_argument(flag(option.name), default=option.default, **details)
