"""A comparison in a terminal: the advice, the leaderboard, and the tasks that lost."""

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ramify.records import ComparisonRecord, Gain
from ramify.report.views._leaderboard_view import Against, Place, leaderboard
from ramify.report.views._method_tasks_view import loss_table
from ramify.report.views._weighting_view import BETWEEN, WeightingCell, weighting_table
from ramify.report.words import (
    duration,
    interval,
    large,
    number,
    outcome_of,
    percent,
    recommendation,
    remarks,
    shown,
    signed,
    skill,
)

_MOST_LOSSES = 8
_LONGEST = 22
_WIDE = 100
_GAIN = 9
_STYLES = {"better": "blue", "worse": "dark_orange3"}


def print_comparison(record: ComparisonRecord, console: Console) -> None:
    """Print what a comparison found: what to take, the leaderboard, the costs, the losses.

    Names are printed as they are, on one line each; nothing in them is read as markup.

    Args:
        record: What the comparison did and found.
        console: Where to print.
    """
    blocks: list[RenderableType] = [Text(recommendation(record), style="bold")]
    blocks += [Text(each) for each in remarks(record)]
    blocks += [Text(f"Note: {shown(each, 400)}", style="dark_orange3") for each in record.warnings]
    blocks += [Text(f"Failed: {each}", style="dark_orange3") for each in _failures(record)]
    blocks += [Text(), *_scores(record, console.width), Text(), *_weightings(record)]
    blocks += [*_costs(record), Text()]
    losses = _losses(record)
    blocks += [*losses, Text()] if losses else []
    blocks.append(Text(record.intervals, style="dim"))
    console.print(Group(*blocks))


def _failures(record: ComparisonRecord) -> list[str]:
    """Failed runs, those of one method for one reason together."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for each in record.failures:
        seeds.setdefault((each.method, each.reason), []).append(each.seed)
    return [
        f"{shown(method)}, {'seed' if len(where) == 1 else 'seeds'} "
        f"{', '.join(map(str, dict.fromkeys(where)))}: {shown(reason, 300)}"
        for (method, reason), where in seeds.items()
    ]


def _scores(record: ComparisonRecord, width: int) -> list[RenderableType]:
    board = leaderboard(record)
    # Names with a weighting take the place of the intervals of the last column.
    is_narrow = width < _WIDE and any(BETWEEN in method.name for method in record.methods)
    n_whole = 1 if is_narrow else len(board.columns)
    what = skill(record, brief=True)
    several = len(record.seeds) > 1
    title = f"{what[0].upper()}{what[1:]} over tasks on the test rows"
    heading = _heading(f"{title}{f', mean of {len(record.seeds)} seeds' if several else ''}")
    made = _table()
    made.add_column("", no_wrap=True)
    made.add_column("score", justify="right", no_wrap=True)
    for name, _ in board.columns[:n_whole]:
        made.add_column("gain", justify="right")
        made.add_column(f"over {name}", justify="right", min_width=16)
    for name, _ in board.columns[n_whole:]:
        made.add_column(f"over {name}", justify="right", max_width=_GAIN)
    for place in board.places:
        made.add_row(*_score_cells(place, n_whole))
    return [heading, made]


def _score_cells(place: Place, n_whole: int) -> list[Text]:
    method = place.method
    name = Text(f"{_name(method.name)}{' *' if place.partial else ''}")
    name.stylize("bold" if place.chosen else "")
    spread = "" if method.spread is None else f" ± {number(method.spread)}"
    cells = [name, Text("absent" if method.test is None else f"{number(method.test)}{spread}")]
    for i, cell in enumerate(place.cells):
        pair = _gain_cells(cell)
        cells += pair if i < n_whole else pair[:1]
    return cells


def _gain_cells(cell: Against) -> list[Text]:
    gain = cell.gain
    if gain is None or gain.value is None:
        return [Text(""), Text("")]
    style = _STYLES.get(cell.mark.outcome, "") if cell.mark else ""
    return [Text(signed(gain.value), style=style), Text(interval(gain.low, gain.high))]


def _weightings(record: ComparisonRecord) -> list[RenderableType]:
    found = weighting_table(record)
    if found is None:
        return []
    made = _table()
    made.add_column("")
    for name in found.weightings:
        made.add_column(shown(name, _LONGEST), justify="right")
    for sharing, row in found.rows:
        made.add_row(Text(shown(sharing, _LONGEST)), *(_weighting_cell(cell) for cell in row))
    return [_heading("The same by weighting"), made, Text()]


def _weighting_cell(cell: WeightingCell) -> Text:
    if cell.method is None or cell.method.test is None:
        return Text("absent")
    found = Text(number(cell.method.test), style=_STYLES.get(cell.outcome, ""))
    found.stylize("bold" if cell.highest else "")
    return found


def _costs(record: ComparisonRecord) -> list[RenderableType]:
    heading = _heading("What each costs, mean of its seeds")
    made = _table()
    made.add_column("")
    for head in ("Δm", "parameters", "operations", "training", "memory"):
        made.add_column(head, justify="right", min_width=len(head))
    for place in leaderboard(record).places:
        method = place.method
        size = f"{large(method.size)}{' nodes' if place.unit == 'nodes' else ''}"
        made.add_row(
            Text(_name(method.name), style="bold" if place.chosen else ""),
            "" if method.delta_m is None else percent(method.delta_m),
            size,
            "" if method.flops is None else large(method.flops),
            duration(method.seconds),
            "" if place.memory is None else f"{place.memory:.2f} GiB",
        )
    return [heading, made]


def _losses(record: ComparisonRecord) -> list[RenderableType]:
    found = loss_table(record)
    rows = (found.clear or found.unclear)[:_MOST_LOSSES]
    if not rows:
        return []
    every = len(found.clear or found.unclear)
    which = "clearly lost" if found.clear else "lost, none of them clearly,"
    heading = _heading(f"Tasks that {which} by sharing ({len(rows)} of {every})")
    made = _table()
    made.add_column("task", max_width=_LONGEST)
    made.add_column("with")
    for head in ("loss", "interval"):
        made.add_column(head, justify="right")
    for row in rows:
        gain = row.loss.gain
        style = _STYLES.get(_outcome(gain), "")
        made.add_row(
            Text(shown(row.loss.task, _LONGEST)),
            Text(_name(row.loss.method)),
            Text(signed(gain.value or 0.0), style=style),
            Text(interval(gain.low, gain.high)),
        )
    return [heading, made]


def _outcome(gain: Gain) -> str:
    return outcome_of(gain).value


def _name(method: str) -> str:
    """The name of a method; where it has two halves, each is shortened."""
    return BETWEEN.join(shown(half, _LONGEST) for half in method.split(BETWEEN, 1))


def _heading(text: str) -> Text:
    # A table's own title would be broken at the width of the table.
    return Text(text, style="dim")


def _table() -> Table:
    return Table(box=None, pad_edge=False)
