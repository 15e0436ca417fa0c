"""The run in a terminal: the verdict, the tree, and a score table that fits a screen."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ramify.records import RunRecord
from ramify.report.views._baseline_view import baseline_table
from ramify.report.views._score_view import Row, ScoreTable, score_tables
from ramify.report.views._tree_view import Block, tree_picture
from ramify.report.words import (
    interval,
    large,
    number,
    ours,
    sentences,
    shown,
    shows_tree,
    signed,
    skill,
    unit_of,
)

_MOST_ROWS = 30
_EXTREMES = 5
_TREE_ROWS = 16
_LONGEST = 32
_STYLES = {"better": "blue", "worse": "dark_orange3", "unclear": "", "once": "", "untested": ""}


def print_summary(record: RunRecord, console: Console) -> None:
    """Print what a run found: the verdict, the tree, and the scores.

    Names are printed as they are, on one line each; nothing in them is read as markup. More than
    30 tasks are summed up, with the largest gains and losses.

    Args:
        record: What the run did and found.
        console: Where to print.
    """
    # Text objects, unlike strings, are never read as markup.
    first, *rest = sentences(record)
    blocks: list[RenderableType] = [Text(first, style="bold"), *(Text(each) for each in rest)]
    blocks += [Text(f"Note: {shown(each, 400)}", style="dark_orange3") for each in record.warnings]
    blocks += [Text(), _tree(record), Text()] if shows_tree(record) else [Text()]
    means = _means(record)
    blocks += [means, Text()] if means else []
    for table in score_tables(record):
        blocks += [
            Padding(_scores(table, rows, title, ours(record).name), (0, 0, 1, 0))
            for title, rows in _parts(table)
        ]
    console.print(Group(*blocks))


def _tree(record: RunRecord) -> Tree:
    picture = tree_picture(record.tree.stages, _TREE_ROWS)
    root = Tree(Text("input", style="dim"), guide_style="dim")
    _grow(root, picture.blocks, picture.more)
    return root


def _grow(root: Tree, blocks: Sequence[Block], more: Sequence[Block]) -> None:
    for block in blocks:
        label = Text(f"{block.stages}: ", style="dim")
        label.append(_names(block) or block.count, style="default")
        _grow(root.add(label), block.children, block.more)
    if more:
        noun = "branch" if len(more) == 1 else "branches"
        root.add(Text(f"{len(more):,} {'more ' if blocks else ''}{noun}", style="dim"))


def _names(block: Block) -> str:
    if not block.folded:
        return ", ".join(shown(name, _LONGEST) for name in block.names)
    return f"{shown(block.names[0], _LONGEST)} and {len(block.names) - 1:,} more"


def _means(record: RunRecord) -> Table | None:
    found = baseline_table(record)
    if found is None:
        return None
    what = skill(record)
    table = _table(f"{what[0].upper()}{what[1:]} over tasks")
    word = ours(record).name
    table.add_column(f"{word} against")
    for head in ("gain", "95 % interval", "parameters"):
        table.add_column(head, justify="right")
    for row in found.rows:
        part = row.part.mean_difference
        gain = Text("absent") if part.value is None else Text(signed(part.value))
        gain.stylize(_STYLES[row.mark.outcome] if row.mark else "dim")
        ends = Text(interval(part.low, part.high))
        table.add_row(Text(shown(row.name)), gain, ends, large(row.part.parameters))
    nodes = " nodes" if unit_of(record.sharing.structure) == "nodes" else ""
    table.add_row(Text(word, style="dim"), "", "", f"{large(record.parameters)}{nodes}")
    return table


def _parts(table: ScoreTable) -> list[tuple[str, Sequence[Row]]]:
    if len(table.rows) <= _MOST_ROWS:
        return [(f"Test {table.metric}", table.rows)]
    if not table.columns:
        return []
    ranked = sorted(
        (row for row in table.rows if _first_gain(row) is not None),
        key=lambda r: _first_gain(r) or 0,
    )
    against = f"{table.metric}, against {table.columns[0].name}: {table.columns[0].tally}"
    return [
        (f"{against}. Largest gains", ranked[::-1][:_EXTREMES]),
        ("Largest losses", ranked[:_EXTREMES]),
    ]


def _first_gain(row: Row) -> float | None:
    difference = row.cells[0].difference
    return None if difference is None else difference.value


def _table(title: str) -> Table:
    return Table(title=Text(title, style="dim"), title_justify="left", box=None, pad_edge=False)


def _scores(table: ScoreTable, rows: Sequence[Row], title: str, word: str) -> Table:
    made = _table(title)
    made.add_column("task", max_width=_LONGEST)
    for head in ("labels", word.rsplit(maxsplit=1)[-1]):
        made.add_column(head, justify="right")
    for column in table.columns:
        made.add_column(column.name, justify="right", max_width=12)
        made.add_column("gain", justify="right")
    for row in rows:
        made.add_row(*_cells(row))
    return made


def _cells(row: Row) -> list[Text]:
    score = row.score
    value = None if score is None else score.value
    labels = "" if score is None else f"{score.n_labels:,}"
    cells = [Text(shown(row.task, _LONGEST)), Text(labels), _number(value)]
    for cell in row.cells:
        gain = cell.difference.value if cell.difference else None
        style = _STYLES[cell.mark.outcome] if cell.mark else "dim"
        cells += [_number(cell.score), Text("" if gain is None else signed(gain), style=style)]
    return cells


def _number(value: float | None) -> Text:
    return Text("absent", style="dim") if value is None else Text(number(value))
