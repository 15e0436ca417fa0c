"""What ``ramify --help`` and ``--version`` say, without loading what verbs need."""

from importlib.metadata import version
from typing import Final

from jsonargparse import ArgumentParser, DefaultHelpFormatter

SUMMARIES: Final = {
    "demo": "Find out which of the 12 toxicity assays of Tox21 should share what.",
    "fit": "Learn the target columns of a table together: tree, model, comparison, report.",
    "compare": "Compare ways of sharing on the same splits, seeds, epochs and rules.",
    "grouping": "Find by trial which tasks to train together: hundreds of small networks in one run.",
    "evaluate": "Score a model on labelled rows that it has not seen.",
    "predict": "Predict the rows of a table, or pictures, in their order.",
    "report": "Write the HTML report of a run again, from its record.",
    "regions": "Show what each task looks at in pictures, and how far tasks look at the same parts.",
}
"""The verbs, each with the first line of its docstring."""

_OVERVIEW: Final = (["--help"], ["-h"], ["--version"])


class Formatter(DefaultHelpFormatter):
    """Leaves the lines of the list of words as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text:
            return super()._fill_text(text, width, indent)
        return "\n".join(f"{indent}{line}" for line in text.splitlines())


def top_parser(below: dict[str, ArgumentParser]) -> ArgumentParser:
    """The parser of ``ramify``.

    Args:
        below: That of each verb.
    """
    parser = ArgumentParser(
        prog="ramify",
        description="Learns which tasks should share which layers of a network, and says whether "
        "sharing paid off.",
        version=version("ramify"),
        formatter_class=Formatter,
        exit_on_error=False,
    )
    verbs = parser.add_subcommands(dest="verb", metavar=f"{{{','.join(below)}}}")
    for name, own in below.items():
        verbs.add_subcommand(name, own, help=SUMMARIES[name])
    return parser


def in_full(typed: list[str]) -> list[str]:
    """Words that were typed in short, as the parser knows them.

    Args:
        typed: The words.

    Example:
        >>> in_full(["help", "fit"]), in_full(["-V"])
        (['fit', '--help'], ['--version'])
    """
    if typed[:1] == ["help"] and len(typed) <= 2:
        return [*typed[1:], "--help"]
    return ["--version"] if typed == ["-V"] else typed


def tell_overview(arguments: list[str]) -> None:
    """Print the overview or the version and leave, if nothing else is asked for.

    Args:
        arguments: Those of the command line.

    Raises:
        SystemExit: If it was.
    """
    if arguments in _OVERVIEW:
        stubs = {name: ArgumentParser(exit_on_error=False) for name in SUMMARIES}
        top_parser(stubs).parse_args(arguments)
