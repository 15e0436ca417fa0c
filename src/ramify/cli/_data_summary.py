"""What was found in the data, before training starts."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape

from ramify._core import counted, quoted, retold
from ramify.runs import Prepared
from ramify.tasks import Multiclass, Ordinal

_MOST_TASKS_SHOWN = 20
_MOST_LEFT_OUT = 5
_FLAGS = {"kinds": "--kind", "levels": "--ordinal"}


def announce(prepared: Prepared, console: Console) -> None:
    """Say what was found in the data.

    Args:
        prepared: The data.
        console: Where to.
    """
    info, rows = prepared.info, prepared.info.rows
    console.print(
        f"[bold]{escape(_one_line(info.source))}[/]: {rows['train']:,} training, "
        f"{rows['validation']:,} validation and {rows['test']:,} test rows; "
        f"{counted(len(prepared.main), 'task')}; {_inputs(info.features)}",
        soft_wrap=True,
    )
    for task, labels in list(zip(prepared.main, info.labels, strict=True))[:_MOST_TASKS_SHOWN]:
        kind = task.kind.name
        if isinstance(task.kind, Multiclass):
            kind = f"multiclass of {len(task.kind.classes)}"
        if isinstance(task.kind, Ordinal):
            kind = f"ordinal of {len(task.kind.levels)}"
        total = labels.train + labels.validation + labels.test
        line = f"  {quoted(task.name)}: {kind}, {total:,} labels, {labels.summary}"
        console.print(escape(line), highlight=False, soft_wrap=True)
    if len(prepared.main) > _MOST_TASKS_SHOWN:
        console.print(f"  … and {len(prepared.main) - _MOST_TASKS_SHOWN:,} more tasks")
    helping = [f"{quoted(t.name)} ({t.kind.name})" for t in prepared.tasks if not t.is_main]
    if helping:
        others = len(helping) - _MOST_LEFT_OUT
        rest = f" and {others:,} more" if others > 0 else ""
        line = f"  auxiliary tasks: {', '.join(helping[:_MOST_LEFT_OUT])}{rest}"
        console.print(escape(line), highlight=False, soft_wrap=True)
    if info.left_out:
        apart = [f"{quoted(name)} ({reason})" for name, reason in info.left_out.items()]
        more = f" and {len(apart) - _MOST_LEFT_OUT:,} more" if len(apart) > _MOST_LEFT_OUT else ""
        line = f"  no features: {', '.join(apart[:_MOST_LEFT_OUT])}{more}"
        console.print(escape(line), highlight=False, soft_wrap=True)
    for warning in prepared.warnings:
        said = escape(_one_line(retold(warning, _flag)))
        console.print(f"[yellow]warning:[/] {said}", soft_wrap=True)


def _flag(name: str) -> str:
    """The option that stands for an argument of a warning."""
    return _FLAGS.get(name, f"--{name.replace('_', '-')}")


def _inputs(features: Mapping[str, int]) -> str:
    if "encoded" in features:
        return counted(features["encoded"], "input")
    colours = "grey" if features["channels"] == 1 else "colour"
    return f"{colours} pictures, {features['pixels high']} by {features['pixels wide']} pixels"


def _one_line(text: str) -> str:
    return " ".join(text.split())
