"""Groups found by trial: the advice in sentences, tables and a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ramify._core import counted
from ramify.records import GradedPartition, GroupingRecord
from ramify.report.charts import Chart, Point, chart, frame
from ramify.report.views._tree_view import TreePicture, tree_picture
from ramify.report.words import cited, duration, enumerated, interval, large, number, shown, signed

_MOST_NAMED = 16
_MOST_ROWS = 24
_MOST_PAIRED = 24
_STRONGEST = 60


@dataclass(frozen=True)
class PairCell:
    """What one task brings another: in figures, and how strongly it is coloured."""

    text: str
    side: str
    strength: int


@dataclass(frozen=True)
class GroupingView:
    """Everything that the page of groups shows.

    Attributes:
        sentences: The advice first.
        tree: The recommended groups.
        chart: Score by number of groups; None if there is one number only.
        rows: Per number of groups, the partition and its groups in words.
        covers: Per number of networks, who is trained on what and predicts what, and the score.
        pairs: Per task what each other one brings it; empty where pairs were not tried.
        more_tasks: Tasks whose gains are not shown.
    """

    sentences: list[str]
    tree: TreePicture
    chart: Chart | None
    rows: list[tuple[GradedPartition, str]]
    covers: list[tuple[int, list[str], float]]
    pairs: list[tuple[str, list[PairCell]]]
    more_tasks: int


def grouping_view(record: GroupingRecord) -> GroupingView:
    """Put a record of groups on paper."""
    return GroupingView(
        grouping_sentences(record),
        tree_picture([record.recommended] * len(record.hidden)),
        _chart(record),
        [(each, groups_in_words(each.groups)) for each in record.partitions],
        [(len(c.networks), _served(c.networks, c.serves), c.score) for c in record.covers],
        _pairs(record),
        max(len(record.tasks) - _MOST_ROWS, 0),
    )


def grouping_sentences(record: GroupingRecord) -> list[str]:
    """Say what to train, why, and what that rests on."""
    best, wider = record.best, record.wider
    found = [_advice(record)]
    if wider is not None and record.advice != "one network":
        found.append(
            f"One network of about as many parameters ({large(wider.parameters)}, widths "
            f"{'-'.join(map(str, wider.hidden))}) scores {number(wider.score)}; the groups "
            f"({large(best.parameters)}) {_against(wider.gain, wider.low, wider.high)}."
        )
    others = [c for c in record.covers if len(c.networks) == record.chosen > 1]
    divides = record.advice in ("divide", "either")
    if divides and others and others[0].score > best.score + 0.0005:
        found.append(
            f"With overlapping groups, {record.chosen} networks would score "
            f"{number(others[0].score)} in place of {number(best.score)}; both numbers are of rows "
            "that also chose."
        )
    found.append(_basis(record))
    return found


def _advice(record: GroupingRecord) -> str:
    best, n = record.best, record.chosen
    everyone = f"all {len(record.tasks):,} tasks" if len(record.tasks) > 2 else "both tasks"
    if n == 1:
        return f"Train one network for {everyone}: no division of them scores clearly better."
    groups = groups_in_words(best.groups)
    gained = _against(best.gain, best.low, best.high)
    if record.advice == "one network":
        return (
            f"Train one network for {everyone}: it is as good. The best groups ({groups}) {gained}, "
            "which chance may explain."
        )
    if record.advice == "one wider network":
        return (
            f"Train one network for {everyone}, but a wider one: {n} groups ({groups}) {gained} "
            "than one network of the same width, yet one of as many parameters is better still."
        )
    if record.advice == "either":
        return (
            f"{n} groups ({groups}) {gained} than one network of the same width, and are level with "
            "one of as many parameters: divide where a single task must be cheap to predict, else "
            "train one wider network."
        )
    return f"Train {n} groups: {groups}. They {gained} than one network for {everyone}."


def _against(gain: float | None, low: float | None, high: float | None) -> str:
    if gain is None:
        return "cannot be judged on the few rows that did not choose them"
    ends = f" (95 % interval {interval(low, high)})" if low is not None and high is not None else ""
    return f"explain {number(abs(gain))} {'more' if gain >= 0 else 'less'} of the loss{ends}"


def _basis(record: GroupingRecord) -> str:
    trainings = counted(len(record.networks) * record.seeds, "training")
    return (
        f"A score is the share of the loss explained (R² of numbers; 0 for who knows the base rates "
        f"only, 1 at best), on {record.rows['validation']:,} validation rows; it rests on "
        f"{trainings} of {counted(len(record.networks), 'network')}, {counted(record.seeds, 'seed')} "
        f"each, in {duration(record.seconds)}. Test rows were not looked at."
    )


def groups_in_words(groups: Sequence[Sequence[str]]) -> str:
    """Groups on one line.

    Example:
        >>> groups_in_words([["a", "b"], ["c"]])
        'a + b; c'
    """
    named = 0
    texts: list[str] = []
    for group in groups:
        left = max(_MOST_NAMED - named, 0)
        if not left:
            texts.append(f"and {counted(len(groups) - len(texts), 'more group')}")
            break
        names = " + ".join(cited(name) for name in group[:left])
        texts.append(names if len(group) <= left else f"{names} + {len(group) - left:,} more")
        named += len(group)
    return "; ".join(texts)


def _chart(record: GroupingRecord) -> Chart | None:
    points = [
        Point(
            len(p.groups),
            p.judged,
            f"{counted(len(p.groups), 'group')} · {number(p.judged)}",
            len(p.groups) == len(record.recommended),
        )
        for p in record.partitions
        if p.judged is not None
    ]
    if len(points) < 2:
        return None
    title = "score on rows that did not choose"
    return chart(title, points, frame(points), x_label="number of groups", x_text=str_of_whole)


def str_of_whole(value: float) -> str:
    """A tick of a whole number; empty between two."""
    return f"{value:,.0f}" if float(value).is_integer() else ""


def _served(networks: Sequence[Sequence[str]], serves: Sequence[Sequence[str]]) -> list[str]:
    found = []
    for trained, served in zip(networks, serves, strict=True):
        extra = [name for name in trained if name not in served]
        text = groups_in_words([served])
        found.append(f"{text} (trained with {enumerated(extra)})" if extra else text)
    return found


def _pairs(record: GroupingRecord) -> list[tuple[str, list[PairCell]]]:
    known = [abs(v) for row in record.pairs for v in row if v is not None]
    if len(record.tasks) > _MOST_PAIRED or not any(known) or len(record.tasks) < 3:
        return []
    largest = max(known)
    return [
        (name, [_cell(value, largest, i == j) for j, value in enumerate(row)])
        for i, (name, row) in enumerate(zip(record.tasks, record.pairs, strict=True))
    ]


def _cell(value: float | None, largest: float, is_own: bool) -> PairCell:
    if value is None or is_own:
        return PairCell("", "unclear", 0)
    side = "better" if value > 0 else "worse"
    return PairCell(signed(value), side, round(_STRONGEST * abs(value) / largest))


def print_grouping(record: GroupingRecord, console: Console) -> None:
    """Print which tasks to train together, and the best partition for each number of groups.

    Args:
        record: What was found.
        console: Where to print.
    """
    first, *more = grouping_sentences(record)
    blocks: list[RenderableType] = [Text(first, style="bold"), *(Text(each) for each in more)]
    blocks += [Text(f"Note: {shown(each, 400)}", style="dark_orange3") for each in record.warnings]
    console.print(Group(*blocks, Text(), _table(record)))


def _table(record: GroupingRecord) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("groups", justify="right")
    table.add_column("score", justify="right")
    table.add_column("over one network", justify="right")
    table.add_column("best partition", overflow="fold")
    for each in record.partitions:
        marked = len(each.groups) == len(record.recommended)
        gain = "" if each.gain is None or len(each.groups) == 1 else _range(each)
        score = "unknown" if each.judged is None else number(each.judged)
        table.add_row(
            f"{'→ ' if marked else ''}{len(each.groups)}",
            score,
            Text(gain),
            Text(groups_in_words(each.groups)),
            style="bold" if marked else None,
        )
    return table


def _range(each: GradedPartition) -> str:
    assert each.gain is not None
    ends = interval(each.low, each.high)
    return f"{signed(each.gain)} ({ends})" if ends else signed(each.gain)
