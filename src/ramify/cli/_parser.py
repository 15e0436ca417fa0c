"""The command line's words, from the signatures of the verbs; flags or a YAML file."""

import inspect
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml
from docstring_parser import parse as parse_docstring
from jsonargparse import ArgumentParser

from ramify._core import InputError, quoted
from ramify.cli._options_from_signature import CommandOption, called, epilog_of, flag, options_of
from ramify.cli._overview import SUMMARIES, top_parser

_LARGEST: Final = 1_000_000
_DEEPEST: Final = 20


def check_config_files(arguments: Sequence[str]) -> None:
    """Refuse files that are no options: a few lines can stand for gigabytes, or never end.

    Args:
        arguments: What was typed.

    Raises:
        InputError: If a file is no plain YAML of options.
    """
    for path in _named(arguments):
        try:
            found = path.stat()
        except (OSError, ValueError):
            continue  # the parser says so
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise InputError(
                f"--config must be a plain file of at most {_LARGEST:,} bytes. Got {quoted(path)}"
            )
        _check_events(path)


def _named(arguments: Sequence[str]) -> Iterator[Path]:
    for word, after in pairwise([*arguments, ""]):
        option, equals, value = word.partition("=")
        if option == "--config":
            yield Path(value if equals else after)


def _check_events(path: Path) -> None:
    depth = 0
    try:
        # Events are the words of the file as they stand: nothing is repeated and nothing nested.
        for event in yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError(
                    f"--config {quoted(path)} must write out what it repeats. Got an alias"
                )
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise InputError(
                    f"--config {quoted(path)} must hold options and lists. Got {_DEEPEST} lists in "
                    "each other and more"
                )
            if isinstance(event, yaml.ScalarEvent) and "\0" in event.value:
                raise InputError(f"--config {quoted(path)} must hold printable text. Got a NUL")
    except yaml.YAMLError as error:
        raise InputError(
            f"--config {quoted(path)} must be YAML. Got {' '.join(str(error).split())}"
        ) from None


_LIST: Final = str | list[str]
_TEXTS: Final = (str | None, _LIST)  # of `str` alone the parser takes what is typed
_HAVE_COMMAS: Final = ("--ordinal", "--hint")  # each of their values has commas of its own


@dataclass
class Texts:
    """Text that was typed, by words that stand for it in front of the parser.

    The parser reads an option that may be text as YAML first, and takes a column ``[a]`` for a
    list and ``null`` for nothing.
    """

    typed: dict[str, str] = field(default_factory=dict)

    def standing_for(self, text: str) -> str:
        """A word for a text."""
        word = f"text-{len(self.typed)}-as-it-was-typed"
        self.typed[word] = text
        return word

    def put_back(self, value: object) -> object:
        """A value of the parser, with the text in it."""
        if isinstance(value, list):
            return [self.put_back(each) for each in value]
        return self.typed.get(value, value) if isinstance(value, str) else value


def gathered(
    arguments: Sequence[str], verbs: Mapping[str, Callable[..., None]]
) -> tuple[list[str], Texts]:
    """The words that were typed, with an option that takes a list only once, and without its text.

    Repeated, it stands where it was last, and all that was given lies between commas. Of options
    whose value is a whole, such as ``--hidden`` with the width of every stage, the last one counts.

    Args:
        arguments: What was typed.
        verbs: Functions by the words for them; their parameters are the options.

    Example:
        >>> def fit(*, targets: str | list[str] = "", seed: int = 0) -> None: ...
        >>> words, texts = gathered(["fit", "--targets", "a", "--targets=b,c"], {"fit": fit})
        >>> words[0], texts.put_back(words[1].partition("=")[2])
        ('fit', 'a,b,c')
    """
    verb = next((word for word in arguments if word in verbs), None)
    if any(word.startswith("--print_config") for word in arguments):
        verb = None  # the parser prints what it was given
    texts, lists = ([], []) if verb is None else _texts_and_lists(verbs[verb])
    pieces = list(_pieces(arguments, {*texts, *lists}))
    values: dict[str, list[str]] = {}
    for option, value in pieces:
        values.setdefault(option, []).append(value)
    last = {option: place for place, (option, _) in enumerate(pieces)}
    first = {option: place for place, (option, _) in reversed(list(enumerate(pieces)))}
    found, typed = [], Texts()
    for place, (option, value) in enumerate(pieces):
        if not option:
            found.append(value)
        elif option in _HAVE_COMMAS:
            plus = "" if place == first[option] else "+"
            found.append(f"{option}{plus}={typed.standing_for(value)}")
        elif place == last[option]:
            whole = ",".join(values[option]) if option in lists else value
            found.append(f"{option}={typed.standing_for(whole)}")
    return found, typed


def _pieces(arguments: Sequence[str], options: set[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, and every other word with no option."""
    words = list(arguments)
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in options and equals:
            yield option, value
        elif option in options and words and not words[0].startswith("--"):
            yield option, words.pop(0)
        else:  # also an option without a value, which the parser then misses
            yield "", word


def _texts_and_lists(verb: Callable[..., None]) -> tuple[list[str], list[str]]:
    """The options of a verb that take text, and of these those that take a list of words."""
    texts = [each for each in options_of(verb) if each.annotation in _TEXTS and not each.is_place]
    return [flag(e.name) for e in texts], [flag(e.name) for e in texts if e.annotation == _LIST]


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
