"""The command line's words, from the signatures of the verbs; flags or a YAML file."""

import inspect
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from docstring_parser import parse as parse_docstring
from jsonargparse import ArgumentParser

from ramify.cli._compare import compare
from ramify.cli._demo import demo
from ramify.cli._fit import fit
from ramify.cli._gathered import gathered
from ramify.cli._predict import predict
from ramify.cli._regions import regions
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
    parser = ArgumentParser(
        prog="ramify",
        description="Learns which tasks should share which layers of a network, and says whether "
        "sharing paid off.",
        version=version("ramify"),
        exit_on_error=False,
    )
    verbs = parser.add_subcommands(dest="verb", metavar=f"{{{','.join(VERBS)}}}")
    for name, verb in VERBS.items():
        text = parse_docstring(verb.__doc__ or "")
        below = ArgumentParser(description=text.short_description, exit_on_error=False)
        below.add_argument("--config", action="config", help="Read options from a YAML file.")
        helps = {each.arg_name: each.description for each in text.params}
        for parameter in inspect.signature(verb).parameters.values():
            _add(below, parameter, helps.get(parameter.name))
        verbs.add_subcommand(name, below, help=text.short_description)
    return parser


def run_verb(parser: ArgumentParser, arguments: list[str] | None) -> None:
    """Parse and do what was asked.

    Args:
        parser: What `build_parser` gave.
        arguments: Instead of those of the process.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    chosen = parser.parse_args(gathered(typed, VERBS))
    options = chosen[chosen.verb].as_dict()
    options.pop("config", None)
    VERBS[chosen.verb](**options)


def _add(parser: ArgumentParser, parameter: inspect.Parameter, words: str | None) -> None:
    flag = f"--{parameter.name.replace('_', '-')}"
    required = parameter.default is inspect.Parameter.empty
    if parameter.annotation is bool:
        parser.add_argument(flag, action="store_true", help=words)
        return
    details: dict[str, Any] = {"type": parameter.annotation, "help": words}
    if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
        name = parameter.name
        optional = {} if required else {"nargs": "?", "default": parameter.default}
        parser.add_argument(name, metavar=name.upper(), **details, **optional)
    elif required:
        parser.add_argument(flag, required=True, **details)
    else:
        parser.add_argument(flag, default=parameter.default, **details)
