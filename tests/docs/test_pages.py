"""What the documentation shows works: its code, its command lines, its options, its links."""

import re
import runpy
import shlex
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import pytest
from jsonargparse import ArgumentError
from tests.docs.pages import EXAMPLES, PAGES, ROOT, Block, blocks, refreshed

import ramify
from ramify.cli._parser import VERBS, build_parser
from ramify.data import planted_table
from ramify.networks import NETWORKS
from ramify.runs import STRATEGIES

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z_-]*")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages speak of: a table, and the YAML file of a page."""
    frame, groups = planted_table(n_groups=2, tasks_per_group=2, rows=200, features=6)
    names = [name for group in groups for name in group]
    renamed = dict(zip(names, ("NR-AR", "NR-AR-LBD", "NR-ER", "NR-ER-LBD"), strict=True))
    frame.rename(renamed).write_csv(tmp_path / "table.csv")
    for page in PAGES:
        for block in blocks(page):
            if block.language == "yaml":
                (tmp_path / "fit.yaml").write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for registry in (STRATEGIES, NETWORKS):  # what a page registers is known to that page only
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    return tmp_path


@every_page
@pytest.mark.usefixtures("workplace")
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "python" and not block.is_quoted:
            # Line numbers of the page, so that a failure names the line to mend.
            code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
            exec(code, names)  # noqa: S102  # the pages are ours


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
@pytest.mark.usefixtures("workplace")
def test_the_examples_run(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


@every_page
@pytest.mark.usefixtures("workplace")
def test_the_command_lines_of_a_page_are_understood(page: Path) -> None:
    for words in _command_lines(page):
        if words[-1] in {"--help", "--version"}:
            continue
        try:
            build_parser().parse_args(words)
        except (ArgumentError, SystemExit) as error:
            pytest.fail(f"{page.name}: ramify {shlex.join(words)}: {error}")


def test_the_pages_show_every_verb() -> None:
    shown = {words[0] for page in PAGES for words in _command_lines(page)}
    assert set(VERBS) <= shown


@every_page
def test_the_options_that_a_page_names_exist(page: Path) -> None:
    named = set(_OPTION.findall(_without_comments(page)))
    assert named <= _options()


def test_the_page_on_the_command_line_names_every_option_of_fit() -> None:
    named = set(_OPTION.findall((ROOT / "docs" / "command_line.md").read_text("utf-8")))
    assert _options_of("fit") - {"--help"} <= named


@every_page
def test_quoted_source_is_the_source(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == refreshed(text), "run `python -m tests.docs.pages`"


@every_page
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@every_page
def test_the_names_of_ramify_that_a_page_shows_exist(page: Path) -> None:
    named = set(re.findall(r"`ramify\.([A-Za-z_]\w*)", _without_comments(page)))
    rooms = {each.name for each in (ROOT / "src" / "ramify").iterdir() if each.is_dir()}
    assert named <= set(ramify.__all__) | rooms


def _command_lines(page: Path) -> list[list[str]]:
    """The words after ``ramify`` of every command line in a block of a page."""
    lines = [line for block in blocks(page) for line in _shell_lines(block)]
    words = [shlex.split(line, comments=True) for line in lines]
    return [each[1:] for each in words if each and each[0] == "ramify"]


def _shell_lines(block: Block) -> list[str]:
    if block.language not in {"bash", "console"}:
        return []
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "bash":
        return lines
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def _without_comments(page: Path) -> str:
    return re.sub(r"<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def _options_of(verb: str) -> set[str]:
    """The options that ``ramify VERB --help`` lists."""
    with redirect_stdout(StringIO()) as printed, suppress(SystemExit):
        build_parser().parse_args([verb, "--help"])
    return set(_OPTION.findall(printed.getvalue())) - {"--print_config"}


def _options() -> set[str]:
    return {"--version"}.union(*(_options_of(verb) for verb in VERBS))


def test_every_test_that_a_page_names_is_there() -> None:
    named = re.findall(
        r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "reliability.md").read_text()
    )
    assert len(named) > 30
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), f"{file}::{test}"
