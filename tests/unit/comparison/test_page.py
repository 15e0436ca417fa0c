"""Laws of the page and the summary: whatever the record holds, they stand and fit."""

from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from ramify.records import ComparisonRecord, Failure, Gain
from ramify.report import print_comparison, recommendation, render_comparison
from ramify.report.views._pareto_view import pareto_front, pareto_pictures
from ramify.report.words._method_words import remarks

from ._small import mixed

HOSTILE = "<script>alert(1)</script>[bold]{{7*7}}\n\u202e" + "x" * 80
VOID = {"meta", "br", "input", "link", "img", "hr"}


def renamed() -> ComparisonRecord:
    """The first task and a method have names that would break a careless page."""
    record = mixed()
    text = record.model_dump_json().replace('"g0_t0"', _quoted(HOSTILE))
    return ComparisonRecord.model_validate_json(text.replace('"adaptive"', _quoted(HOSTILE + "!")))


def _quoted(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'


def failed() -> ComparisonRecord:
    found = [Failure(method="m", seed=s, trial=0, reason=HOSTILE) for s in (0, 1)]
    return mixed().model_copy(update={"failures": found})


def empty() -> ComparisonRecord:
    return mixed().model_copy(
        update={"methods": [], "losses": [], "runs": [], "recommendation": None}
    )


def without_scores() -> ComparisonRecord:
    record = mixed()
    nothing = Gain(value=None, low=None, high=None, seeds=0)
    methods = [
        method.model_copy(
            update={
                "test": None,
                "spread": None,
                "validation": None,
                "delta_m": None,
                "gains": dict.fromkeys(method.gains, nothing),
                "tasks": [
                    mean.model_copy(update={"value": None, "spread": None, "gain": nothing})
                    for mean in method.tasks
                ],
            }
        )
        for method in record.methods
    ]
    return record.model_copy(update={"methods": methods, "losses": []})


RECORDS: dict[str, Callable[[], ComparisonRecord]] = {
    "mixed": mixed,
    "renamed": renamed,
    "failed": failed,
    "empty": empty,
    "without_scores": without_scores,
}
every_situation = pytest.mark.parametrize("situation", RECORDS)


@cache
def source(situation: str) -> str:
    return render_comparison(RECORDS[situation]())


class Tags(HTMLParser):
    """Complains about tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@every_situation
def test_every_tag_is_closed_and_nothing_is_loaded(situation: str) -> None:
    tags = Tags(source(situation))
    assert tags.open == []
    assert not tags.seen & {"img", "link", "iframe", "object", "embed", "base", "form"}
    assert not tags.attributes & {"src", "onclick", "onload", "style"}
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" in source(
        situation
    )


@every_situation
def test_names_are_escaped_and_on_one_line(situation: str) -> None:
    page = source(situation)
    assert page.count("<script") == 1
    assert "\u202e" not in page
    assert ("{{7*7}}" in page) == (situation in {"renamed", "failed"})


@every_situation
def test_the_same_record_gives_the_same_page(situation: str) -> None:
    assert render_comparison(RECORDS[situation]()) == source(situation)


@every_situation
@pytest.mark.parametrize("width", [80, 120])
def test_the_summary_fits_the_screen(situation: str, width: int) -> None:
    out = StringIO()
    print_comparison(RECORDS[situation](), Console(file=out, width=width))
    lines = out.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    assert "\u202e" not in out.getvalue()
    assert not any("…" in line for line in lines if situation == "mixed")


def test_every_method_and_task_is_on_the_page() -> None:
    page, record = source("mixed"), mixed()
    for name in (*(m.name for m in record.methods), *(t.name for t in record.tasks)):
        assert f">{name}</bdi>" in page


def test_the_advice_names_the_method_and_its_test_score() -> None:
    record = mixed()
    sentence = recommendation(record)
    assert record.recommendation is not None
    assert sentence.startswith(f"Take {record.recommendation.method}")
    assert sentence.count(".\n") == 0
    assert "on the test rows" in sentence


def test_without_methods_there_is_no_advice() -> None:
    assert "no advice" in recommendation(empty())
    assert remarks(empty()) == []


def test_clear_losses_are_told_with_what_chance_alone_would_give() -> None:
    record = mixed()
    gain = Gain(value=-0.1, low=-0.2, high=-0.01, seeds=2)
    lost = [each.model_copy(update={"gain": gain, "clear": True}) for each in record.losses[:1]]
    said = " ".join(remarks(record.model_copy(update={"losses": lost})))
    assert f"1 pair of method and task clearly lost by sharing: {lost[0].task}." in said


def test_failures_of_one_reason_stand_on_one_line() -> None:
    out = StringIO()
    print_comparison(failed(), Console(file=out, width=400))
    assert out.getvalue().count("Failed: m, seeds 0, 1:") == 1


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    assert pareto_front([1, 2, 2, 3], [0.5, 0.9, 0.8, 0.9]) == [0, 1]
    assert pareto_front([1, 1], [0.5, 0.5]) == [0, 1]


def test_names_beside_the_dots_do_not_meet() -> None:
    for picture in pareto_pictures(mixed(), "score"):
        spots = [(label.x, label.y) for label in picture.labels]
        assert len(set(spots)) == len(spots) == len(mixed().methods)
        assert set(picture.front) <= {method.name for method in mixed().methods}
