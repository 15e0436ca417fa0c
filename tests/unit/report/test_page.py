"""Laws of the page: whatever the names hold, it stays one page that asks for nothing."""

import base64
import hashlib
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ramify.report import render, write_report
from ramify.report.words._words import whole

from ._situations import HOSTILE, RECORDS

VOID = {"meta", "br", "input", "link", "img", "hr", "base", "embed", "area", "source"}
every_situation = pytest.mark.parametrize("situation", RECORDS)


class Page(HTMLParser):
    """Tags, attributes and text of a page; complains about tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif not (self.open and self.open[-1] == "style"):
            self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


@cache
def source(situation: str) -> str:
    return render(RECORDS[situation]())


@cache
def page(situation: str) -> Page:
    return Page(source(situation))


@every_situation
def test_every_tag_is_closed(situation: str) -> None:
    assert page(situation).open == []


@every_situation
def test_nothing_is_loaded_from_elsewhere(situation: str) -> None:
    seen = page(situation)
    assert not set(seen.tags) & {"img", "link", "iframe", "object", "embed", "base", "form"}
    assert not seen.values("src")
    assert all(each.startswith("#") for each in seen.values("href"))
    style = source(situation).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


@every_situation
def test_no_attribute_runs_a_script(situation: str) -> None:
    assert not [name for _, name, _ in page(situation).attributes if name.startswith("on")]


@every_situation
def test_the_policy_allows_our_script_and_no_other(situation: str) -> None:
    seen = page(situation)
    ours = seen.scripts[-1]
    digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
    assert seen.values("content")[0] == (
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; img-src data:"
    )
    assert len(seen.scripts) == 1 + source(situation).count('type="application/json"')


@every_situation
def test_every_task_is_named_in_the_score_table(situation: str) -> None:
    seen = page(situation)
    found = {text.strip() for text in seen.texts} | set(seen.values("title"))
    missing = [t.name for t in RECORDS[situation]().tasks if whole(t.name).strip() not in found]
    assert missing == []


def test_hostile_names_are_text_and_nothing_else() -> None:
    assert set(page("hostile").tags) <= set(page("selective").tags)
    for name in HOSTILE:
        if any(character in name for character in "<&"):
            assert name not in source("hostile")
    assert not set(source("hostile")) & {"\x00", "\u202e", "\u2028", "\u2029"}
    assert "{{ 7 * 7 }}" in "".join(page("hostile").texts)


@every_situation
def test_every_reference_has_its_target_once(situation: str) -> None:
    seen = page(situation)
    ids = seen.values("id")
    wanted = [each[1:] for each in seen.values("href")]
    wanted += seen.values("aria-labelledby") + seen.values("aria-describedby")
    assert len(ids) == len(set(ids))
    assert set(wanted) <= set(ids)


@every_situation
def test_every_picture_has_words(situation: str) -> None:
    tags = re.findall(r"<(?:svg|canvas)\b[^>]*>", source(situation))
    assert all("aria-label=" in tag or 'aria-hidden="true"' in tag for tag in tags)


@every_situation
def test_the_same_record_gives_the_same_page(situation: str) -> None:
    assert render(RECORDS[situation]()) == source(situation)


def test_the_canvas_data_survive_hostile_names() -> None:
    (data, _) = page("hostile").scripts
    assert len(json.loads(data)["tasks"]) == len(HOSTILE)


def test_many_tasks_make_no_huge_page() -> None:
    assert len(source("many")) < 3_000_000
    assert len(source("twelve")) < 150_000


def test_warnings_stand_above_the_sections() -> None:
    text = source("twelve")
    assert text.index("2 columns hold one value only") < text.index('id="tree"')


def test_sections_without_content_are_left_out() -> None:
    ids = set(page("bare").values("id"))
    assert ids.isdisjoint({"affinity", "path", "stability", "curves"})
    assert "scores" in ids


def test_writes_the_page_or_nothing(tmp_path: Path) -> None:
    write_report(RECORDS["twelve"](), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == source("twelve")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
